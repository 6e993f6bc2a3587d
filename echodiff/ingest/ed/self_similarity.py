"""ED by the picture alone: the main direction in which the cycle's frames differ, read as a volume curve."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.volume_curve import fit_volume_curve, nearest_frame

SIDE = 32  # pixels to which frames are reduced: speckle averages out, motion remains
FEWEST_FRAMES = 2


def by_self_similarity(
    frames: NDArray[np.uint8],
    sector: NDArray[np.bool_],
    frame_ms: float | None = None,
    heart_rate_bpm: float | None = None,
) -> Choice | None:
    """The frame at the dark end of the main direction of change.

    Frames of a cycle lie on a loop; its main direction (first principal component) leads from end-diastole, where the
    ventricle is large and its dark blood fills the middle of the sector, to end-systole. The course along it is fitted
    by beats of the volume curve; in very short cines its extreme decides. The confidence is the squared correlation of
    that fit times the square root of the share of change that the direction explains. None for a still or a cine that
    does not move.

    Args:
        frames: (F, H, W).
        sector: (H, W).
        frame_ms, heart_rate_bpm: as far as known.
    """
    if len(frames) < FEWEST_FRAMES:
        return None
    small = np.stack([cv2.resize(_core(frame, sector), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    rows = small.reshape(len(frames), -1).astype(np.float64)
    changes = rows - rows.mean(axis=0)
    power, directions = np.linalg.eigh(changes @ changes.T)  # of frames, which are fewer than pixels
    if power.sum() < 1e-9:
        return None
    course, share = directions[:, -1], float(power[-1] / power.sum())
    if np.dot(course, rows.mean(axis=1) - rows.mean()) > 0:
        course = -course
    fit = fit_volume_curve(course, frame_ms, heart_rate_bpm)
    if fit is None:
        return Choice(int(course.argmax()), share / 2)
    return Choice(nearest_frame(fit, len(frames)), float(max(fit.correlation, 0) ** 2 * np.sqrt(share)))


def _core(frame: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The middle of the sector, where the left ventricle lies in an apical view."""
    rows, columns = np.flatnonzero(sector.any(axis=1)), np.flatnonzero(sector.any(axis=0))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    start, width = columns[0], columns[-1] + 1 - columns[0]
    return frame[top + height // 8 : top + 6 * height // 8, start + width // 4 : start + 3 * width // 4]
