"""ED by the picture alone: the turning point of the cardiac cycle at which the ventricle is full of dark blood."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice

SIDE = 48  # pixels to which frames are reduced: speckle averages out, motion remains
FEWEST_FRAMES = 2


def by_self_similarity(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> Choice | None:
    """The frame at the dark end of the main direction of change.

    Frames of a cycle lie on a loop; its main direction (first principal component) leads from end-diastole, where the
    ventricle is large and its dark blood fills the middle of the sector, to end-systole. The confidence is the share
    of all change that this direction explains. None for a still or a cine that does not move.

    Args:
        frames: (F, H, W).
        sector: (H, W).
    """
    if len(frames) < FEWEST_FRAMES:
        return None
    small = np.stack([cv2.resize(_core(frame, sector), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    rows = small.reshape(len(frames), -1).astype(np.float64)
    changes = rows - rows.mean(axis=0)
    left, singular, _ = np.linalg.svd(changes, full_matrices=False)
    power = singular**2
    if power.sum() < 1e-9:
        return None
    course = left[:, 0] * singular[0]
    brightness = rows.mean(axis=1)
    if np.dot(course, brightness - brightness.mean()) > 0:
        course = -course
    return Choice(int(course.argmax()), float(power[0] / power.sum()))


def _core(frame: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The middle of the sector, where the left ventricle lies in an apical view."""
    rows, columns = np.flatnonzero(sector.any(axis=1)), np.flatnonzero(sector.any(axis=0))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    start, width = columns[0], columns[-1] + 1 - columns[0]
    return frame[top + height // 8 : top + 6 * height // 8, start + width // 4 : start + 3 * width // 4]
