"""When a cine's frames were taken, and when the R waves were: times in ms from the first frame."""

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag

FRAME_TIME = Tag(0x0018, 0x1063)
FRAME_TIME_VECTOR = Tag(0x0018, 0x1065)


def frame_times_ms(header: Dataset, frames: int) -> NDArray[np.float64] | None:
    """Time of each frame (F,); None where the tags do not say.

    Frame Increment Pointer (0028,0009) says whether Frame Time or Frame Time Vector holds. The vector gives each
    frame's distance from the one before; its first entry should be 0 and is not always (PS3.3 C.7.6.5.1.2).
    """
    pointer = header.get("FrameIncrementPointer")
    if pointer != FRAME_TIME and "FrameTimeVector" in header:
        steps = _numbers(header.FrameTimeVector)
        if len(steps) == frames and (steps[1:] > 0).all():
            return np.cumsum(steps) - steps[0]
    step = _numbers(header.get("FrameTime"))
    if pointer != FRAME_TIME_VECTOR and len(step) == 1 and step[0] > 0:
        return np.arange(frames) * step[0]
    return None


def r_wave_times_ms(header: Dataset) -> NDArray[np.float64]:
    """R Wave Time Vector (0018,6060); empty where it is absent, as it mostly is."""
    return _numbers(header.get("RWaveTimeVector"))


def frame_rate_hz(header: Dataset, frames: int) -> float:
    """Frames a second from the frame times, else Cine Rate (0018,0040), else NaN."""
    times = frame_times_ms(header, frames)
    if times is not None and frames > 1:
        return 1000 * (frames - 1) / float(times[-1])
    rate = _numbers(header.get("CineRate"))
    return float(rate[0]) if len(rate) == 1 and rate[0] > 0 else float(np.nan)


def heart_rate_bpm(header: Dataset) -> float:
    """Heart Rate (0018,1088); 0 means that it was not measured."""
    rate = _numbers(header.get("HeartRate"))
    return float(rate[0]) if len(rate) == 1 and rate[0] > 0 else float(np.nan)


def _numbers(value) -> NDArray[np.float64]:
    """A tag's numbers; empty where it is absent or holds anything else."""
    if value is None or value == "":
        return np.empty(0)
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return np.empty(0)
    return numbers if np.isfinite(numbers).all() else np.empty(0)
