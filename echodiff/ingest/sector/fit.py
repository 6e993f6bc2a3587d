"""The fan or rectangle that holds most of the echoes and least of anything else.

The worth of a shape is its number of echo pixels less `EMPTY` for every other pixel in it. Dark blood, shadows and the
dim corners of a real sector cost little that way, while a fan that reaches beyond the sector pays for it, more near
the probe, where no part of a sector is dark. For a given apex the best angles and radii are found exactly, as the best
box of the picture in polar coordinates; the apex is searched, and all six numbers are refined at a higher resolution.
Text, an ECG or a colour bar lie outside the fan of the tissue, and taking them in would cost more than it gains.
"""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.sector.shape import Fan, Rectangle, Shape
from echodiff.ingest.sector.worth import RowSums, tilt_cost, worth_of_fan, worth_of_fans

EMPTY = (0.5, 0.08)  # cost of a pixel without echo, in echo pixels, at the top of the echoes and at their bottom
COARSE, FINE = 56, 256  # longer side of the frame in pixels in the search and in the refinement
RECTANGULAR = 0.985  # of the fan's worth from which a rectangle is believed: a far apex imitates one
BEAMS, RINGS = 24, 20  # boxes of the polar picture
WIDEST = np.radians(80)  # of a fan's edges to the vertical
APEX_ACROSS = np.linspace(0.2, 0.8, 7)  # first places of the apex, in shares of the echoes' bounding box
APEX_UP = np.array([-2.0, -1.0, -0.5, -0.2, -0.05, 0.0, 0.05])
RING_OF_ECHOES = 0.4  # share of echoes in a ring of the sector's near end
TIP = 0.05  # of the far radius: a nearer arc is a phased array's tip, too narrow for its echoes to be found
STARTS = 3  # fans from which the search goes on
FIRST_STEP, SMALLEST_STEP = 4.0, 0.25  # pixels
MID_DEPTH = 0.6  # of the far radius
MOST_ROUNDS = 60  # of a climb
FINALISTS = 2  # fans that are refined at the higher resolution


def fit_shape(tissue: NDArray[np.bool_]) -> Shape | None:
    """The best fan or rectangle for the echoes (H, W); None where there are none."""
    if not tissue.any():
        return None
    coarse, coarse_factor = _reduced(tissue, COARSE)
    fine, factor = _reduced(tissue, FINE)
    best, fans = _search_fans(coarse)
    if _best_rectangle(coarse)[0] > RECTANGULAR * best:
        return _best_rectangle(fine)[1].scaled(factor)
    rows, step = RowSums.of(fine), 0.5 * coarse_factor / factor
    refined = [_refined(rows, fan.scaled(coarse_factor / factor), step) for fan in fans[:FINALISTS]]
    return _with_near_arc(fine, max(refined, key=lambda fan: worth_of_fan(rows, fan))).scaled(factor)


def _reduced(tissue: NDArray[np.bool_], side: int) -> tuple[NDArray[np.float32], float]:
    """Worth of the pixels at a resolution of at most `side`, and the factor back to the full size."""
    factor = max(max(tissue.shape) / side, 1.0)
    values = tissue.astype(np.float32)
    if factor > 1:
        size = tuple(max(round(length / factor), 1) for length in tissue.shape)
        values = cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA)
    rows = np.flatnonzero((values > 0.5).any(axis=1))
    depth = np.interp(np.arange(len(values)), *((rows[[0, -1]], (0, 1)) if len(rows) > 1 else ((0, 1), (0, 1))))
    empty = (EMPTY[0] + (EMPTY[1] - EMPTY[0]) * depth[:, None]).astype(np.float32)
    return values * (1 + empty) - empty, factor


def _search_fans(worth: NDArray[np.float32]) -> tuple[float, list[Fan]]:
    """The best fans for different heights of the apex, the best of them first, and its worth."""
    rows, columns = np.flatnonzero((worth > 0).any(axis=1)), np.flatnonzero((worth > 0).any(axis=0))
    if not len(rows):
        rows, columns = np.arange(worth.shape[0]), np.arange(worth.shape[1])
    top, height, left, width = rows[0], np.ptp(rows) + 1, columns[0], np.ptp(columns) + 1
    across, up = left + APEX_ACROSS * width, top + APEX_UP * height
    found = [max((_best_fan(worth, x, y) for x in across), key=lambda fan: fan[0]) for y in up]
    starts = sorted(found, key=lambda fan: -fan[0])[:STARTS]
    sums = RowSums.of(worth)
    climbed = [_refined(sums, fan, FIRST_STEP) for _, fan in starts]
    worths = {fan: worth_of_fan(sums, fan) for fan in climbed}
    return max(worths.values()), sorted(worths, key=lambda fan: -worths[fan])


