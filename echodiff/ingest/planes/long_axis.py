"""The left ventricle's long axis from a label volume: from the apex to the middle of the mitral valve."""

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from echodiff.ingest.case import Reject
from echodiff.labels import BACKGROUND, LA, LV

ONE_SIDED = 0.25  # of the ventricle's length by which its open end lies off its middle at least
SHORTEST_MM = 20.0  # a ventricle


def long_axis(labels: NDArray[np.uint8], volume: sitk.Image) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Apex and mitral centre (3,) in mm of labels 0..3 (z, y, x) that lie on the voxels of `volume`.

    The valve is where the ventricle touches the atrium, or, where no atrium is labelled, where its wall leaves it open.
    The apex is the ventricle's end along the line from the valve's middle through the ventricle's farthest voxels.

    Raises:
        Reject: no ventricle, or neither wall nor atrium that would tell its base.
    """
    box, first = _around_ventricle(labels)
    ventricle = box == LV
    base = ventricle & _touching(box == LA)
    if not base.any():
        base = ventricle & _touching(box == BACKGROUND)
    if not base.any():
        raise Reject("expected an atrium, or a wall open at the base, in the label volume, found neither")
    points, valve = _world(ventricle, first, volume), _world(base, first, volume).mean(axis=0)
    distance = np.linalg.norm(points - valve, axis=1)
    farthest = points[distance >= np.quantile(distance, 0.998)].mean(axis=0)
    direction = (farthest - valve) / max(np.linalg.norm(farthest - valve), 1e-9)
    length = float(((points - valve) @ direction).max())
    if length < SHORTEST_MM or (points.mean(axis=0) - valve) @ direction < ONE_SIDED * length:
        raise Reject(
            f"expected a left ventricle of {SHORTEST_MM:g} mm or more with its base at one end, found none in the "
            "label volume; say in label_values which value is the LV, if not 1, or give the plane's landmarks"
        )
    return valve + length * direction, valve


def _around_ventricle(labels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The ventricle's bounding box with a rim of two voxels, and the index (z, y, x) of its first voxel."""
    found = labels == LV
    if not found.any():
        raise Reject("expected a left ventricle in the label volume, found none")
    ends = [np.flatnonzero(found.any(axis=tuple({0, 1, 2} - {axis})))[[0, -1]] for axis in range(3)]
    first = np.array([max(low - 2, 0) for low, _ in ends])
    return labels[tuple(slice(low, high + 3) for low, (_, high) in zip(first, ends, strict=True))], first


def _touching(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return binary_dilation(region, np.ones((3, 3, 3), bool))


def _world(region: NDArray[np.bool_], first: NDArray[np.intp], volume: sitk.Image) -> NDArray[np.float64]:
    """Positions (N, 3) in mm of a region's voxels."""
    index = (np.argwhere(region) + first)[:, ::-1] * np.array(volume.GetSpacing())
    return index @ np.array(volume.GetDirection()).reshape(3, 3).T + np.array(volume.GetOrigin())
