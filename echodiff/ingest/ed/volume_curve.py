"""The left ventricle's volume over a heartbeat, fitted to measures that follow it: ED is its highest place.

The whole course decides, not the one frame with the extreme value: speckle makes single frames err by several.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A normal resting volume curve, phase 0 at ED (the R wave): isovolumic contraction,
# ejection, isovolumic relaxation, rapid filling, diastasis, atrial kick.
# Share of the beat, and share of the stroke volume that has left the ventricle.
DIASTOLE = ((0.0, 1.0), (0.08, 1.0), (0.30, 0.40), (0.45, 0.24), (0.80, 0.18), (1.0, 0.0))
SYSTOLE = ((0.0, 0.0), (0.12, 0.02), (0.40, 0.50), (0.70, 0.88), (1.0, 1.0))
# Length of systole as a share of the beat. A short systole that begins late looks much like a long one that begins
# early, so what is usual counts: electromechanical systole lasts 546 ms less 2.1 ms a beat a minute (Weissler et al.,
# Circulation 1968), of which ED, as the mitral valve closes, leaves 0.38 at 60 and 0.46 at 85 beats a minute.
SYSTOLES = np.array([0.30, 0.34, 0.38, 0.42, 0.46, 0.50])
USUAL_SYSTOLE, SYSTOLE_SPREAD = 0.42, 0.04
SEEN = 0.6  # correlation from which there is a beat at all; noise reaches more, but leaves the place unsure
BELIEVED = 0.8  # correlation from which a beat of the known length is believed
FEWEST_FRAMES = 8
STEPS = 4  # tried places of ED a frame
MOST_FRAMES = 256  # that are looked at: several beats at any frame rate
LONGEST = 1.25  # beats in units of the cine: a longer one is not seen whole
MISFIT = 0.003  # share of a course's power that the curve of a healthy heart leaves over
FRAMES_A_FACT, FEWEST_FACTS = 4, 8  # what neighbouring frames leave over is alike: not each one counts by itself
TAPS = 24  # frames that persistence is followed back: the largest share leaves 0.5% by then
FLAT = 1e-9


class Pace(NamedTuple):
    """How fast frames and beats follow each other; None where the file does not say."""

    frame_ms: float | None
    """Time between two frames."""

    heart_rate_bpm: float | None


UNKNOWN = Pace(None, None)


class Measure(NamedTuple):
    """A course that is high where the ventricle is large."""

    course: NDArray[np.float64]
    """(F,), one number a frame."""

    weight: float = 1.0
    """How much its misfit counts."""

    drifts: bool = False
    """Whether it has a linear drift besides, which the fit then leaves out of curve and course alike."""


class Fit(NamedTuple):
    """Place of ED in frames from 0 (a fraction of them), length of the beat in frames, correlation 0..1 over all
    measures, and the place's standard deviation in frames."""

    place: float
    beat: float
    correlation: float
    spread: float

    @property
    def sure(self) -> bool:
        """Whether there is a beat, and ED in it is told to a frame or, where frames are shorter, to a 30th of it."""
        return self.correlation >= SEEN and self.spread <= max(1.0, self.beat / 30)


class _Course(NamedTuple):
    """A measure (F,) without its mean, and without its drift where it has one; orthonormal columns (F, 1 or 2) of what
    was taken away; the length of the rest; the measure's weight."""

    rest: NDArray[np.float64]
    trend: NDArray[np.float64]
    length: float
    weight: float


class _Tried(NamedTuple):
    """Places and beats that were tried (N,), their cost and their correlation."""

    places: NDArray[np.float64]
    beats: NDArray[np.float64]
    costs: NDArray[np.float64]
    correlations: NDArray[np.float64]


def fit_volume_curve(measures: Sequence[Measure], pace: Pace = UNKNOWN, persistence: float = 0.0) -> Fit | None:
    """Fit beats of one length to measures of one cine, all together.

    Each measure's misfit is that of a course with noise of unknown size, 1 - r2; their likelihoods are multiplied, and
    the place is the mean of its posterior, so that lengths of systole and beat that explain the courses as well have
    their say in it.

    Args:
        measures: of longer cines the first 256 frames count.
        pace: where both of its numbers are known, so is the length of a beat to a tenth. Where no such beat fits, they
            are wrong, as in cines stored in slow motion, and any length is tried.
        persistence: share of the frame before that each frame shows; the curve is averaged in the same way, and the
            place is the heart's own.

    Returns:
        None where there are too few frames or a course is flat.
    """
    frames = min(len(measures[0].course), MOST_FRAMES)
    if frames < FEWEST_FRAMES:
        return None
    courses = [_course(measure, frames) for measure in measures]
    if any(course.length < FLAT for course in courses):
        return None
    if pace.frame_ms and pace.heart_rate_bpm:
        beat = 60000 / pace.heart_rate_bpm / pace.frame_ms
        if FEWEST_FRAMES / 2 <= beat <= LONGEST * frames:
            fit = _best_fit(courses, beat * np.linspace(0.9, 1.1, 9), persistence)
            if fit.correlation > BELIEVED:
                return fit
    return _best_fit(courses, np.geomspace(FEWEST_FRAMES / 2, LONGEST * frames, 33), persistence)


