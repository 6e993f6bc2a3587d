"""Masks as run lengths (RLE): how many pixels in a row lie outside, then inside, then outside, and so on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.outlines.polygon import WHAT

FIRST, BITS = 48, 5  # COCO's text: the character of 0, and the bits of a number in each character
MORE, NEGATIVE = 1 << BITS, 1 << (BITS - 1)
MOST_CHARACTERS = 7  # of a number: 35 bits


def runs_mask(runs: Any, pixels: int, *, whole: bool = True) -> NDArray[np.bool_]:
    """Pixels (N,) in the order of the runs, of which the first is outside.

    Raises:
        Reject: no whole numbers from 0, or not `pixels` together; fewer where the `whole` is not asked for.
    """
    try:
        counts = np.asarray(runs)
    except (ValueError, TypeError, OverflowError):
        counts = np.zeros((0, 0))
    if counts.ndim != 1 or counts.dtype.kind not in "iu" or (counts < 0).any() or (counts > pixels).any():
        raise Reject(f"{WHAT}: expected run lengths from 0 to {pixels}, found others; export the mask again")
    total = int(counts.sum())
    if total > pixels or (whole and total < pixels):
        raise Reject(f"{WHAT}: expected run lengths of {pixels} pixels, found {total}; export the mask again")
    mask = np.zeros(pixels, bool)
    mask[:total] = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return mask


def runs_of_text(text: str) -> list[int]:
    """COCO's compressed run lengths (`rleFrString` of maskApi.c).

    Each number is written in groups of five bits, the lowest first, a sign in the last; from the fourth on, it is the
    difference from the one before the last.

    Raises:
        Reject: characters or numbers that are none of these.
    """
    runs: list[int] = []
    value, place = 0, 0
    for character in text:
        code = ord(character) - FIRST
        if not 0 <= code < 2 * MORE or place >= MOST_CHARACTERS:
            raise Reject(f"{WHAT}: expected compressed run lengths as COCO has them, found others; export them again")
        value |= (code & (MORE - 1)) << (BITS * place)
        place += 1
        if code & MORE:
            continue
        if code & NEGATIVE:
            value -= 1 << (BITS * place)
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, place = 0, 0
    if place:
        raise Reject(f"{WHAT}: expected compressed run lengths as COCO has them, found them cut short")
    return runs
