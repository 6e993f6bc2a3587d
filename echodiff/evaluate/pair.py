"""Two sets of features and their inner products: what every statistic of distributions is computed from.

The products are taken once, by a matrix product; subsamples and random splits only pick rows and columns of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]
Rows = NDArray[np.int64]

SAME = 1e-12  # of the two squared norms: a squared distance below it is rounding, and the images are the same


@dataclass(frozen=True)
class Pair:
    """Features x (n, D) and y (m, D), float64, with the inner products xx (n, n), xy (n, m) and yy (m, m)."""

    x: Features
    y: Features
    xx: Features
    xy: Features
    yy: Features

    @classmethod
    def of(cls, x: NDArray[np.floating], y: NDArray[np.floating]) -> Self:
        """The pair of two sets of features.

        Raises:
            ValueError: fewer than two rows in one of them, or other dimensions.
        """
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if x.ndim != 2 or y.ndim != 2 or min(len(x), len(y)) < 2 or x.shape[1] != y.shape[1]:
            raise ValueError(f"expected features (n, D), (m, D) of two or more images, found {x.shape}, {y.shape}")
        return cls(x, y, x @ x.T, x @ y.T, y @ y.T)

    def part(self, rows: Rows, columns: Rows) -> Self:
        """The pair of the images `rows` of x and `columns` of y."""
        xx, xy, yy = (
            table[np.ix_(first, second)]
            for table, first, second in ((self.xx, rows, rows), (self.xy, rows, columns), (self.yy, columns, columns))
        )
        return type(self)(self.x[rows], self.y[columns], xx, xy, yy)

    def squared_distances(self) -> tuple[Features, Features, Features]:
        """Squared Euclidean distances within x (n, n), from x to y (n, m) and within y (m, m); 0 for equal rows."""
        x, y = self.xx.diagonal(), self.yy.diagonal()
        return _distances(self.xx, x, x), _distances(self.xy, x, y), _distances(self.yy, y, y)


Measure = Callable[[Pair], Mapping[str, float]]
"""One or several statistics of a pair, each under its name."""


def _distances(products: Features, first: Features, second: Features) -> Features:
    norms = first[:, None] + second
    squared = norms - 2 * products
    squared[squared < SAME * norms] = 0
    return squared
