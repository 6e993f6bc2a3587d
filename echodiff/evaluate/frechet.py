"""Frechet distance between the Gaussians fitted to two sets of features.

    d2 = |mu_X - mu_Y|^2 + tr S_X + tr S_Y - 2 tr (S_X S_Y)^(1/2)

(Dowson and Landau 1982; Heusel et al. 2017, eq. 6.) With A, B the centred features divided by the square root
of n - 1, S_X = A'A and S_Y = B'B, and tr (S_X S_Y)^(1/2) is the sum of the singular values of A B'. That n
x m matrix needs no D x D covariance and no square root of a singular matrix, so that the value is sound for
fewer images than dimensions.
"""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def frechet_distance(x: Features, y: Features) -> float:
    """Squared Frechet distance of features (n, D) and (m, D), float64; 0 for identical sets.

    It is biased upwards where n or m is below D: give it with both numbers and a floor of real against real.

    Raises:
        ValueError: fewer than two rows in one of them, or other dimensions.
    """
    x, y = _checked(x), _checked(y)
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"expected features of one dimension, found {x.shape[1]} and {y.shape[1]}")
    shift = x.mean(axis=0) - y.mean(axis=0)
    a, b = _scaled(x), _scaled(y)
    cross = np.linalg.svd(_small(a) @ _small(b).T, compute_uv=False).sum()
    return float(max(shift @ shift + (a * a).sum() + (b * b).sum() - 2 * cross, 0.0))


def _checked(features: Features) -> Features:
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"expected features (n, D) of at least two images, found shape {features.shape}")
    return features


def _scaled(features: Features) -> Features:
    """Centred and scaled such that the covariance is A'A."""
    return (features - features.mean(axis=0)) / np.sqrt(len(features) - 1)


def _small(a: Features) -> Features:
    """A matrix of at most D rows with the same A'A: the R of A = QR where there are more rows than that."""
    return np.linalg.qr(a, mode="r") if len(a) > a.shape[1] else a
