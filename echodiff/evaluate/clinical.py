"""Clinical measures of one end-diastolic label map, in cm2 and mm.

Ejection fraction needs end-systole as well, and is not assessable from these frames.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_edt
from skimage.morphology import skeletonize

from echodiff.labels import LA, LV, MYO

MEASURES = ("lv_area_cm2", "lv_long_axis_mm", "la_area_cm2", "wall_thickness_mm")
MM2_PER_CM2 = 100


def clinical_measures(mask: NDArray[np.uint8], spacing_mm: NDArray[np.float64]) -> dict[str, float]:
    """Measures of a label map (H, W) with pixels of (row, column) mm; NaN for those of an absent
    structure, and for all where the spacing is unknown (NaN).

    `lv_area_cm2`, `la_area_cm2`: areas. `lv_long_axis_mm`: from the middle of the mitral plane (where LV
    meets LA, else the LV's lowest row) to the farthest point of the LV. `wall_thickness_mm`: mean over the
    wall's middle line of twice the distance to its border.
    """
    pixel_mm2 = float(np.prod(spacing_mm))
    lv, myo, la = (mask == label for label in (LV, MYO, LA))
    return {
        "lv_area_cm2": _area(lv, pixel_mm2),
        "lv_long_axis_mm": _long_axis(lv, la, np.asarray(spacing_mm, dtype=np.float64)),
        "la_area_cm2": _area(la, pixel_mm2),
        "wall_thickness_mm": _thickness(myo, np.asarray(spacing_mm, dtype=np.float64)),
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


def _thickness(myo: NDArray[np.bool_], spacing_mm: NDArray[np.float64]) -> float:
    if not (myo.any() and np.isfinite(spacing_mm).all()):
        return float("nan")
    padded = np.pad(myo, 1)
    depth = distance_transform_edt(padded, sampling=spacing_mm)
    middle = skeletonize(padded)
    # The distance is to the centre of the nearest outside pixel, half a pixel beyond the border.
    return float(2 * depth[middle].mean() - spacing_mm.mean())