def volume_curve(phase: NDArray[np.float64], systole: float) -> NDArray[np.float64]:
    """Volume over the phase in beats: 1 at ED (phase 0), 0 at the end of systole."""
    ejected = [(share * systole, value) for share, value in SYSTOLE]
    ejected += [(systole + share * (1 - systole), value) for share, value in DIASTOLE[1:]]
    return 1 - np.interp(phase % 1.0, *np.array(ejected).T)


def nearest_frame(place: float, frames: int) -> int:
    """The frame at a place in a cine of so many frames; of two as near the earlier, as contraction follows at once."""
    return int(np.clip(np.ceil(place - 0.5), 0, frames - 1))


def _best_fit(courses: list[_Course], beats: NDArray[np.float64], persistence: float) -> Fit:
    tries = [_try(courses, beat, systole, persistence) for beat in beats for systole in SYSTOLES]
    places, lengths, costs, correlations = (np.concatenate(parts) for parts in zip(*tries, strict=True))
    best = int(costs.argmin())
    near = np.abs(places - places[best]) < lengths[best] / 2  # the same beat's ED
    weights, near = np.exp(costs[best] - costs[near]), places[near]
    place = float(weights @ near / weights.sum())
    spread = float(np.sqrt(weights @ (near - place) ** 2 / weights.sum()))
    return Fit(place, float(lengths[best]), float(correlations[best]), spread)


def _try(courses: list[_Course], beat: float, systole: float, persistence: float) -> _Tried:
    """Beats of one length and systole at every place."""
    frames = len(courses[0].rest)
    places = np.arange(0, min(beat, frames - 1 + 1 / STEPS), 1 / STEPS)
    curves = _curves(len(places), frames, beat, systole, persistence)
    facts = max(FEWEST_FACTS, frames / FRAMES_A_FACT)
    misfits = sum(c.weight * np.log(1 - _correlations(curves, c) ** 2 + MISFIT) for c in courses)
    costs = facts / 2 * misfits + (systole - USUAL_SYSTOLE) ** 2 / (2 * SYSTOLE_SPREAD**2)
    shares = 1 - np.exp(misfits / sum(c.weight for c in courses))
    return _Tried(places, np.full(len(places), beat), costs, np.sqrt(np.maximum(shares + MISFIT, 0)))


def _curves(places: int, frames: int, beat: float, systole: float, persistence: float) -> NDArray[np.float64]:
    """The curve (P, F) with ED at each place, as a scanner with persistence shows it."""
    times = np.arange(1 - places - STEPS * TAPS, STEPS * (frames - 1) + 1) / STEPS
    curve = volume_curve(times / beat, systole)
    shown = curve[STEPS * TAPS :].copy()
    if persistence > 0:
        shares = (1 - persistence) * persistence ** np.arange(TAPS)
        delayed = (curve[STEPS * (TAPS - tap) : len(curve) - STEPS * tap] for tap in range(TAPS))
        shown = sum(share * part for share, part in zip(shares, delayed, strict=True))
    first = places - 1 - np.arange(places)
    return shown[first[:, None] + STEPS * np.arange(frames)]


def _correlations(curves: NDArray[np.float64], course: _Course) -> NDArray[np.float64]:
    """Correlation (P,) of curves (P, F) with a course, 0 where it is negative."""
    left = np.square(curves).sum(axis=1) - np.square(curves @ course.trend).sum(axis=1)
    return np.maximum(curves @ course.rest, 0) / np.sqrt(np.maximum(left, FLAT)) / course.length


def _course(measure: Measure, frames: int) -> _Course:
    """What the fit sees of a measure's first frames."""
    times = np.linspace(-1, 1, frames)
    powers = np.stack([times**power for power in range(2 if measure.drifts else 1)], axis=1)
    trend, course = np.linalg.qr(powers)[0], measure.course[:frames]
    rest = course - trend @ (trend.T @ course)
    return _Course(rest, trend, float(np.linalg.norm(rest)), measure.weight)
