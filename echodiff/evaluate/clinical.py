"""Clinical measures of one end-diastolic label map, in cm2 and mm.

Ejection fraction needs end-systole as well, and is not assessable from these frames.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from echodiff.labels import LA, LV, MYO

MEASURES = ("lv_area_cm2", "lv_long_axis_mm", "la_area_cm2", "wall_thickness_mm")
MM2_PER_CM2 = 100
EDGE = 4  # pixels of background around a label map, which smoothing leaves black


def clinical_measures(mask: NDArray[np.uint8], spacing_mm: NDArray[np.float64]) -> dict[str, float]:
    """Measures of a label map (H, W) with pixels of (row, column) mm; NaN for those of an absent
    structure, and for all where the spacing is unknown (NaN).

    `lv_area_cm2`, `la_area_cm2`: areas. `lv_long_axis_mm`: from the middle of the mitral plane (where LV
    meets LA, else the LV's lowest row) to the farthest point of the LV. `wall_thickness_mm`: mean over the
    wall's pixels of the distance to the LV and to the outside together.
    """
    pixel_mm2 = float(np.prod(spacing_mm))
    lv, myo, la = (mask == label for label in (LV, MYO, LA))
    return {
        "lv_area_cm2": _area(lv, pixel_mm2),
        "lv_long_axis_mm": _long_axis(lv, la, np.asarray(spacing_mm, dtype=np.float64)),
        "la_area_cm2": _area(la, pixel_mm2),
        "wall_thickness_mm": _thickness(lv, myo, np.asarray(spacing_mm, dtype=np.float64)),
    }


def _area(region: NDArray[np.bool_], pixel_mm2: float) -> float:
    return float(region.sum()) * pixel_mm2 / MM2_PER_CM2 if region.any() else float("nan")


def _long_axis(lv: NDArray[np.bool_], la: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> float:
    if not lv.any():
        return float("nan")
    base = lv & binary_dilation(la, np.ones((3, 3), bool))
    points = np.argwhere(lv)
    if not base.any():
        base = lv & (np.arange(lv.shape[0])[:, None] == points[:, 0].max())
    middle = np.argwhere(base).mean(axis=0)
    return float(np.linalg.norm((points - middle) * spacing_mm, axis=1).max())


def _thickness(lv: NDArray[np.bool_], myo: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> float:
    if not (lv.any() and myo.any() and np.isfinite(spacing_mm).all()):
        return float("nan")
    wall = np.argwhere(np.pad(myo, EDGE)) * spacing_mm
    inner, outer = (_border(region, spacing_mm) for region in (lv, lv | myo))
    return float(np.mean(cKDTree(inner).query(wall)[0] + cKDTree(outer).query(wall)[0]))


def _border(region: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (N, 2) in mm on the border of a region that is framed by `EDGE` pixels.

    Smoothed by a pixel: corners of pixels lie on both sides of the true border, and the nearest of them is too near.
    """
    framed = np.pad(region, EDGE)
    lines = find_contours(gaussian_filter(framed.astype(np.float64), 1.0), 0.5)
    return np.concatenate(lines or [np.argwhere(framed)]) * spacing_mm  # a few pixels are their own border
