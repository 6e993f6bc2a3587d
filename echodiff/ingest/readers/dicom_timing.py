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
    frame's distance from the one before; its first entry should be 0 and is not always (PS3.3 C.7.6.5.1.2), or is left
    out. Where there is neither, frames come at the Cine Rate, else at the Recommended Display Frame Rate (C.7.6.5).
    """
    pointer = header.get("FrameIncrementPointer")
    vector, step = _numbers(header.get("FrameTimeVector")), _numbers(header.get("FrameTime"))
    if pointer != FRAME_TIME and len(vector) > 0:
        steps = np.append(0.0, vector[1:] if len(vector) == frames else vector)
        if len(steps) == frames and (steps[1:] > 0).all():
            return np.cumsum(steps)
    if pointer != FRAME_TIME_VECTOR and len(step) == 1 and step[0] > 0:
        return np.arange(frames) * step[0]
    rate = _stated_rate_hz(header)
    return np.arange(frames) * (1000 / rate) if not len(vector) and not len(step) and np.isfinite(rate) else None


def r_wave_times_ms(header: Dataset) -> NDArray[np.float64]:
    """R Wave Time Vector (0018,6060); empty where it is absent, as it mostly is."""
    return _numbers(header.get("RWaveTimeVector"))


def frame_rate_hz(header: Dataset, frames: int) -> float:
    """Frames a second from the frame times, else as stated, else NaN."""
    times = frame_times_ms(header, frames)
    if times is not None and frames > 1:
        return 1000 * (frames - 1) / float(times[-1])
    return _stated_rate_hz(header)


def heart_rate_bpm(header: Dataset) -> float:
    """Heart Rate (0018,1088); 0 means that it was not measured."""
    rate = _numbers(header.get("HeartRate"))
    return float(rate[0]) if len(rate) == 1 and rate[0] > 0 else float(np.nan)


def _stated_rate_hz(header: Dataset) -> float:
    """Cine Rate (0018,0040), else Recommended Display Frame Rate (0008,2144), else NaN."""
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        rate = _numbers(header.get(keyword))
        if len(rate) == 1 and rate[0] > 0:
            return float(rate[0])
    return float(np.nan)


def _numbers(value) -> NDArray[np.float64]:
    """A tag's numbers; empty where it is absent or holds anything else."""
    if value is None or value == "":
        return np.empty(0)
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return np.empty(0)
    return numbers if np.isfinite(numbers).all() else np.empty(0)
