"""Shapes of sectors: the fan of a phased or curved probe, the rectangle of a linear one."""

from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray


class Shape(Protocol):
    """A sector's outline by a few numbers, in pixels."""

    def draw(self, shape: tuple[int, int], margin: float = 0.0) -> NDArray[np.bool_]:
        """The sector as a mask (H, W), widened by `margin` pixels on all sides."""
        ...

    def scaled(self, factor: float) -> Self:
        """The same sector in a frame that is `factor` times as large."""
        ...


@dataclass(frozen=True)
class Fan:
    """Apex (x, y), angles of the straight edges to the vertical (left < right, radians), radii of the arcs."""

    x: float
    y: float
    left: float
    right: float
    near: float
    far: float

    @property
    def numbers(self) -> tuple[float, ...]:
        """x, y, left, right, near, far."""
        return self.x, self.y, self.left, self.right, self.near, self.far

    def draw(self, shape: tuple[int, int], margin: float = 0.0) -> NDArray[np.bool_]:
        """As `Shape.draw`."""
        x, y = np.arange(shape[1], dtype=np.float32) - self.x, np.arange(shape[0], dtype=np.float32)[:, None] - self.y
        square = x * x + y * y
        # Distance to an edge's line, positive inside.
        left = x * np.cos(self.left) - y * np.sin(self.left)
        right = -x * np.cos(self.right) + y * np.sin(self.right)
        return (
            (left >= -margin)
            & (right >= -margin)
            & (square >= max(self.near - margin, 0) ** 2)
            & (square <= (self.far + margin) ** 2)
        )

    def scaled(self, factor: float) -> "Fan":
        """As `Shape.scaled`."""
        half = 0.5 * (factor - 1)  # pixel centres lie at whole numbers
        return replace(
            self, x=self.x * factor + half, y=self.y * factor + half, near=self.near * factor, far=self.far * factor
        )


@dataclass(frozen=True)
class Rectangle:
    """First and last column and row."""

    first_column: float
    last_column: float
    first_row: float
    last_row: float

    def draw(self, shape: tuple[int, int], margin: float = 0.0) -> NDArray[np.bool_]:
        """As `Shape.draw`."""
        columns, rows = np.arange(shape[1]), np.arange(shape[0])[:, None]
        return (
            (columns >= self.first_column - margin)
            & (columns <= self.last_column + margin)
            & (rows >= self.first_row - margin)
            & (rows <= self.last_row + margin)
        )

    def scaled(self, factor: float) -> "Rectangle":
        """As `Shape.scaled`."""
        half = 0.5 * (factor - 1)
        ends = (self.first_column, self.last_column, self.first_row, self.last_row)
        return Rectangle(*(end * factor + half for end in ends))
