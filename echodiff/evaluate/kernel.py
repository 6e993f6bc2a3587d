"""Kernel distance (KID): the unbiased squared maximum mean discrepancy under a cubic polynomial kernel.

    k(x, y) = (x'y / D + 1)^3        (Binkowski et al. 2018, Section 4)

Their estimate averages over random subsets of equal size. Here every pair is used once: that is the mean over
all subsets, needs no subset size (the usual 1000 does not fit small sets) and has no noise of its own.
"""

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def polynomial_kernel(x: Features, y: Features) -> NDArray[np.float64]:
    """k (n, m) of features (n, D) and (m, D)."""
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def kernel_distance(x: Features, y: Features) -> float:
    """Unbiased squared MMD of features (n, D) and (m, D); may fall below 0 for sets that are alike.

    Raises:
        ValueError: fewer than two rows in one of them, or other dimensions.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if min(len(x), len(y)) < 2 or x.shape[1:] != y.shape[1:]:
        raise ValueError(f"expected features (n, D), (m, D) of two or more images, found {x.shape}, {y.shape}")
    return float(_off_diagonal_mean(x) + _off_diagonal_mean(y) - 2 * polynomial_kernel(x, y).mean())


def _off_diagonal_mean(x: Features) -> float:
    kernel = polynomial_kernel(x, x)
    n = len(x)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
