"""Frechet distance between the Gaussians fitted to two sets of features.

    d2 = |mu_X - mu_Y|^2 + tr S_X + tr S_Y - 2 tr (S_X S_Y)^(1/2)

(Dowson and Landau 1982; Heusel et al. 2017, eq. 6.) With A, B the centred features divided by the square root
of n - 1, S_X = A'A and S_Y = B'B, and tr (S_X S_Y)^(1/2) is the sum of the singular values of A B'. That n
x m matrix needs no D x D covariance and no square root of a singular matrix, so that the value is sound for
fewer images than dimensions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.parts import Features, Part, checked, whole


def frechet_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Squared Frechet distance of two sets of features (n, D) and (m, D); 0 for identical sets.

    It is biased upwards where a set has fewer images than dimensions: give it with both numbers and a floor of real
    against real.

    Raises:
        ValueError: fewer than two images in one of them, or other dimensions.
    """
    return float(frechet_distances(x, y, [whole(x, y)])[0])


def frechet_distances(x: NDArray[np.floating], y: NDArray[np.floating], parts: Sequence[Part]) -> NDArray[np.float64]:
    """The Frechet distance of each part of two sets, (P,)."""
    x, y = checked(x, y)
    products = x @ y.T if min(len(x), len(y)) <= x.shape[1] else None
    values = []
    for part in parts:
        a, b = x[part.first], y[part.second]
        cross = _cross(a, b) if products is None else _cross_of(products[np.ix_(part.first, part.second)])
        shift = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
        nuclear = np.linalg.svd(cross, compute_uv=False).sum()
        values.append(max(shift + _trace(a) + _trace(b) - 2 * nuclear, 0.0))
    return np.array(values)


def _trace(features: Features) -> float:
    """Trace of the covariance."""
    return float(np.square(features - features.mean(axis=0)).sum() / (len(features) - 1))


def _cross_of(products: Features) -> Features:
    """A B' from the inner products (n, m) of two sets."""
    n, m = products.shape
    centred = products - products.mean(axis=0)
    return (centred - centred.mean(axis=1, keepdims=True)) / np.sqrt((n - 1) * (m - 1))


def _cross(x: Features, y: Features) -> Features:
    """A B', or a smaller matrix of the same singular values where both sets have more images than dimensions."""
    a, b = ((own - own.mean(axis=0)) / np.sqrt(len(own) - 1) for own in (x, y))
    if min(len(a), len(b)) > a.shape[1]:
        a, b = np.linalg.qr(a, mode="r"), np.linalg.qr(b, mode="r")
    return a @ b.T
