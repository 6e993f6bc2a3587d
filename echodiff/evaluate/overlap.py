"""Overlap and distance of two label maps, structure by structure, distances in mm.

The structures are those of CAMUS's own evaluation: LV (endocardium), LV with its wall (epicardium), LA.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from echodiff.labels import LA, LV, MYO

Mask = NDArray[np.uint8]
Region = NDArray[np.bool_]

OUTLINES: dict[str, tuple[int, ...]] = {"lv": (LV,), "lv_myo": (LV, MYO), "la": (LA,)}
PERCENTILE = 95


def dice(first: Region, second: Region) -> float:
    """2 |A and B| / (|A| + |B|) of two (H, W) regions; NaN where the second, the truth, is empty."""
    if not second.any():
        return float("nan")
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def surface_distances(first: Region, second: Region, spacing_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances in mm from each border pixel of one region to the other's border, both ways, in one array.

    Empty where one of the regions is, or where the spacing is unknown (NaN).
    """
    if not np.isfinite(spacing_mm).all():
        return np.empty(0)
    borders = [region & ~binary_erosion(region) for region in (first, second)]
    if not all(border.any() for border in borders):
        return np.empty(0)
    maps = [distance_transform_edt(~border, sampling=spacing_mm) for border in borders]
    return np.concatenate([maps[1][borders[0]], maps[0][borders[1]]])


def hausdorff95_mm(first: Region, second: Region, spacing_mm: NDArray[np.float64]) -> float:
    """The larger of the two 95th percentiles of border distances, in mm; NaN where there are none."""
    distances = surface_distances(first, second, spacing_mm)
    if not len(distances):
        return float("nan")
    own = int((first & ~binary_erosion(first)).sum())
    return float(max(np.percentile(part, PERCENTILE) for part in (distances[:own], distances[own:])))


def overlap_of(predicted: Mask, truth: Mask, spacing_mm: NDArray[np.float64]) -> dict[str, float]:
    """`dice_<outline>`, `hd95_<outline>_mm` and `assd_<outline>_mm` (mean border distance) of (H, W) label
    maps.

    A structure that the truth lacks has NaN; one that the prediction lacks has a Dice of 0 and no distance.
    """
    row = {}
    for name, labels in OUTLINES.items():
        first, second = np.isin(predicted, labels), np.isin(truth, labels)
        row[f"dice_{name}"] = dice(first, second)
        distances = surface_distances(first, second, spacing_mm)
        row[f"hd95_{name}_mm"] = hausdorff95_mm(first, second, spacing_mm)
        row[f"assd_{name}_mm"] = float(distances.mean()) if len(distances) else float("nan")
    return row
