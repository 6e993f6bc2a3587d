"""Contours of label maps in mm, and the ventricle's own frame in which hearts can be compared.

Points are (x, y) = (column, row) * spacing. The landmarks are found from the left ventricle alone, by the same rule
whether wall and atrium are known or not, so that what is learned can be applied to labels that have the LV alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
FINE_MM = 256  # points of a contour before landmarks are sought on it
FEWEST_PIXELS = 40


class NoContour(Exception):
    """A label map has no region that a contour can be drawn round."""


@dataclass(frozen=True)
class Ventricle:
    """The LV's contour and landmarks in mm."""

    apex: Points
    """(2,)"""

    left: Points
    """(2,) end of the mitral annulus on the image's left: the septal one."""

    right: Points
    """(2,) end on the right: the lateral one."""

    wall: Points
    """(P, 2) contour from `left` over the apex to `right`."""

    base: Points
    """(Q, 2) contour from `right` along the mitral plane to `left`."""

    @property
    def length(self) -> float:
        """mm from the middle of the annulus to the apex."""
        return float(np.linalg.norm(self.apex - (self.left + self.right) / 2))

    def to_frame(self, points: Points) -> Points:
        """mm -> the ventricle's frame: origin in the middle of the annulus, apex at (0, -1)."""
        return (points - self._origin) @ self._axes.T / self.length

    def from_frame(self, points: Points) -> Points:
        """The ventricle's frame -> mm."""
        return points @ self._axes * self.length + self._origin

    @property
    def _origin(self) -> Points:
        return (self.left + self.right) / 2

    @property
    def _axes(self) -> Points:
        """Rows: the frame's x and y axis in the image."""
        down = (self._origin - self.apex) / self.length
        return np.array([[down[1], -down[0]], down])


def ventricle(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> Ventricle:
    """Contour and landmarks of the LV (H, W); the apex is taken to point up, towards the probe.

    The annulus ends are the corners at the lower end: the points farthest along the two diagonals of the frame that
    the region's second moments span. The apex is the point farthest from their middle.

    Raises:
        NoContour: the region is too small.
    """
    points = outline(mask, spacing_mm)
    rows, columns = np.nonzero(mask)
    inner = np.stack([columns * spacing_mm[1], rows * spacing_mm[0]], 1)
    centre = inner.mean(0)
    values, vectors = np.linalg.eigh(np.cov((inner - centre).T))
    down = vectors[:, 1] * np.sign(vectors[1, 1] or 1.0)
    right = np.array([down[1], -down[0]])
    long, wide = np.sqrt(values[1]), np.sqrt(values[0])
    place = np.stack([(points - centre) @ right / wide, (points - centre) @ down / long], 1)
    left_corner, right_corner = (
        int(np.argmax(place[:, 1] - place[:, 0])),
        int(np.argmax(place[:, 1] + place[:, 0])),
    )
    middle = (points[left_corner] + points[right_corner]) / 2
    distance = np.linalg.norm(points - middle, axis=1) - 1e3 * (place[:, 1] > 0)
    apex = int(np.argmax(distance))
    wall = _between(points, left_corner, right_corner, through=apex)
    base = _between(points, right_corner, left_corner, avoiding=apex)
    return Ventricle(points[apex], points[left_corner], points[right_corner], wall, base)


def outline(mask: NDArray[np.bool_], spacing_mm: tuple[float, float], count: int = FINE_MM) -> Points:
    """The outer contour of the largest region, `count` points (count, 2) in mm at even steps, lightly smoothed.

    Raises:
        NoContour: no region of enough pixels.
    """
    regions, _ = cv2.findContours(np.pad(mask.astype(np.uint8), 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    region = max(regions, key=cv2.contourArea, default=None)
    if region is None or len(region) < 8 or int(np.count_nonzero(mask)) < FEWEST_PIXELS:
        raise NoContour(f"expected a region of at least {FEWEST_PIXELS} pixels")
    points = (region[:, 0].astype(float) - 1) * (spacing_mm[1], spacing_mm[0])
    closed = resample(np.concatenate([points, points[:1]]), count + 1)[:-1]
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    return sum(weight * np.roll(closed, shift, axis=0) for weight, shift in zip(kernel, range(-2, 3), strict=True))


def resample(points: Points, count: int) -> Points:
    """A polyline (P, 2) at `count` points of even arc length, ends included."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    place = np.linspace(0, along[-1], count)
    return np.stack([np.interp(place, along, points[:, axis]) for axis in range(2)], 1)


def arc(points: Points, start: Points, end: Points, through: Points) -> Points:
    """The part of a closed contour from its point nearest to `start` to that nearest to `end`, passing `through`."""
    places = [int(np.argmin(np.linalg.norm(points - point, axis=1))) for point in (start, end, through)]
    return _between(points, places[0], places[1], through=places[2])


def _between(
    points: Points, start: int, end: int, *, through: int | None = None, avoiding: int | None = None
) -> Points:
    """A closed contour from index `start` to `end`, in the direction that passes, or avoids, an index."""
    count = len(points)
    forward = (start + np.arange((end - start) % count + 1)) % count
    passes = (through if through is not None else avoiding) in forward
    if passes == (through is not None):
        return points[forward]
    return points[(start - np.arange((start - end) % count + 1)) % count]
