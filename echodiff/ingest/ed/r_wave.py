"""ED by the ECG's R waves, as the scanner recorded them."""

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice


def by_r_wave(frame_times_ms: NDArray[np.float64] | None, r_waves_ms: NDArray[np.float64]) -> Choice | None:
    """The frame nearest to an R wave: the onset of contraction, when the ventricle is largest.

    Of several R waves the one that a frame hits best decides; the first of equals. The confidence falls with the
    distance, to 0 at a whole frame interval. None without times or when no R wave lies within the cine.

    Args:
        frame_times_ms: (F,) in ms from the first frame.
        r_waves_ms: (R,) on the same clock.
    """
    if frame_times_ms is None or len(frame_times_ms) < 2 or not len(r_waves_ms):
        return None
    step = float(np.median(np.diff(frame_times_ms)))
    distance = np.abs(frame_times_ms[:, None] - r_waves_ms[None, :])
    best = distance.min(axis=0)
    wave = int(np.argmin(np.round(best, 6)))
    if best[wave] > step:
        return None
    return Choice(int(distance[:, wave].argmin()), float(1 - best[wave] / step))
