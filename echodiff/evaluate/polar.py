"""A frame's tissue in a common frame of depth and angle, where the outline of the sector is the same for all.

Straight lines are laid along the left and right edges of the sector. Beams run between them at even distances of the
tangent of their angle, which stretching a frame does not change; on each beam, depth runs from the first to the last
pixel of the sector. A rectangular sector is a fan whose beams are parallel.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.store.image_set import ImageSet

Frame = NDArray[np.uint8]
Region = NDArray[np.bool_]

LEAK_GRAY = 8  # gray from which a pixel counts as tissue
TISSUE_WINDOW = 5  # pixels, of a median that takes away single bright or dark pixels and keeps borders
EDGE_ROWS = (0.15, 0.9)  # of the way from the top of the sector to its widest row, where its edges are straight
EDGE_BEAMS = 0.01  # share of the fan's width left out at each side
ROUNDS = 5  # of the reweighted line fit
INSET = 1.0  # pixels left out at both ends of a beam, where the frame's edge is blended with tissue


def polar_frames(images: ImageSet) -> Frame:
    """The frames (N, H, W) of an image set in the polar frame, their sector being the hull of the tissue that is seen.

    A generator draws a sector of its own, not that of its guide's dataset. Real images are treated alike, although
    their sector is known: two outlines that differ by a pixel or two would be told apart by the distance.
    """
    return np.stack([polar_frame(image, tissue_hull(image)) for image in images.images])


def tissue_hull(image: Frame) -> Region:
    """The convex hull (H, W) of the largest piece of tissue that is seen in the image; empty in a black one."""
    seen = (cv2.medianBlur(image, TISSUE_WINDOW) >= LEAK_GRAY).astype(np.uint8)
    outlines, _ = cv2.findContours(seen, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros_like(seen)
    if outlines:
        cv2.drawContours(hull, [cv2.convexHull(max(outlines, key=cv2.contourArea))], -1, 1, cv2.FILLED)
    return hull.astype(bool)


def polar_frame(image: Frame, sector: Region) -> Frame:
    """The tissue of a frame (H, W) in `sector` (H, W) on a grid of depth (H rows) and angle (W columns).

    Black where the sector is empty.
    """
    if not sector.any():
        return np.zeros_like(image)
    left, right = (_edge(sector, side) for side in ("left", "right"))
    rows = np.arange(sector.shape[0], dtype=np.float64)
    share = np.linspace(EDGE_BEAMS, 1 - EDGE_BEAMS, sector.shape[1])
    columns = np.outer(np.polyval(left, rows), 1 - share) + np.outer(np.polyval(right, rows), share)
    first, last = _ends(sector, columns)
    depth = np.linspace(0, 1, sector.shape[0])[:, None]
    y = first + INSET + depth * np.maximum(last - first - 2 * INSET, 0)
    x = np.polyval(left, y) * (1 - share) + np.polyval(right, y) * share
    return cv2.remap(image, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)


def _edge(sector: Region, side: str) -> NDArray[np.float64]:
    """Slope and intercept of the line, column by row, along one edge of the sector.

    Fitted to the sum of absolute distances, which the rounded ends of an edge and a piece that is missing bend little.
    """
    rows = np.flatnonzero(sector.any(axis=1))
    columns = sector.argmax(axis=1) if side == "left" else sector.shape[1] - 1 - sector[:, ::-1].argmax(axis=1)
    reach = -columns if side == "left" else columns
    widest = rows[reach[rows].argmax()]
    top, bottom = (rows[0] + edge * (widest - rows[0]) for edge in EDGE_ROWS)
    chosen = rows[(rows >= top) & (rows <= bottom)]
    if len(chosen) < 2:
        return np.array([0.0, float(columns[widest])])
    y, x, weight = chosen.astype(np.float64), columns[chosen].astype(np.float64), np.ones(len(chosen))
    for _ in range(ROUNDS):
        line = np.polyfit(y, x, 1, w=np.sqrt(weight))
        weight = 1 / np.maximum(np.abs(np.polyval(line, y) - x), 0.5)
    return line


def _ends(sector: Region, columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last row inside the sector on each beam; a beam beside it takes those of its neighbours."""
    place = np.clip(np.rint(columns), 0, sector.shape[1] - 1).astype(np.intp)
    inside = np.take_along_axis(sector, place, axis=1) & (columns > -1) & (columns < sector.shape[1])
    known = np.flatnonzero(inside.any(axis=0))
    first, last = inside.argmax(axis=0), len(sector) - 1 - inside[::-1].argmax(axis=0)
    beams = np.arange(sector.shape[1])
    return tuple(np.interp(beams, known, ends[known].astype(np.float64)) for ends in (first, last))
