"""A cine's motion as two measures that are high at end-diastole."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.base_descent import base_descent
from echodiff.ingest.ed.middle import middle
from echodiff.ingest.ed.volume_curve import Measure

SIDE = 32  # pixels to which frames are reduced: speckle averages out, motion remains
BOTTOM = 3 / 4  # of the sector's height: the left ventricle lies above it
# Weight of the main direction against the descent: it bends at both ends of the motion, where what moved farther than
# its own size looks no less alike (the arch of principal components), and so places its ends worse.
CHANGE = 0.7
FLAT = 1e-9


class Motion(NamedTuple):
    """Measures of a cine that moves, their sum (F,) of length 1 about its mean, and how far they agree (0..1)."""

    measures: tuple[Measure, ...]
    course: NDArray[np.float64]
    agreement: float


def motion(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> Motion | None:
    """The main direction of change, turned to where the base descends, and that descent; None where nothing moves.

    Args:
        frames: (F, H, W), two or more.
        sector: (H, W).
    """
    change, descent = _main_direction(frames, sector), unit(base_descent(frames, sector))
    if change is None or descent is None:
        return None
    agreement = float(change @ descent)
    change = np.copysign(1.0, agreement) * change
    together = unit(change + descent)
    measures = (Measure(change, weight=CHANGE), Measure(descent, drifts=True))
    return None if together is None else Motion(measures, together, abs(agreement))


def unit(course: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """A course (F,) about its mean with length 1; None where it is flat."""
    centred = course - course.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > FLAT else None


def _main_direction(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Place (F,) of each frame along the first principal component, of either sign; None where nothing changes."""
    part = middle(sector, BOTTOM)
    small = np.stack([cv2.resize(frame[part], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    rows = small.reshape(len(frames), -1).astype(np.float64)
    changes = rows - rows.mean(axis=0)
    power, directions = np.linalg.eigh(changes @ changes.T)  # of frames, which are fewer than pixels
    return directions[:, -1] if power.sum() > FLAT else None
