"""The pixels inside a polygon, whose corners need not lie on pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject

WHAT = "the outlines"
FEWEST, MOST = 3, 2**14  # corners
FARTHEST = 2.0**20  # a corner's distance from the picture's, in pixels
CENTRE = 0.5  # of a pixel, in coordinates that are 0 at the picture's upper left corner


def polygon_region(corners: Any, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (H, W) whose centres lie inside a closed polygon with `corners` (P, 2), x and y, as a file has them.

    x and y are 0 at the upper left corner of the picture, so that the first pixel's centre is at 0.5, 0.5, as in all of
    these programs. What lies beyond the picture is cut off. Where a polygon surrounds a place twice, as the seam of one
    that leads around a hole, it is a hole (even-odd rule).

    Raises:
        Reject: no such list of numbers, fewer than 3 corners, or nothing inside the picture.
    """
    try:
        points = np.asarray(corners, dtype=np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise Reject(f"{WHAT}: expected corners of two numbers each, found something else; draw it again") from error
    if points.ndim != 2 or points.shape[1] != 2 or not FEWEST <= len(points) <= MOST:
        found = " x ".join(map(str, points.shape))
        raise Reject(f"{WHAT}: expected {FEWEST} to {MOST} corners of two numbers each, found {found}; draw it again")
    if not np.abs(points).max() <= FARTHEST:
        raise Reject(
            f"{WHAT}: expected corners in the picture, found some that are no numbers or far off; draw it again"
        )
    region = _inside(points - CENTRE, shape)
    if not region.any():
        raise Reject(f"{WHAT}: expected a polygon inside the picture, found one that covers none of its pixels")
    return region


def _inside(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels (H, W) with an odd number of edges to their left, of a polygon (P, 2) in numbers of columns and rows.

    skimage.draw.polygon gives the same pixels, but compares each with every edge: seconds for a traced contour.
    """
    height, width = shape
    (x, y), (next_x, next_y) = points.T, np.roll(points, -1, axis=0).T
    lower, upper = np.minimum(y, next_y), np.maximum(y, next_y)
    first, last = (np.clip(np.ceil(ends), 0, height).astype(int) for ends in (lower, upper))
    edge = np.repeat(np.arange(len(points)), last - first)  # once for each row that it crosses
    row = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - last, last - first)
    crossing = x[edge] + (row - y[edge]) * (next_x - x)[edge] / (next_y - y)[edge]
    column = np.clip(np.ceil(crossing), 0, width).astype(int)
    edges = np.bincount(row * (width + 1) + column, minlength=height * (width + 1)).reshape(height, width + 1)
    return np.cumsum(edges, axis=1)[:, :width] % 2 == 1
