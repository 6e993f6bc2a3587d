"""Frechet distance between the Gaussians fitted to two sets of features.

    d2 = |mu_X - mu_Y|^2 + tr S_X + tr S_Y - 2 tr (S_X S_Y)^(1/2)

(Dowson and Landau 1982; Heusel et al. 2017, eq. 6.) With A, B the centred features divided by the square root
of n - 1, S_X = A'A and S_Y = B'B, and tr (S_X S_Y)^(1/2) is the sum of the singular values of A B'. That n
x m matrix needs no D x D covariance and no square root of a singular matrix, so that the value is sound for
fewer images than dimensions.
"""

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.pair import Features, Pair


def frechet_distance(pair: Pair) -> float:
    """Squared Frechet distance of two sets of features; 0 for identical sets.

    It is biased upwards where a set has fewer images than dimensions: give it with both numbers and a floor of real
    against real.
    """
    shift = pair.xx.mean() + pair.yy.mean() - 2 * pair.xy.mean()
    traces = _trace(pair.xx) + _trace(pair.yy)
    return float(max(shift + traces - 2 * np.linalg.svd(_cross(pair), compute_uv=False).sum(), 0.0))


def _trace(products: Features) -> float:
    """Trace of the covariance of a set with these inner products."""
    return float(np.trace(products) - products.sum() / len(products)) / (len(products) - 1)


def _cross(pair: Pair) -> NDArray[np.float64]:
    """A B', or a smaller matrix of the same singular values where a set has more images than dimensions."""
    n, m = pair.xy.shape
    if max(n, m) <= pair.x.shape[1]:
        xy = pair.xy - pair.xy.mean(axis=0)
        return (xy - xy.mean(axis=1, keepdims=True)) / np.sqrt((n - 1) * (m - 1))
    return _small(_scaled(pair.x)) @ _small(_scaled(pair.y)).T


def _scaled(features: Features) -> Features:
    """Centred and scaled such that the covariance is A'A."""
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)


def _small(a: Features) -> Features:
    """A matrix of at most D rows with the same A'A: the R of A = QR where there are more rows than that."""
    return np.linalg.qr(a, mode="r") if len(a) > a.shape[1] else a
