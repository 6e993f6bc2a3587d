"""Paired comparisons of two methods over the same cases, corrected for the number of tests."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, rankdata, t, wilcoxon

MINIMUM = 5  # patients; with fewer an interval says nothing
MINIMUM_PAIRS = 6  # of a test; with five a two-sided p cannot be below 0.0625


@dataclass(frozen=True)
class PairedTest:
    """n: patients of whom both values of an image are known. difference: median over them of first less second, in
    their unit. effect: rank-biserial correlation of the pairs, -1 to 1, positive where the first is higher. p:
    two-sided Wilcoxon signed rank, not corrected; effect and p are NaN with fewer than six patients.
    """

    n: int
    difference: float
    effect: float
    p: float


def paired_test(
    first: NDArray[np.floating], second: NDArray[np.floating], patients: Sequence[str] | None = None
) -> PairedTest:
    """Compare two methods by their values (n,) on the same cases in the same order; NaN leaves a case out.

    The images of a patient are no independent pairs: the mean of their differences is one. `patients`: of the cases;
    where it is not given, each case is a patient.

    An infinite value counts as higher than all finite ones and equal to another infinite one.

    Wilcoxon 1945, with zero differences split between the signs (Pratt 1959 for the p); the effect after Kerby 2014:
    the difference of the two rank sums over their total. Methods that agree on all cases have p = 1 and no effect.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    difference = np.zeros_like(first)
    np.subtract(first, second, out=difference, where=first != second)  # infinite less infinite would be unknown
    difference = _by_patient(difference, patients)
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


def _by_patient(difference: NDArray[np.float64], patients: Sequence[str] | None) -> NDArray[np.float64]:
    """The mean of each patient's known differences; of infinite ones of both signs 0, as neither method is ahead."""
    known = ~np.isnan(difference)
    if patients is None:
        return difference[known]
    with np.errstate(invalid="ignore"):
        means = pd.Series(difference[known]).groupby(np.asarray(patients)[known], sort=False).mean()
    return means.fillna(0.0).to_numpy()


def mean_interval(values: NDArray[np.floating], patients: Sequence[str] | None = None) -> tuple[float, float, float]:
    """Mean with its 95 % interval by Student's t of the known values (n,).

    What varies are patients, each left out once with all its values (jackknife over clusters; Bell and McCaffrey 2002).
    With one value a patient it is the usual interval, with equally many the cluster-robust one (Liang and Zeger 1986).
    That alone would be too narrow where a few patients have most of the values: these draw the mean to themselves.
    `patients`: as in `paired_test`.

    No interval with fewer than five patients, or where a value is infinite, as the mean is then.
    """
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    own = values[known]
    names = np.arange(len(values)) if patients is None else np.asarray(patients)
    codes, clusters = pd.factorize(names[known])
    nan, n, m = float("nan"), len(own), len(clusters)
    mean = float(own.mean()) if n else nan
    if m < MINIMUM or np.isinf(own).any():
        return mean, nan, nan
    shifts = np.bincount(codes, weights=own - mean) / (n - np.bincount(codes))  # of the mean without each patient
    half = t.ppf(0.975, m - 1) * np.sqrt((m - 1) / m * (shifts**2).sum())
    return mean, float(mean - half), float(mean + half)


def spread_interval(values: NDArray[np.floating], patients: Sequence[str] | None = None) -> tuple[float, float, float]:
    """Standard deviation (of n - 1) of the known values (n,) with its 95 % interval for normal values, by chi-squared.

    Its degrees of freedom are the patients less one: several images of one patient make it no narrower. `patients`: as
    in `paired_test`. No interval with fewer than five patients.
    """
    values = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(values)
    names = np.arange(len(values)) if patients is None else np.asarray(patients)
    own, m = values[known], len(np.unique(names[known]))
    nan = float("nan")
    sd = float(own.std(ddof=1)) if len(own) > 1 else nan
    if m < MINIMUM:
        return sd, nan, nan
    low, high = sd * np.sqrt((m - 1) / chi2.ppf((0.975, 0.025), m - 1))
    return sd, float(low), float(high)
