"""Planes of three dimensions: frames of a cine (2D + t) have one and the same sector, planes of a volume have not."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.readers.itk import to_gray
from echodiff.ingest.sector.echoes import DARK, background

PLACES = (0.1, 0.5, 0.9)  # along the last axis, of the planes that are looked at
CINE, VOLUME = 0.9, 0.7  # overlap of their sectors: 1.0 for frames of a cine, at most 0.63 for volumes, along any axis
FILLED = 0.95  # of a plane; planes that are full were cut from a volume, and say nothing


class Sectors(NamedTuple):
    """What is common to the sectors of three planes."""

    overlap: float
    """Share of all of them that lies in each."""
    filled: float
    """Share of the planes that they cover."""

    @property
    def of_cine(self) -> bool:
        """Whether the planes are frames of a cine."""
        return self.overlap > CINE and self.filled < FILLED

    @property
    def of_volume(self) -> bool:
        """Whether the planes are those of a volume."""
        return self.overlap < VOLUME


def sectors_of(values: NDArray, what: str) -> Sectors:
    """Of values (N, H, W).

    Raises:
        Reject: values that are no picture; `what` names them.
    """
    planes = values[[round(place * (len(values) - 1)) for place in PLACES]]
    shown = shown_sectors(to_gray(planes, what)) > 0
    return Sectors(float(shown.all(axis=0).sum() / max(shown.any(axis=0).sum(), 1)), float(shown.mean()))


def shown_sectors(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """1 inside the cone of echoes (z, y, x): it is convex, and so is each slice of it; blood in it may be black."""
    shown = (gray > background(gray) + DARK).astype(np.uint8)
    for part in shown:
        points = cv2.findNonZero(part)
        if points is not None:
            cv2.fillConvexPoly(part, cv2.convexHull(points), 1)
    return shown