def _best_fan(worth: NDArray[np.float32], x: float, y: float) -> tuple[float, Fan]:
    """The fan with that apex that is worth most, exactly up to the boxes' size: with a vertical axis, or tilted."""
    dx = np.arange(worth.shape[1], dtype=np.float32) - np.float32(x)
    dy = np.arange(worth.shape[0], dtype=np.float32)[:, None] - np.float32(y)
    radius, angle = np.hypot(dx, dy), np.arctan2(dx, dy)
    use = np.abs(angle) < WIDEST
    if not use.any():
        return -np.inf, Fan(x, y, 0, 0, 0, 0)
    wide, near, far = float(np.abs(angle[use]).max()) + 1e-4, float(radius[use].min()), float(radius[use].max()) + 1e-3
    beam = ((angle[use] + wide) * (BEAMS / wide)).astype(np.intp)
    ring = ((radius[use] - near) * (RINGS / (far - near))).astype(np.intp)
    polar = np.bincount(ring * 2 * BEAMS + beam, worth[use], minlength=2 * RINGS * BEAMS).reshape(RINGS, 2 * BEAMS)
    value, (first_ring, last_ring), last_beam = _best_beams(polar[:, BEAMS:] + polar[:, BEAMS - 1 :: -1])
    half, ring_size = last_beam * wide / BEAMS, (far - near) / RINGS
    upright = Fan(x, y, -half, half, near + first_ring * ring_size, near + last_ring * ring_size)
    value_tilted, (first_ring, last_ring), (first, last) = _best_box(polar)
    left, right = (end * wide / BEAMS - wide for end in (first, last))
    tilted = Fan(x, y, left, right, near + first_ring * ring_size, near + last_ring * ring_size)
    return max((value, upright), (value_tilted - tilt_cost(*tilted.numbers[2:]), tilted), key=lambda found: found[0])


def _best_beams(polar: NDArray) -> tuple[float, tuple[int, int], int]:
    """Largest sum over beams from the axis and rings of a picture (R, B): the sum, [first, last) ring, last beam."""
    first, last, strips = _strips(polar)
    strip, beam = np.unravel_index(strips.argmax(), strips.shape)
    return float(strips[strip, beam]), (int(first[strip]), int(last[strip])), int(beam) + 1


def _best_rectangle(worth: NDArray[np.float32]) -> tuple[float, Rectangle]:
    rows = cv2.resize(worth, (worth.shape[1], min(worth.shape[0], 128)), interpolation=cv2.INTER_AREA)
    stretch = worth.shape[0] / rows.shape[0]
    value, (first_row, last_row), (first, last) = _best_box(rows)
    return value * stretch, Rectangle(first, last - 1, first_row * stretch, last_row * stretch - 1)


def _best_box(values: NDArray) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Largest sum over a box of an array (R, C): the sum, [first, last) row and column."""
    first, last, strips = _strips(values)
    before = np.minimum.accumulate(np.concatenate([np.zeros((len(strips), 1)), strips[:, :-1]], axis=1), axis=1)
    gain = strips - before
    strip, end = np.unravel_index(gain.argmax(), gain.shape)
    left = np.concatenate([[0.0], strips[strip, :end]])
    return float(gain[strip, end]), (int(first[strip]), int(last[strip])), (int(left.argmin()), int(end) + 1)


def _strips(values: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """For all pairs of a first and a last row, the sums between them over the columns 0 to c."""
    above = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    first, last = _pairs(len(above))
    return first, last, np.cumsum(above[last] - above[first], axis=1)


@cache
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last of all pairs of different rows."""
    return np.triu_indices(count, 1)


def _refined(rows: RowSums, fan: Fan, step: float) -> Fan:
    """Climb along the fan's numbers and some of them together, with steps that shrink to a quarter of a pixel."""
    numbers = np.array(fan.numbers)
    best = worth_of_fan(rows, fan)
    for _ in range(MOST_ROUNDS):
        if step < SMALLEST_STEP:
            break
        changes = step * _directions(Fan(*numbers))
        trials = numbers + np.concatenate([changes, -changes])
        worths = worth_of_fans(rows, trials)
        if worths.max() > best:
            best, numbers = worths.max(), trials[worths.argmax()]
        else:
            step /= 2
    return Fan(*numbers.tolist())


def _directions(fan: Fan) -> NDArray[np.float64]:
    """Changes of x, y, left, right, near, far that move the fan's border by about a pixel.

    Besides each number alone: both edges outward; the apex down with the arcs kept in place; and that with the edges
    kept in place at mid-depth, as apex and angles can make up for one another there.
    """
    radius = max(fan.far, 1.0)
    turn = 1 / radius
    swing = np.sin(fan.right) * np.cos(fan.right) / (MID_DEPTH * radius)
    return np.array(
        [
            (1, 0, 0, 0, 0, 0),
            (0, 1, 0, 0, 0, 0),
            (0, 0, turn, 0, 0, 0),
            (0, 0, 0, turn, 0, 0),
            (0, 0, 0, 0, 1, 0),
            (0, 0, 0, 0, 0, 1),
            (0, 0, -turn, turn, 0, 0),
            (0, 1, 0, 0, -1, -1),
            (0, 1, -swing, swing, -1, -1),
        ]
    )


def _with_near_arc(worth: NDArray[np.float32], fan: Fan) -> Fan:
    """The fan from its first ring of echoes on: behind the bright skin a dark band may follow, still of the sector."""
    inside = replace(fan, near=0.0).draw(worth.shape)
    rows, columns = np.nonzero(inside)
    ring = np.hypot(columns - fan.x, rows - fan.y).astype(np.intp)
    echoes = np.bincount(ring, worth[inside] > 0) / np.maximum(np.bincount(ring), 1)
    first = np.flatnonzero(echoes >= RING_OF_ECHOES)
    near = min(float(first[0]) if len(first) else fan.near, fan.near)
    return replace(fan, near=near if near > TIP * fan.far else 0.0)
