"""Intervals by subsampling without replacement, and floors of real images against real images.

A bootstrap would repeat images, which shrinks a set's covariance and biases a Frechet distance. Subsampling
keeps every image at most once: with b of n images kept, the variance of the statistic of all n is
b / (n - b) times the variance over the subsamples (delete-d jackknife; Shao and Wu 1989).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Statistic = Callable[[Features, Features], float]

KEPT = 0.8  # share of the images in a subsample
QUANTILE = 1.959964  # two-sided 95 % of the normal distribution
MINIMUM = 5  # images in each set; with fewer there is no interval


def subsampling_interval(
    statistic: Statistic, x: Features, y: Features, *, draws: int, seed: int
) -> tuple[float, float]:
    """95 % interval of `statistic(x, y)`: both sets are subsampled, each image at most once in a draw.

    Args:
        x, y: features (n, D), (m, D).
        draws: number of subsamples; with 0 there is no interval.

    Returns:
        (low, high); NaN, NaN without draws or with fewer than five images in a set.
    """
    if draws < 2 or min(len(x), len(y)) < MINIMUM:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    values = [statistic(x[_kept(rng, len(x))], y[_kept(rng, len(y))]) for _ in range(draws)]
    sd = float(np.std(values, ddof=1)) * np.sqrt(KEPT / (1 - KEPT))
    value = statistic(x, y)
    return value - QUANTILE * sd, value + QUANTILE * sd


def _kept(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    return rng.choice(n, size=max(2, round(KEPT * n)), replace=False)


def split_halves(
    statistic: Statistic, x: Features, *, first: int | None = None, draws: int, seed: int
) -> NDArray[np.float64]:
    """`statistic` between two disjoint random parts of one set: the floor that nothing but chance explains.

    Args:
        first: number of images of the first part, the rest is the second; halves where it is not given or
            more than half.

    Returns:
        One value a draw; empty for fewer than four images.
    """
    half = len(x) // 2
    size = half if first is None else min(first, half)
    if size < 2:
        return np.empty(0)
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        order = rng.permutation(len(x))
        values.append(statistic(x[order[:size]], x[order[size:]]))
    return np.array(values)
