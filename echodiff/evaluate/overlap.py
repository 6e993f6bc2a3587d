"""Overlap and distance of two label maps, structure by structure, distances in mm.

The structures are those of CAMUS's own evaluation: LV (endocardium), LV with its wall (epicardium), LA.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

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
    return np.concatenate(_each_way(first, second, spacing_mm))


def hausdorff95_mm(first: Region, second: Region, spacing_mm: NDArray[np.float64]) -> float:
    """The larger of the two 95th percentiles of border distances, in mm; NaN where there are none."""
    return _hausdorff95(_each_way(first, second, spacing_mm))


def _each_way(
    first: Region, second: Region, spacing_mm: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """From the first border to the second, and back."""
    if not (np.isfinite(spacing_mm).all() and first.any() and second.any()):
        return np.empty(0), np.empty(0)
    a, b = (np.argwhere(region & ~binary_erosion(region)) * spacing_mm for region in (first, second))
    return cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]


def _hausdorff95(each_way: tuple[NDArray[np.float64], NDArray[np.float64]]) -> float:
    return float(max(np.percentile(part, PERCENTILE) if len(part) else np.nan for part in each_way))


def overlap_of(predicted: Mask, truth: Mask, spacing_mm: NDArray[np.float64]) -> dict[str, float]:
    """`dice_<outline>`, `hd95_<outline>_mm` and `assd_<outline>_mm` (mean border distance) of (H, W) label
    maps.

    A structure that the truth lacks has NaN; one that the prediction lacks has a Dice of 0 and no distance.
    """
    row = {}
    for name, labels in OUTLINES.items():
        first, second = np.isin(predicted, labels), np.isin(truth, labels)
        row[f"dice_{name}"] = dice(first, second)
        each_way = _each_way(first, second, spacing_mm)
        distances = np.concatenate(each_way)
        row[f"hd95_{name}_mm"] = _hausdorff95(each_way)
        row[f"assd_{name}_mm"] = float(distances.mean()) if len(distances) else float("nan")
    return row
