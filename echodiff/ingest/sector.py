"""The tissue sector: where the scanner draws echoes, found from the pixels.

Scanners draw text, rulers, an ECG and colour bars around the sector, and with them identity. What is not sector is
blanked later, so the sector must hold all tissue and nothing else.

The sector of a phased or curved probe is a fan: two straight edges that meet in an apex (perhaps above the picture), an
arc below, and above a point or the arc of the probe's face. It is found as the largest bright region, thinned of lines
and text; a fan is fitted to the region's convex hull, and where it explains the region, the fan cuts off what is drawn
against it (an ECG trace at the lower arc). Other shapes (a linear probe, a frame cropped all around) keep the hull.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject

DARK = 4  # gray level of "nothing drawn": compression leaves a little around black
CINE = 4  # frames from which what stands still is told from what moves
LINE_SHARE = 0.02  # thickness below which drawings are lines and text, of the frame's shorter side
SMALLEST_SHARE = 0.03  # of the frame that a sector covers at least
FAN_AGREEMENT = 0.85  # intersection over union of fan and region from which the fan is believed
MARGIN = 1.5  # pixels by which the fitted fan is widened: its edge pixels are half covered


@dataclass(frozen=True)
class Fan:
    """A sector in pixels: apex (x, y), angles of its edges to the vertical (left < right) and radii of its arcs."""

    apex: tuple[float, float]
    angles: tuple[float, float]
    radii: tuple[float, float]

    def draw(self, shape: tuple[int, int], margin: float = 0.0) -> NDArray[np.bool_]:
        """The fan as a mask (H, W), widened by `margin` pixels on all sides."""
        x, y = np.meshgrid(np.arange(shape[1]) - self.apex[0], np.arange(shape[0]) - self.apex[1])
        radius = np.hypot(x, y)
        # Distance to an edge's line, positive inside.
        left = x * np.cos(self.angles[0]) - y * np.sin(self.angles[0])
        right = -x * np.cos(self.angles[1]) + y * np.sin(self.angles[1])
        near, far = self.radii
        return (left >= -margin) & (right >= -margin) & (radius >= near - margin) & (radius <= far + margin)


def sector_from_pixels(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The tissue sector of one frame (H, W) or of a cine (F, H, W), as a mask (H, W).

    Raises:
        Reject: nothing in the picture is large enough to be a sector.
    """
    body = _largest_region(_drawn(np.atleast_3d(frames) if frames.ndim == 3 else frames[None]))
    if body.mean() < SMALLEST_SHARE:
        raise Reject(
            f"expected a picture with a tissue sector, found no bright region of {SMALLEST_SHARE:.0%} of the frame"
        )
    hull = convex_hull(body)
    fan = fit_fan(hull, body)
    if fan is None:
        return hull
    drawn = fan.draw(hull.shape, MARGIN)
    return drawn & _grown(hull) if _agreement(drawn, hull) >= FAN_AGREEMENT else hull


def _drawn(frames: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels that are bright, in a cine: that change, closed over the gaps of speckle, without lines and text."""
    echoes = frames.max(axis=0)
    if len(frames) >= CINE:
        echoes = echoes - frames.min(axis=0)  # text and rulers stand still, even blood flickers
    bright = (echoes > DARK).astype(np.uint8)
    line = max(3, round(LINE_SHARE * min(bright.shape)))
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (line, line))
    # Tissue is dense: of a window of the size of a letter's stroke most pixels are bright, of text they are not.
    dense = cv2.blur(bright.astype(np.float32), (2 * line + 1, 2 * line + 1), borderType=cv2.BORDER_REFLECT) > 0.5
    closed = cv2.morphologyEx(bright & dense.astype(np.uint8), cv2.MORPH_CLOSE, ellipse)
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, ellipse).astype(bool)


def _largest_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, regions, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    return regions == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])


def convex_hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The convex hull of a region as a mask."""
    points = cv2.findNonZero(mask.astype(np.uint8))
    filled = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return filled.astype(bool)


def fit_fan(hull: NDArray[np.bool_], body: NDArray[np.bool_]) -> Fan | None:
    """The fan whose edges are the hull's straight sides; None where there are no two sides that meet above."""
    left, right = (_edge(hull, side) for side in (0, 1))
    if left is None or right is None or left[0] >= right[0]:
        return None
    y = (right[1] - left[1]) / (left[0] - right[0])
    x = left[0] * y + left[1]
    angles = (float(np.arctan(left[0])), float(np.arctan(right[0])))
    rows, columns = np.nonzero(body)
    radius = np.hypot(columns - x, rows - y)
    near = float(np.quantile(radius, 0.0005))
    return Fan((float(x), float(y)), angles, (near if near > 3 else 0.0, _far_radius(hull, body, (x, y), angles)))


def _edge(hull: NDArray[np.bool_], side: int) -> tuple[float, float] | None:
    """The straight side of the hull, x = slope * y + offset, fitted to its outermost pixels row by row."""
    rows = np.flatnonzero(hull.any(axis=1))
    outer = hull[rows].argmax(axis=1) if side == 0 else hull.shape[1] - 1 - hull[rows, ::-1].argmax(axis=1)
    widest = outer.argmin() if side == 0 else outer.argmax()
    # Below the widest row the arc begins; at the frame's border the picture is cut; the top may be the probe's arc.
    inside = (outer > 1) & (outer < hull.shape[1] - 2)
    use = inside & (np.arange(len(rows)) <= 0.95 * widest) & (np.arange(len(rows)) >= 0.15 * widest)
    if use.sum() < 8:
        return None
    slope, offset = np.polyfit(rows[use], outer[use], 1)
    misfit = np.abs(outer[use] - (slope * rows[use] + offset))
    close = misfit <= max(1.5, np.median(misfit) * 2.5)
    slope, offset = np.polyfit(rows[use][close], outer[use][close], 1)
    return float(slope), float(offset)


def _far_radius(hull, body, apex: tuple[float, float], angles: tuple[float, float]) -> float:
    """Radius of the lower arc: median over beams of the outermost pixel: a trace drawn below is outvoted."""
    rows, columns = np.nonzero(body)
    x, y = columns - apex[0], rows - apex[1]
    radius, angle = np.hypot(x, y), np.arctan2(x, y)
    bins = np.linspace(*angles, 61)
    reach = np.array(
        [
            np.max(radius[(angle >= low) & (angle < high)], initial=0.0)
            for low, high in zip(bins[2:-3], bins[3:-2], strict=True)
        ]
    )
    # Beams cut by the frame's lower border or by shadow end early.
    return float(np.median(reach[reach > 0.9 * reach.max()]))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    size = 2 * max(2, round(0.01 * min(mask.shape))) + 1
    return cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def _agreement(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((first & second).sum() / max((first | second).sum(), 1))
