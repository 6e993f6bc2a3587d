"""What a fan is worth: the sum of the worths of its pixels, row by row, for many fans at once."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from echodiff.ingest.sector.shape import Fan

UNEVEN = 0.2  # cost of a pixel by which one side of a fan is larger than the other
STEEPEST = np.radians(89)  # edge whose crossing with a row can still be told


class RowSums(NamedTuple):
    """Sums of the pixels' worths along each row: element (h, w) is that of the first w pixels of row h; (H, W + 1)."""

    sums: NDArray[np.float64]

    @classmethod
    def of(cls, worth: NDArray[np.float32]) -> Self:
        """The sums of a picture of worths (H, W)."""
        return cls(np.pad(np.cumsum(worth, axis=1, dtype=np.float64), ((0, 0), (1, 0))))

    def between(self, first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sums over the pixels from `first` to `last`, both (K, H) and counted in, over all rows: (K,)."""
        width = self.sums.shape[1] - 1
        start = np.clip(np.ceil(first), 0, width).astype(np.intp)
        end = np.maximum(np.clip(np.floor(last) + 1, 0, width).astype(np.intp), start)
        rows = np.arange(len(self.sums))
        return (self.sums[rows, end] - self.sums[rows, start]).sum(axis=1)


def worth_of_fans(rows: RowSums, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Worths (K,) of the fans of these numbers (K, 6), as `Fan.numbers`, less the cost of their tilt.

    A row of a fan is what lies between its edges and in the far arc, without what lies in the near arc.
    """
    x, y, left, right, near, far = np.asarray(numbers, float).T[:, :, None]
    below = np.arange(len(rows.sums)) - y
    reach, gap = (np.sqrt(np.maximum(radius**2 - below**2, 0)) for radius in (far, near))
    first = np.maximum(x + below * np.tan(np.clip(left, -STEEPEST, STEEPEST)), x - reach)
    last = np.minimum(x + below * np.tan(np.clip(right, -STEEPEST, STEEPEST)), x + reach)
    last = np.where(np.abs(below) <= far, last, -np.inf)
    whole = rows.between(first, last)
    cut = rows.between(np.maximum(first, x - gap), np.where(np.abs(below) < near, np.minimum(last, x + gap), -np.inf))
    return whole - cut - tilt_cost(left, right, near, far)[:, 0]


def worth_of_fan(rows: RowSums, fan: Fan) -> float:
    """As `worth_of_fans`, of one."""
    return float(worth_of_fans(rows, np.array([fan.numbers]))[0])


def tilt_cost(left: ArrayLike, right: ArrayLike, near: ArrayLike, far: ArrayLike) -> NDArray[np.float64]:
    """Cost of a fan's tilt; cutting beams that are dark on one side alone, as behind a rib, gains nothing."""
    return UNEVEN * 0.5 * np.maximum(np.square(far) - np.square(near), 0) * np.abs(np.add(left, right))
