"""ED by the picture alone: the main direction in which the cycle's frames differ, read as a volume curve."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.base_descent import base_descent
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, fit_volume_curve, nearest_frame

SIDE = 32  # pixels to which frames are reduced: speckle averages out, motion remains
FEWEST_FRAMES = 2
FLAT = 1e-9


def by_self_similarity(
    frames: NDArray[np.uint8],
    sector: NDArray[np.bool_],
    frame_ms: float | None = None,
    heart_rate_bpm: float | None = None,
) -> Choice | None:
    """The frame at that end of the main direction of change where the heart's base is farthest from the probe.

    Frames of a cycle lie on a loop; its main direction (first principal component) leads from end-diastole to
    end-systole or back, and the descent of the base tells which. The sum of both courses is fitted by beats of the
    volume curve; in very short cines its extreme decides. The confidence is the squared correlation of that fit times
    the correlation of both courses. None for a still or a cine that does not move.

    Args:
        frames: (F, H, W); of longer cines the first 256 frames count.
        sector: (H, W).
        frame_ms, heart_rate_bpm: as far as known.
    """
    frames = frames[:MOST_FRAMES]
    if len(frames) < FEWEST_FRAMES:
        return None
    change, descent = _main_direction(frames, sector), _unit(base_descent(frames, sector))
    if change is None or descent is None:
        return None
    agreement = float(change @ descent)
    course = descent + np.copysign(1.0, agreement) * change
    fit = fit_volume_curve(course, frame_ms, heart_rate_bpm)
    if fit is None:
        return Choice(int(course.argmax()), abs(agreement) / 2)
    return Choice(nearest_frame(fit, len(frames)), float(max(fit.correlation, 0) ** 2) * abs(agreement))


def _main_direction(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Place (F,) of each frame along the main direction of change, of either sign; None where nothing changes."""
    small = np.stack([cv2.resize(_core(frame, sector), (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames])
    rows = small.reshape(len(frames), -1).astype(np.float64)
    changes = rows - rows.mean(axis=0)
    power, directions = np.linalg.eigh(changes @ changes.T)  # of frames, which are fewer than pixels
    return directions[:, -1] if power.sum() > FLAT else None


def _unit(course: NDArray[np.float64]) -> NDArray[np.float64] | None:
    centred = course - course.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if length > FLAT else None


def _core(frame: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The middle of the sector, where the left ventricle lies in an apical view."""
    rows, columns = np.flatnonzero(sector.any(axis=1)), np.flatnonzero(sector.any(axis=0))
    top, height = rows[0], rows[-1] + 1 - rows[0]
    start, width = columns[0], columns[-1] + 1 - columns[0]
    return frame[top + height // 8 : top + 6 * height // 8, start + width // 4 : start + 3 * width // 4]
