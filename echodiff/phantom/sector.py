"""The probe's sector: a polar grid (range x angle) in the tissue and the frame (rows x columns) on the screen.

A virtual apex behind the probe's face makes the curved top of a convex array; 0 mm is a phased array.
x in mm from the probe's middle to the right, y in mm of depth below the face.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

BLANK_MM = 0.9  # the probe's dead zone: real frames start this far below the face
SHIFT = 4  # fixed-point bits of OpenCV's polygon corners


@dataclass(frozen=True)
class Sector:
    """Depth below the face in mm, half opening angle in radians, virtual apex behind the face in mm, pixel in mm."""

    depth: float
    half_angle: float
    virtual_apex: float
    pixel: float

    @property
    def top(self) -> float:
        """y in mm of the frame's first row: the face's rim, which lies above its middle for a convex array."""
        return self.virtual_apex * (np.cos(self.half_angle) - 1)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frame that just holds the sector."""
        radius = self.virtual_apex + self.depth
        return (
            max(round((self.depth - self.top) / self.pixel), 8),
            max(round(2 * radius * np.sin(self.half_angle) / self.pixel), 8),
        )

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) of (x, y) in mm -> (..., 2) of (column, row), pixel centres at whole numbers."""
        columns = points[..., 0] / self.pixel + self.shape[1] / 2 - 0.5
        return np.stack([columns, (points[..., 1] - self.top) / self.pixel - 0.5], -1)


@dataclass(frozen=True)
class PolarGrid:
    """Samples over range (rows, from the face to the depth) and angle (columns, left to right) of a sector."""

    sector: Sector
    ranges: int
    lines: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.ranges, self.lines

    @property
    def range_step(self) -> float:
        """mm between two samples along a line."""
        return self.sector.depth / self.ranges

    @property
    def angle_step(self) -> float:
        """Radians between two lines."""
        return 2 * self.sector.half_angle / (self.lines - 1)

    def to_samples(self, points: np.ndarray) -> np.ndarray:
        """(..., 2) of (x, y) in mm -> (..., 2) of (line, range sample)."""
        x, y = points[..., 0], points[..., 1] + self.sector.virtual_apex
        line = (np.arctan2(x, y) + self.sector.half_angle) / self.angle_step
        return np.stack([line, (np.hypot(x, y) - self.sector.virtual_apex) / self.range_step - 0.5], -1)

    def centres(self, every: int = 1) -> np.ndarray:
        """(x, y) in mm of every n-th sample, (ranges / n, lines / n, 2)."""
        half = (every - 1) / 2
        r = (np.arange(0, self.ranges, every) + 0.5 + half) * self.range_step + self.sector.virtual_apex
        angle = (np.arange(0, self.lines, every) + half) * self.angle_step - self.sector.half_angle
        return np.stack([r[:, None] * np.sin(angle), r[:, None] * np.cos(angle) - self.sector.virtual_apex], -1)


@lru_cache(maxsize=4)
def scan_maps(grid: PolarGrid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every pixel of the frame the line and range sample it shows, float32 (H, W), and the sector, uint8 (H, W)."""
    sector = grid.sector
    rows, columns = sector.shape
    # In single precision throughout: it is a few times as fast, and good to a few hundredths of a line or sample.
    x = (np.arange(columns) + 0.5 - columns / 2) * sector.pixel
    y = (np.arange(rows) + 0.5) * sector.pixel + sector.top + sector.virtual_apex
    across, down = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    radius, angle = cv2.cartToPolar(down, across)
    angle[angle > np.pi] -= np.float32(2 * np.pi)
    depth = radius - np.float32(sector.virtual_apex)
    inside = (np.abs(angle) <= sector.half_angle) & (depth >= BLANK_MM) & (depth <= sector.depth)
    line = (angle + np.float32(sector.half_angle)) / np.float32(grid.angle_step)
    sample = depth / np.float32(grid.range_step) - np.float32(0.5)
    return line, sample, inside.astype(np.uint8)


def scan_convert(polar: np.ndarray, grid: PolarGrid) -> np.ndarray:
    """Polar image (ranges, lines) -> frame (H, W), bilinear, 0 outside the sector."""
    line, sample, inside = scan_maps(grid)
    frame = cv2.remap(polar, line, sample, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return frame * inside.astype(frame.dtype)


def cover(canvas: np.ndarray, polygon: np.ndarray, value: int) -> None:
    """Give a value to the pixels whose centres lie inside a polygon (N, 2) of (column, row), in place (even-odd rule).

    Unlike OpenCV's filling, which adds the pixels that the outline touches, this keeps areas without bias.
    """
    rows, columns = canvas.shape
    x, y = polygon[:, 0], polygon[:, 1]
    x_next, y_next = np.roll(x, -1), np.roll(y, -1)
    centre = np.arange(rows)[:, None]
    row, edge = np.nonzero((centre >= np.minimum(y, y_next)) & (centre < np.maximum(y, y_next)))
    share = (row - y[edge]) / (y_next[edge] - y[edge])
    crossing = np.ceil(x[edge] + share * (x_next[edge] - x[edge])).clip(0, columns).astype(int)
    toggles = np.zeros((rows, columns + 1), np.uint8)
    np.add.at(toggles, (row, crossing), 1)
    inside = np.bitwise_xor.accumulate(toggles[:, :-1] & 1, axis=1)
    canvas[inside > 0] = value


def fill(canvas: np.ndarray, polygon: np.ndarray, value: float) -> None:
    """Paint a polygon (N, 2) of (column, row) into the canvas, in place, with sub-pixel corners."""
    corners = np.round(np.clip(polygon, -1e4, 1e4) * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(canvas, [corners], value, lineType=cv2.LINE_8, shift=SHIFT)
