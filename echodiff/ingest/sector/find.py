"""The tissue sector: where the scanner draws echoes, found from the pixels.

Scanners draw text, rulers, an ECG and colour bars around the sector, and with them identity. What is not sector is
blanked later, so the sector must hold all tissue and nothing else. It is the fan or rectangle that fits the echoes
best, less what is drawn across its border.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.sector.echoes import find_echoes
from echodiff.ingest.sector.fit import FINE, fit_shape

MARGIN = 0.25  # pixels, at the resolution of the fit, by which the sector is widened
SMALLEST_SHARE = 0.03  # of the frame that a sector covers at least
SMALLEST_FILL = 0.15  # share of a sector that shows echoes
NEARLY_SQUARE, MOST_OBLONG = 0.02, 8.0  # deviation of a pixel's aspect from 1 to pass over; largest aspect
FLATTEST = 8  # gray levels between a sector's dark and bright pixels: less is a test pattern or an empty page
MANY = 8  # frames from which what stands still was drawn


@dataclass(frozen=True)
class Sector:
    """Two masks (H, W)."""

    mask: NDArray[np.bool_]
    """The tissue sector."""

    drawn: NDArray[np.bool_]
    """Drawings inside it: bright, thin, and unmoved over many frames. Of few frames they cannot be told from echoes."""


def sector_from_pixels(frames: NDArray[np.uint8], spacing_mm: tuple[float, float] | None = None) -> NDArray[np.bool_]:
    """The tissue sector of one frame (H, W) or of a cine (F, H, W), as a mask (H, W).

    `spacing_mm` is the (row, column) size of a pixel: a fan's arcs are circles where pixels are square. Where it is
    unknown they are taken to be.

    Raises:
        Reject: nothing in the picture is large enough to be a sector, or what is there is no echo.
    """
    return find_sector(frames if frames.ndim == 3 else frames[None], spacing_mm).mask


def find_sector(
    frames: NDArray[np.uint8],
    spacing_mm: tuple[float, float] | None = None,
    part: tuple[slice, slice] | None = None,
) -> Sector:
    """The tissue sector of frames (F, H, W), looked for in the rows and columns of `part` alone where it is given.

    Raises:
        Reject: as `sector_from_pixels`.
    """
    if part is not None:
        inner = find_sector(frames[:, *part], spacing_mm)
        whole = Sector(np.zeros(frames.shape[1:], bool), np.zeros(frames.shape[1:], bool))
        whole.mask[part], whole.drawn[part] = inner.mask, inner.drawn
        return whole
    echoes, size = find_echoes(frames), frames.shape[1:]
    square = _square(size, spacing_mm)
    shape = fit_shape(_resized(echoes.tissue, square))
    margin = MARGIN * max(max(square) / FINE, 1.0)
    mask = np.zeros(size, bool) if shape is None else _resized(shape.draw(square, margin), size)
    mask = _without_drawings(mask, echoes.drawn)
    _check(mask, echoes.tissue, frames[len(frames) // 2])
    unmoved = echoes.drawn if len(frames) >= MANY else np.zeros(size, bool)
    return Sector(mask, mask & unmoved)


def _check(mask: NDArray[np.bool_], tissue: NDArray[np.bool_], frame: NDArray[np.uint8]) -> None:
    if mask.mean() < SMALLEST_SHARE or tissue[mask].mean() < SMALLEST_FILL:
        raise Reject(
            f"expected a picture with a tissue sector, found no region of echoes of {SMALLEST_SHARE:.0%} of the frame"
        )
    low, high = np.quantile(frame[mask], [0.05, 0.95])
    if high - low < FLATTEST:
        raise Reject("expected echoes in the tissue sector, found an area of one gray level")


def _square(size: tuple[int, int], spacing_mm: tuple[float, float] | None) -> tuple[int, int]:
    """Rows and columns that make the pixels square; those of the frame where its pixels are nearly so."""
    if spacing_mm is None or not np.isfinite(spacing_mm).all() or min(spacing_mm) <= 0:
        return size
    aspect = min(max(spacing_mm[0] / spacing_mm[1], 1 / MOST_OBLONG), MOST_OBLONG)
    return size if abs(aspect - 1) < NEARLY_SQUARE else (max(round(size[0] * aspect), 1), size[1])


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    if mask.shape == size:
        return mask
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)


def _without_drawings(sector: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The sector less the drawings that reach into it, with a rim for their blurred edges."""
    count, regions = cv2.connectedComponents(drawn.astype(np.uint8), connectivity=8)
    if count < 2:
        return sector
    inside = np.bincount(regions[sector], minlength=count)
    outside = np.bincount(regions[~sector], minlength=count)
    crossing = (inside > 0) & (outside > inside)  # more inside than outside: an echo at the border
    crossing[0] = False
    rim = cv2.dilate(crossing[regions].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    return sector & ~rim
