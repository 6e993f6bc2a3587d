"""Paired comparisons of two methods over the same cases, corrected for the number of tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t, wilcoxon

MINIMUM = 5  # values; with fewer an interval says nothing
MINIMUM_PAIRS = 6  # of a test; with five a two-sided p cannot be below 0.0625


@dataclass(frozen=True)
class PairedTest:
    """n: pairs of which both values are known. difference: median of first less second, in their unit. effect:
    rank-biserial correlation of the pairs, -1 to 1, positive where the first is higher. p: two-sided Wilcoxon signed
    rank, not corrected; effect and p are NaN with fewer than six pairs.
    """

    n: int
    difference: float
    effect: float
    p: float


def paired_test(first: NDArray[np.floating], second: NDArray[np.floating]) -> PairedTest:
    """Compare two methods by their values (n,) on the same cases in the same order; NaN leaves a case out.

    An infinite value counts as higher than all finite ones and equal to another infinite one.

    Wilcoxon 1945, with zero differences split between the signs (Pratt 1959 for the p); the effect after Kerby 2014:
    the difference of the two rank sums over their total. Methods that agree on all cases have p = 1 and no effect.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    difference = np.zeros_like(first)
    np.subtract(first, second, out=difference, where=first != second)  # infinite less infinite would be unknown
    difference = difference[~np.isnan(difference)]
    n = len(difference)
    if n < MINIMUM_PAIRS:
        nan = float("nan")
        return PairedTest(n, float(np.median(difference)) if n else nan, nan, nan)
    if not difference.any():
        return PairedTest(n, 0.0, 0.0, 1.0)
    ranks = rankdata(np.abs(difference))
    effect = (ranks * np.sign(difference)).sum() / ranks.sum()
    p = wilcoxon(difference, zero_method="pratt").pvalue
    return PairedTest(n, float(np.median(difference)), float(effect), float(p))


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """p values (m,) corrected for their number (Holm 1979); missing ones (NaN) stay missing and do not count."""
    values = np.asarray(p, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    corrected = np.full(len(values), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(order), 0, -1)), 1.0)
    return corrected


def mean_interval(values: NDArray[np.floating]) -> tuple[float, float, float]:
    """Mean with its 95 % interval by Student's t of the known values (n,).

    No interval with fewer than five, or where one is infinite, as their mean is then.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    nan = float("nan")
    if len(known) < MINIMUM or np.isinf(known).any():
        return (float(known.mean()) if len(known) else nan), nan, nan
    half = t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean()), float(known.mean() - half), float(known.mean() + half)
