"""The left ventricle's volume over a heartbeat, fitted to any measure that follows it: ED is its highest place.

The whole course decides, not the one frame with the extreme value: speckle makes single frames err by several.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A normal resting volume curve, phase 0 at ED (the R wave): isovolumic contraction,
# ejection, isovolumic relaxation, rapid filling, diastasis, atrial kick.
# Share of the beat, and share of the stroke volume that has left the ventricle.
DIASTOLE = ((0.0, 1.0), (0.08, 1.0), (0.30, 0.40), (0.45, 0.24), (0.80, 0.18), (1.0, 0.0))
SYSTOLE = ((0.0, 0.0), (0.12, 0.02), (0.40, 0.50), (0.70, 0.88), (1.0, 1.0))
SYSTOLES = np.array([0.30, 0.34, 0.38, 0.42, 0.46])  # length of systole as a share of the beat
BELIEVED = 0.8  # correlation from which a beat of the known length is believed
FEWEST_FRAMES = 8
STEP = 0.25  # frames between tried places of ED
MOST_FRAMES = 256  # that are looked at: several beats at any frame rate
LONGEST = 1.25  # beats in units of the cine: a longer one is not seen whole


class Pace(NamedTuple):
    """How fast frames and beats follow each other; None where the file does not say."""

    frame_ms: float | None
    """Time between two frames."""

    heart_rate_bpm: float | None


UNKNOWN = Pace(None, None)


class Fit(NamedTuple):
    """Place of ED in frames from 0 (a fraction of them), length of the beat in frames, correlation 0..1."""

    place: float
    beat: float
    correlation: float


def fit_volume_curve(course: NDArray[np.float64], pace: Pace = UNKNOWN) -> Fit | None:
    """Fit beats of one length to a course (F,) that is high where the ventricle is large.

    Args:
        course: one number a frame; of longer cines the first 256 frames count.
        pace: where both of its numbers are known, so is the length of a beat to a tenth. Where no such beat fits, they
            are wrong, as in cines stored in slow motion, and any length is tried.

    Returns:
        The best fit, or None where there are too few frames or the course is flat.
    """
    course = course[:MOST_FRAMES]
    frames = len(course)
    centred = course - course.mean()
    power = float(np.sqrt(centred @ centred))
    if frames < FEWEST_FRAMES or power < 1e-9:
        return None
    if pace.frame_ms and pace.heart_rate_bpm:
        beat = 60000 / pace.heart_rate_bpm / pace.frame_ms
        if FEWEST_FRAMES / 2 <= beat <= LONGEST * frames:
            fit = _best_fit(centred / power, beat * np.linspace(0.9, 1.1, 9))
            if fit.correlation > BELIEVED:
                return fit
    return _best_fit(centred / power, np.geomspace(FEWEST_FRAMES / 2, LONGEST * frames, 33))


def _best_fit(course: NDArray[np.float64], beats: NDArray[np.float64]) -> Fit:
    best = Fit(0.0, 0.0, -np.inf)
    time = np.arange(len(course))
    for beat in beats:
        places = np.arange(0, min(beat, len(course) - 1 + STEP), STEP)
        for systole in SYSTOLES:
            curves = volume_curve((time - places[:, None]) / beat, systole)
            curves -= curves.mean(axis=1, keepdims=True)
            scores = curves @ course / np.maximum(np.linalg.norm(curves, axis=1), 1e-9)
            index = int(scores.argmax())
            if scores[index] > best.correlation:
                best = Fit(float(places[index]), float(beat), float(scores[index]))
    return best


def volume_curve(phase: NDArray[np.float64], systole: float) -> NDArray[np.float64]:
    """Volume over the phase in beats: 1 at ED (phase 0), 0 at the end of systole."""
    ejected = [(share * systole, value) for share, value in SYSTOLE]
    ejected += [(systole + share * (1 - systole), value) for share, value in DIASTOLE[1:]]
    return 1 - np.interp(phase % 1.0, *np.array(ejected).T)


def nearest_frame(fit: Fit, frames: int, late: float = 0.0) -> int:
    """The frame at the first place of ED in a cine of so many frames; of two as near the earlier, as contraction
    follows at once.

    Args:
        late: frames by which the course comes after the heart. An ED that lies before the cine then gives way to that
            of the next beat, if the cine has it.
    """
    place = fit.place - late
    if place < -0.5 and place + fit.beat <= frames - 0.5:
        place += fit.beat
    return int(np.clip(np.ceil(place - 0.5), 0, frames - 1))
