"""ED by the picture alone: the heart's motion over the cycle, read as a volume curve."""

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.motion import motion
from echodiff.ingest.ed.persistence import persistence
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, UNKNOWN, Pace, fit_volume_curve, nearest_frame

FEWEST_FRAMES = 2


def by_self_similarity(frames: NDArray[np.uint8], sector: NDArray[np.bool_], pace: Pace = UNKNOWN) -> Choice | None:
    """The frame at that end of the heart's motion where its base is farthest from the probe.

    Frames of a cycle lie on a loop; its main direction leads from end-diastole to end-systole or back, and the descent
    of the base tells which. Beats of the volume curve, averaged by the scanner's persistence, are fitted to both; in
    very short cines the extreme decides. The confidence is the squared correlation of that fit times the correlation of
    both measures. None for a still, a cine that does not move, or one whose fit leaves the place unsure.

    Args:
        frames: (F, H, W); of longer cines the first 256 frames count.
        sector: (H, W).
        pace: as far as known.
    """
    if len(frames) < FEWEST_FRAMES:
        return None
    frames = frames[:MOST_FRAMES]
    moved = motion(frames, sector)
    if moved is None:
        return None
    fit = fit_volume_curve(moved.measures, pace, persistence(frames, sector))
    if fit is None:
        return Choice(int(moved.course.argmax()), moved.agreement / 2)
    if not fit.sure:
        return None
    return Choice(nearest_frame(fit.place, len(frames)), fit.correlation**2 * moved.agreement)
