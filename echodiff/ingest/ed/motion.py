"""A cine's motion as one course that is high at end-diastole: two measures, each weighted by how well it beats."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.base_descent import base_descent
from echodiff.ingest.ed.middle import middle
from echodiff.ingest.ed.volume_curve import Pace, fit_volume_curve

SIDE = 32  # pixels to which frames are reduced: speckle averages out, motion remains
BOTTOM = 3 / 4  # of the sector's height: the left ventricle lies above it
FLAT = 1e-9


class Motion(NamedTuple):
    """The course (F,), of length 1 about its mean, and how far its two measures agree (0..1)."""

    course: NDArray[np.float64]
    agreement: float


def motion(frames: NDArray[np.uint8], sector: NDArray[np.bool_], pace: Pace) -> Motion | None:
    """The main direction of change, turned to where the base descends, and that descent; None where nothing moves.

    Args:
        frames: (F, H, W), two or more.
        sector: (H, W).
        pace: as far as known.
    """
    change, descent = _main_direction(frames, sector), unit(base_descent(frames, sector))
    if change is None or descent is None:
        return None
    agreement = float(change @ descent)
    together = combined([np.copysign(1.0, agreement) * change, descent], pace)
    return None if together is None else Motion(together, abs(agreement))


def combined(courses: list[NDArray[np.float64]], pace: Pace) -> NDArray[np.float64] | None:
    """Sum of courses (F,) of length 1, weighted by r2 / (1 - r2) of their fits by the volume curve; None where flat.

    The weights are those of signals of one size in noise of different size. In cines that are too short for a fit all
    weigh the same.
    """
    fits = [fit_volume_curve(course, pace) for course in courses]
    shares = [1.0 if fit is None else max(fit.correlation, 0.0) ** 2 for fit in fits]
    weights = [1.0 if fit is None else share / (1 - share + 1e-4) for fit, share in zip(fits, shares, strict=True)]
    return unit(sum(weight * course for weight, course in zip(weights, courses, strict=True)))


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
