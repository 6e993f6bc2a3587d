"""How sure a completed contour is: a band along its normals, and how many true points lie inside."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from echodiff.ingest.completion.shape_model import ShapeModel

NORMAL_90 = 1.6449  # standard deviations to either side that hold 90 % of a Gaussian
FINE = 8  # points between two of a polyline when distances to it are measured


def half_width(points: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the width (P,) of the 90 % band of a polyline (P, 2) whose points have the covariances (P, 2, 2)."""
    along = np.gradient(points, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], 1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return NORMAL_90 * np.sqrt(np.einsum("pi,pij,pj->p", normal, covariance, normal))


def inside_band(
    model: ShapeModel,
    given: NDArray[np.float64],
    epicardium: NDArray[np.float64],
    atrium: NDArray[np.float64],
) -> tuple[float, float]:
    """Shares of the points of a true epicardium and atrium that lie inside the bands, in the ventricle's frame."""
    shares = []
    for mean, covariance, true in zip(model.expect(given), model.deviations(), (epicardium, atrium), strict=True):
        width = half_width(mean, covariance)
        place = np.linspace(0, len(mean) - 1, FINE * (len(mean) - 1) + 1)
        fine = np.stack([np.interp(place, np.arange(len(mean)), column) for column in (*mean.T, width)], 1)
        distance, nearest = cKDTree(fine[:, :2]).query(true)
        shares.append(float((distance <= fine[nearest, 2]).mean()))
    return shares[0], shares[1]
