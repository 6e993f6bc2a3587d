"""Which numbering of a label map's structures can be a heart: other programs number them otherwise, or turn the map."""

from collections.abc import Iterable
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.labels import LA, LV, MYO
from echodiff.segment.plausible import misplaced

Numbering = tuple[int, int, int]  # what the values 1, 2 and 3 mean
USUAL: Numbering = (LV, MYO, LA)


def fitting(mask: NDArray[np.uint8], sector: NDArray) -> frozenset[Numbering]:
    """The numberings by which labels 0..3 (S, S) are an upright four-chamber heart in its sector (S, S).

    None where nothing fits, as with maps that were turned over. Only of maps that have all three structures.
    """
    inside = np.asarray(sector, bool)
    return frozenset(numbering for numbering in permutations(USUAL) if _fits(np.array((0, *numbering))[mask], inside))


def commonest(found: Iterable[frozenset[Numbering]]) -> tuple[Numbering | None, int]:
    """The numbering that fits most label maps, and how many it fits."""
    counts = {numbering: sum(numbering in fits for fits in found) for numbering in permutations(USUAL)}
    best = max(counts, key=lambda numbering: counts[numbering])
    return (best, counts[best]) if counts[best] else (None, 0)


def _fits(mask: NDArray, inside: NDArray[np.bool_]) -> bool:
    if next(misplaced(mask.astype(np.uint8), inside), None) is not None:
        return False
    # The wall surrounds the ventricle: taken for each other, the ventricle would surround the wall.
    return _share(mask, LV, MYO) > _share(mask, MYO, LV)


def _share(mask: NDArray, label: int, other: int) -> float:
    """Share of a structure's border along which another one lies."""
    region = (mask == label).astype(np.uint8)
    border = (cv2.dilate(region, np.ones((3, 3), np.uint8)) == 1) & (region == 0)
    return float((mask == other)[border].mean())
