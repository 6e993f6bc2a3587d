"""Whether a predicted label map can be the heart of an apical four-chamber frame.

The limits leave room beyond CAMUS's own label maps: on all 449 end-diastolic frames the LV covers 8 to 48 % of the
sector, its wall 6 to 33 %, the atrium 1 to 21 %; wall or the sector's end lies along at least 65 % of the LV's border,
the sector's end along at most 20 %; the atrium's centre is at least 24 % of the frame below the ventricle's and it
touches ventricle or wall; the ventricle with its wall is one region.
"""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.labels import LA, LV, MYO
from echodiff.segment.tidy import second_share

SMALLEST = {"left ventricle": (LV, 0.04), "myocardium": (MYO, 0.03), "left atrium": (LA, 0.005)}  # of the sector
MOST_SCATTERED = 0.3  # area of a second region, of the largest
LEAST_ENCLOSED = 0.5  # share of the LV's border
MOST_AT_EDGE = 0.4  # share of the LV's border
LEAST_BELOW = 0.1  # of the frame's height
REACH = 1 / 64  # of the frame: nearer structures touch
LEAST_CONFIDENT = 0.7

Region = NDArray[np.bool_]


def anatomical_fault(raw: NDArray[np.uint8], mask: NDArray[np.uint8], sector: NDArray, confidence: float) -> str | None:
    """What speaks against a label map, as a phrase; None where nothing does.

    Args:
        raw: (S, S) labels 0..3 as the segmenter gave them.
        mask: (S, S) the same after `tidy`.
        sector: (S, S) true inside the tissue sector.
        confidence: mean probability of the labels in `mask`.
    """
    return next(_faults(raw, mask, np.asarray(sector, bool), confidence), None)


def _faults(raw: NDArray[np.uint8], mask: NDArray[np.uint8], sector: Region, confidence: float) -> Iterator[str]:
    for name, (label, smallest) in SMALLEST.items():
        share = np.count_nonzero(mask == label) / max(np.count_nonzero(sector), 1)
        if share < smallest:
            yield f"a {name} of {share:.1%} of the sector, where {smallest:.1%} are the least"
    for name, labels in {"left ventricle": (LV,), "ventricle with its wall": (LV, MYO), "left atrium": (LA,)}.items():
        share = second_share(np.isin(raw, labels))
        if share > MOST_SCATTERED:
            yield f"a {name} in several places, the second of {share:.0%} of the first's area"
    yield from misplaced(mask, sector)
    if confidence < LEAST_CONFIDENT:
        yield f"a mean probability of {confidence:.2f} of the labels, where {LEAST_CONFIDENT} is the least"


def misplaced(mask: NDArray[np.uint8], sector: Region) -> Iterator[str]:
    """What speaks against the places of LV, MYO and LA in a label map (S, S) that has all three, as phrases."""
    ventricle, atrium = mask == LV, mask == LA
    border = _grown(ventricle, 1) & ~ventricle
    enclosed = np.mean((mask == MYO)[border] | ~sector[border])
    if enclosed < LEAST_ENCLOSED:
        yield f"myocardium along {enclosed:.0%} of the left ventricle's border, where {LEAST_ENCLOSED:.0%} is the least"
    at_edge = np.mean(~_shrunk(sector, 2)[border])
    if at_edge > MOST_AT_EDGE:
        yield f"{at_edge:.0%} of the left ventricle's border at the sector's edge, where {MOST_AT_EDGE:.0%} is the most"
    below = (_row(atrium) - _row(ventricle)) / len(mask)
    if below < LEAST_BELOW:
        yield "a left atrium that does not lie below the ventricle"
    if not (_grown(atrium, max(round(REACH * len(mask)), 1)) & (ventricle | (mask == MYO))).any():
        yield "a left atrium apart from the ventricle"


def _row(region: Region) -> float:
    return float(np.flatnonzero(region.any(axis=1)).mean())


def _grown(region: Region, pixels: int) -> Region:
    return cv2.dilate(region.astype(np.uint8), _disc(pixels)).astype(bool)


def _shrunk(region: Region, pixels: int) -> Region:
    """Less a rim; the frame's border counts as an edge."""
    padded = np.pad(region.astype(np.uint8), pixels)
    return cv2.erode(padded, _disc(pixels))[pixels:-pixels, pixels:-pixels].astype(bool)


def _disc(pixels: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
