"""Kernel distance (KID): the unbiased squared maximum mean discrepancy under a cubic polynomial kernel.

    k(x, y) = (x'y / D + 1)^3        (Binkowski et al. 2018, Section 4)

Their estimate averages over random subsets of equal size. Here every pair is used once: that is the mean over
all subsets, needs no subset size (the usual 1000 does not fit small sets) and has no noise of its own.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.parts import Features, Part, blocks, checked, members, whole


def kernel_distance(x: NDArray[np.floating], y: NDArray[np.floating]) -> float:
    """Unbiased squared MMD of two sets of features (n, D) and (m, D); may fall below 0 for sets that are alike.

    Raises:
        ValueError: fewer than two images in one of them, or other dimensions.
    """
    return float(kernel_distances(x, y, [whole(x, y)])[0])


def kernel_distances(x: NDArray[np.floating], y: NDArray[np.floating], parts: Sequence[Part]) -> NDArray[np.float64]:
    """The kernel distance of each part of two sets, (P,)."""
    x, y = checked(x, y)
    of_x = members([part.first for part in parts], len(x)).astype(np.float64)
    of_y = members([part.second for part in parts], len(y)).astype(np.float64)
    across = _sums(x, y, of_x, of_y) / (of_x.sum(axis=1) * of_y.sum(axis=1))
    return _off_diagonal_means(x, of_x) + _off_diagonal_means(y, of_y) - 2 * across


def _off_diagonal_means(x: Features, inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean kernel of two different images of each part, (P,)."""
    n = inside.sum(axis=1)
    themselves = inside @ _kernel(np.square(x).sum(axis=1), x.shape[1])
    return (_sums(x, x, inside, inside) - themselves) / (n * (n - 1))


def _sums(x: Features, y: Features, of_x: NDArray[np.float64], of_y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the kernel over all pairs of each part, (P,); 1 in `of_x` (P, n) and `of_y` (P, m) for its images."""
    total = np.zeros(len(of_x))
    for block in blocks(len(x)):
        kernel = _kernel(x[block] @ y.T, x.shape[1])
        total += (of_x[:, block] * (of_y @ kernel.T)).sum(axis=1)
    return total


def _kernel(products: Features, dimension: int) -> Features:
    base = products / dimension + 1.0
    return base * base * base
