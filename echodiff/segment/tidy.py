"""A predicted label map as a person would draw it: no specks and no holes, nothing outside the sector."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes

from echodiff.labels import LA, LV, MYO

Mask = NDArray[np.uint8]
Region = NDArray[np.bool_]


def tidy(mask: Mask, sector: NDArray) -> Mask:
    """The largest LV and LA of `mask` (H, W) and the wall that hangs on that LV, clipped to `sector` (H, W).

    The wall may be in two parts, where the sector cuts the apex. Holes of the LV, between LV and wall, and of the LA
    are filled; the LV comes before the wall and the wall before the atrium where a filled hole is another structure.
    """
    inside = np.asarray(sector, bool)
    ventricle = binary_fill_holes(largest_region((mask == LV) & inside)) & inside
    wall = binary_fill_holes(_hanging_on(ventricle, (mask == MYO) & inside)) & inside & ~ventricle
    atrium = binary_fill_holes(largest_region((mask == LA) & inside & ~ventricle & ~wall)) & inside
    result = np.zeros_like(mask)
    for label, region in ((LA, atrium), (MYO, wall), (LV, ventricle)):
        result[region] = label
    return result


def _hanging_on(ventricle: Region, wall: Region) -> Region:
    """The ventricle with the parts of the wall that touch it by edges; the wall's largest part of no ventricle."""
    if not ventricle.any():
        return largest_region(wall)
    _, parts = cv2.connectedComponents((ventricle | wall).astype(np.uint8), connectivity=4)
    return parts == parts[ventricle][0]


def largest_region(region: Region) -> Region:
    """The largest part of (H, W) that hangs together by edges; nothing of nothing."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(region)
    return parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def second_share(region: Region) -> float:
    """Area of the second largest part of (H, W), of the largest's; 0 where there is one part or none."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]
    return float(areas[1] / areas[0]) if count > 2 else 0.0
