"""ED by the ECG that the scanner drew beside the sector: the frame at which the trace is at an R peak.

A marker moves along the trace (a cursor under a still trace) or the trace grows at it (a sweep). Its column in each
frame is found by what appears there and nowhere else; a straight line through these columns turns the columns of the
trace's R peaks into frames.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice

FEWEST_FRAMES = 5
SAMPLES = 8  # frames of which the usual picture is the median
DISTANCE_SHARE = 0.02  # of the frame's shorter side: the sector's own rim is left out
NEW = 40  # gray levels by which a moving marker stands out of what is usual at its place
BRIGHT = 60  # gray levels of a trace
ON_COURSE = 2.5  # pixels between the marker and its straight course
FEWEST_ON_COURSE = 0.6  # share of the frames whose marker lies on the course
SLOWEST = 0.3  # pixels a frame
WIDEST_STRIP = 0.3  # height of the ECG's strip, of the frame's
PEAK = 0.6  # height of an R peak, of the highest
SMALLEST_PEAK = 0.015  # of the frame's height
COVERED = 0.6  # share of the marker's columns in which there is a trace


def by_ecg_trace(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> Choice | None:
    """The frame nearest to an R peak of the drawn ECG; None where there is no trace or no marker on it.

    Of several peaks the one that a frame hits best decides; the first of equals. The confidence is the share of frames
    whose marker lies on its course, less where the peak lies between two frames.

    Args:
        frames: (F, H, W).
        sector: (H, W).
    """
    if len(frames) < FEWEST_FRAMES:
        return None
    usual = np.median(frames[:: max(1, len(frames) // SAMPLES)], axis=0).astype(np.int16)
    outside = ~_grown(sector)
    course = _marker_course(frames, usual, outside)
    if course is None:
        return None
    start, step, share, rows = course
    peaks = _r_peaks((usual > BRIGHT) & outside, rows, (start, start + step * (len(frames) - 1)))
    hits = (peaks - start) / step
    hits = hits[(hits > -0.5) & (hits < len(frames) - 0.5)]
    if not len(hits):
        return None
    best = hits[np.argmin(np.round(np.abs(hits - np.rint(hits)), 3))]
    return Choice(int(np.rint(best)), float(share * (1 - abs(best - np.rint(best)))))


def _grown(sector: NDArray[np.bool_]) -> NDArray[np.bool_]:
    size = 2 * max(2, round(DISTANCE_SHARE * min(sector.shape))) + 1
    return cv2.dilate(sector.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def _marker_course(
    frames: NDArray[np.uint8], usual: NDArray[np.int16], outside: NDArray[np.bool_]
) -> tuple[float, float, float, slice] | None:
    """Column in the first frame, columns a frame, share of frames on that course, and the rows of the strip."""
    new = [(frame.astype(np.int16) - usual > NEW) & outside for frame in frames]
    rows = _strip(sum(part.any(axis=1).astype(int) for part in new), len(frames))
    if rows is None:
        return None
    columns = np.array([_busiest(part[rows].sum(axis=0)) for part in new])
    seen = np.flatnonzero(np.isfinite(columns))
    if len(seen) < FEWEST_ON_COURSE * len(frames):
        return None
    first, second = np.triu_indices(len(seen), 1)
    slopes = (columns[seen[second]] - columns[seen[first]]) / (seen[second] - seen[first])
    step = float(np.median(slopes))
    start = float(np.median(columns[seen] - step * seen))
    on_course = np.abs(columns[seen] - start - step * seen) <= max(ON_COURSE, abs(step))
    share = on_course.sum() / len(frames)
    if step < SLOWEST or share < FEWEST_ON_COURSE:
        return None
    step, start = np.polyfit(seen[on_course], columns[seen[on_course]], 1)
    return float(start), float(step), float(share), rows


def _strip(changes: NDArray[np.int64], frames: int) -> slice | None:
    """The rows in which something new appears in most frames, as one block."""
    active = np.flatnonzero(changes >= FEWEST_ON_COURSE * frames)
    if not len(active):
        return None
    blocks = np.split(active, np.flatnonzero(np.diff(active) > 3) + 1)
    block = max(blocks, key=lambda rows: changes[rows].sum())
    height = len(changes)
    return None if len(block) > WIDEST_STRIP * height else slice(int(block[0]), int(block[-1]) + 1)


def _busiest(counts: NDArray[np.int64]) -> float:
    """The middle of the columns in which most is new; NaN where nothing is."""
    if not counts.any():
        return float("nan")
    smooth = np.convolve(counts, np.ones(3), "same")
    return float(np.flatnonzero(smooth == smooth.max()).mean())


def _r_peaks(trace: NDArray[np.bool_], strip: slice, columns: tuple[float, float]) -> NDArray[np.float64]:
    """Columns of the R peaks of the trace that lies nearest to the marker's rows, as far as the marker runs."""
    low, high = max(int(columns[0]) - 2, 0), min(int(np.ceil(columns[1])) + 3, trace.shape[1])
    part = trace[:, low:high].astype(np.uint8)
    line = _trace(part, (strip.start + strip.stop) / 2)
    if line is None:
        return np.empty(0)
    known = np.flatnonzero(line.any(axis=0))
    top = np.interp(np.arange(high - low), known, line.argmax(axis=0)[known])
    height = np.median(top) - top
    tallest = height.max()
    if tallest < SMALLEST_PEAK * len(trace):
        return np.empty(0)
    above = np.flatnonzero(height >= PEAK * tallest)
    peaks = np.split(above, np.flatnonzero(np.diff(above) > 2) + 1)
    return np.array([low + np.average(peak, weights=height[peak] - 0.5 * PEAK * tallest) for peak in peaks])


def _trace(part: NDArray[np.uint8], middle: float) -> NDArray[np.bool_] | None:
    """The connected line that covers the marker's columns and lies nearest to its rows."""
    joined = cv2.dilate(part, np.ones((3, 3), np.uint8))
    count, regions, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    wide = [i for i in range(1, count) if stats[i, cv2.CC_STAT_WIDTH] >= COVERED * part.shape[1]]
    if not wide:
        return None
    nearest = min(wide, key=lambda i: abs(centres[i][1] - middle))
    return (regions == nearest) & (part > 0)
