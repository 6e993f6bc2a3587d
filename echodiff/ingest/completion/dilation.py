"""The baseline that the shape model is compared with: a wall of even thickness and an elliptic atrium."""

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.completion.contour import Ventricle
from echodiff.ingest.completion.raster import compose, even_wall, fill

# Shares of the ventricle's length, close to the means over the end-diastolic frames of CAMUS.
WALL = 0.12
ATRIUM_LENGTH = 0.53
ATRIUM_WIDTH = 0.48
POINTS = 65
CUT = 0.15  # radians of the ellipse beyond its widest place, where the mitral plane cuts it off


def dilate(
    lv_mask: NDArray[np.bool_], sector: NDArray[np.bool_], spacing_mm: tuple[float, float], lv: Ventricle
) -> NDArray[np.uint8]:
    """Label map (H, W): the LV grown by `WALL` on the apex's side, and an ellipse below the mitral plane."""
    around = even_wall(lv_mask, lv, spacing_mm, WALL)
    below = fill(np.concatenate([lv.from_frame(ellipse()), lv.base]), lv_mask.shape, spacing_mm)
    return compose(lv_mask, sector, around, below)


def ellipse() -> NDArray[np.float64]:
    """Contour (POINTS, 2) of the atrium in the ventricle's frame, from left to right round the far end."""
    angle = np.linspace(np.pi + CUT, -CUT, POINTS)
    return ATRIUM_LENGTH / 2 * np.stack([ATRIUM_WIDTH / ATRIUM_LENGTH * np.cos(angle), 1 + np.sin(angle)], 1)
