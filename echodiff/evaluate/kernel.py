"""Kernel distance (KID): the unbiased squared maximum mean discrepancy under a cubic polynomial kernel.

    k(x, y) = (x'y / D + 1)^3        (Binkowski et al. 2018, Section 4)

Their estimate averages over random subsets of equal size. Here every pair is used once: that is the mean over
all subsets, needs no subset size (the usual 1000 does not fit small sets) and has no noise of its own.
"""

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.pair import Pair


def kernel_distance(pair: Pair) -> float:
    """Unbiased squared MMD of two sets of features; may fall below 0 for sets that are alike."""
    dimension = pair.x.shape[1]
    xx, xy, yy = ((products / dimension + 1.0) ** 3 for products in (pair.xx, pair.xy, pair.yy))
    return float(_off_diagonal_mean(xx) + _off_diagonal_mean(yy) - 2 * xy.mean())


def _off_diagonal_mean(kernel: NDArray[np.float64]) -> float:
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
