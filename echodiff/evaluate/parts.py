"""Two sets of features and parts of them: what every statistic of distributions is computed from.

A statistic is asked for all parts at once, the subsamples of an interval or the random halves of a floor: the products
and distances of large sets are then computed once for all of them, in blocks, and never stand in memory whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Rows = NDArray[np.int64]

BLOCK = 1024  # rows of a matrix of products that stand in memory at a time
SAME = 1e-12  # of the two squared norms: a squared distance below it is rounding, and the images are the same


@dataclass(frozen=True)
class Part:
    """Positions of the images that belong to it, in the first and in the second set."""

    first: Rows
    second: Rows


Measure = Callable[[Features, Features, Sequence[Part]], Mapping[str, NDArray[np.float64]]]
"""One or several statistics of features x (n, D) and y (m, D): under each name a value a part (P,)."""


def whole(x: NDArray[np.floating], y: NDArray[np.floating]) -> Part:
    """The part that holds all images of both sets."""
    return Part(np.arange(len(x)), np.arange(len(y)))


def checked(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[Features, Features]:
    """Both sets in float64.

    Raises:
        ValueError: fewer than two rows in one of them, or other dimensions.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if x.ndim != 2 or y.ndim != 2 or min(len(x), len(y)) < 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"expected features (n, D), (m, D) of two or more images, found {x.shape}, {y.shape}")
    return x, y


def members(rows: Sequence[Rows], count: int) -> NDArray[np.bool_]:
    """Whether each of `count` images is among `rows`, a line each: (P, count)."""
    inside = np.zeros((len(rows), count), bool)
    for line, own in zip(inside, rows, strict=True):
        line[own] = True
    return inside


def blocks(count: int) -> Iterator[slice]:
    """Slices of at most `BLOCK` that cover `count` rows in order."""
    return (slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def squared_distances(x: Features, y: Features) -> Features:
    """Squared Euclidean distances (n, m); 0 for equal rows."""
    norms = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
    squared = norms - 2 * (x @ y.T)
    squared[squared < SAME * norms] = 0
    return squared
