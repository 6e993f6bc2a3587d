"""Correlation after registration: how alike two frames are once one of them has been moved onto the other.

A model that learned from moved images, or whose guide moves them, hands back copies of training images that are turned,
scaled, shifted or bent. Each image is therefore moved onto each of the known ones before they are correlated: first on
a grid of rotations, scales and shifts, all known images at once; then, for the few best, by Gauss-Newton steps over an
affine map and a smooth displacement (Rueckert et al. 1999, with a normal prior in place of the bending energy). Every
pair gets the same freedom, those of different patients too, from which the threshold is taken.

A correlation is over the pixels that lie in the sector before and after the motion: there a copy looks the same whether
the sector moved with the tissue, as in the training's augmentation, or the tissue inside a sector that stayed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.memory import Nearest

SIZE = 32  # pixels of a frame's side
BLUR = 1 / 48  # share of the frame's height; takes speckle away before the frame is made smaller
TREND = 4.0  # pixels of the small frame: what varies more slowly all apical views share, and it is taken away
ANGLES = np.arange(-15.0, 16.0, 5.0)  # degrees
SCALES = np.array([0.92, 1.0, 1 / 0.92])
FARTHEST_SHIFT = 2.3  # pixels of the small frame, in steps of one
BORDER = 3  # pixels, at least the farthest shift
CANDIDATES = 2  # known images that are refined
STEPS = 3
NODES = 6  # of the smooth displacement, along each side
AFFINE_SD, BEND_SD = 1.0, 0.7  # pixels: spread of the refinement's affine part at the frame's edge, and of its nodes
PATTERN_VARIANCE = 3.0  # of what stays different between two copies, as a multiple of a pattern's variance
LONGEST_STEP = 1.5  # pixels; beyond, the gradient says nothing
TINY = 1e-6

Frames = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """What takes the known images to those compared with them, each (n,).

    rotation_degrees: clockwise. scale: above 1 is larger. right, down: shift of the frame's centre, shares of its size.
    bend: root mean square of what is left of the displacement, share of the frame's size.
    """

    rotation_degrees: NDArray[np.float64]
    scale: NDArray[np.float64]
    right: NDArray[np.float64]
    down: NDArray[np.float64]
    bend: NDArray[np.float64]


@dataclass(frozen=True)
class Registered(Nearest):
    """The known image that each of n correlates with best, at the distance sqrt(2 (1 - r)), and its motion."""

    motion: Motion


class Registration:
    """Known images (N, H, W) that others are moved onto, compared inside `sector` (H, W)."""

    def __init__(self, images: Frames, sector: NDArray[np.bool_]):
        size = (SIZE, SIZE)
        self._inside = cv2.resize(sector.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
        self._weight = self._inside.astype(np.float32)
        self._patterns = np.stack([self.pattern(image) for image in images])  # (N, SIZE, SIZE)
        self._known = self._patterns[:, self._inside]  # (N, P), P pixels in the sector
        rows, columns = np.nonzero(self._inside)
        self._places = np.stack([columns, rows, np.ones_like(rows)])  # (3, P): x, y, 1
        shifts = _shifts()
        self._linear, self._motions = _motions(shifts)
        # A shift is whole pixels of the known frame, so that it takes other pixels of what was turned and scaled.
        self._shifted = (rows + shifts[:, 1:] + BORDER) * (SIZE + 2 * BORDER) + columns + shifts[:, :1] + BORDER
        self._both = (self._on_all(self._weight) > 0.99).astype(np.float32)  # (M, P)
        self._count = np.maximum(self._both.sum(axis=1), 1)
        sums, squares = self._both @ self._known.T, self._both @ (self._known**2).T
        variation = squares - sums**2 / self._count[:, None]
        self._known_norm = np.sqrt(np.maximum(variation, TINY))
        self._basis = _basis()[self._inside.ravel()]  # (P, K)
        precision = np.full(self._basis.shape[1], PATTERN_VARIANCE / BEND_SD**2)
        precision[:3] = PATTERN_VARIANCE / AFFINE_SD**2
        self._prior_diagonal = np.tile(precision, 2).astype(np.float32)
        self._prior = np.diag(self._prior_diagonal)

    def pattern(self, image: Frames) -> Floats:
        """A frame (H, W) as it is compared: smoothed, small, without its trend, 0 outside the sector; (SIZE, SIZE)."""
        smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), BLUR * image.shape[0])
        small = cv2.resize(smooth, (SIZE, SIZE), interpolation=cv2.INTER_AREA) * self._weight
        covered = np.maximum(cv2.GaussianBlur(self._weight, (0, 0), TREND), TINY)
        return (small - cv2.GaussianBlur(small, (0, 0), TREND) / covered) * self._weight

    def nearest(self, images: Frames, sides: Sequence[slice]) -> list[Registered]:
        """For each side, a part of the known images, the best one there for each of n images (n, H, W)."""
        found: list[list[_Found]] = [[] for _ in sides]
        for image in images:
            pattern = self.pattern(image)
            correlation, motion = self._on_the_grid(pattern)
            for of_side, side in zip(found, sides, strict=True):
                best = self._refined(pattern, correlation[side], motion[side], self._known[side])
                of_side.append(best)
        return [self._table(of_side) for of_side in found]

    def nearest_other(self, groups: NDArray) -> NDArray[np.float64]:
        """Distances (n,) of the first n known images, of patients `groups`, to the nearest of another patient.

        Frames that are equal are left out as copies (`memory.nearest_other`). Infinite where there is no other.
        """
        known, distances = self._known[: len(groups)], []
        for pattern, own, group in zip(self._patterns, known, groups, strict=False):
            correlation, motion = self._on_the_grid(pattern)
            copies = (groups == group) | (known == own).all(axis=1)
            allowed = np.where(copies, -np.inf, correlation[: len(groups)])
            distances.append(self._refined(pattern, allowed, motion, known).distance)
        return np.array(distances)

    def _table(self, found: Sequence["_Found"]) -> Registered:
        motions = [_motion(self._places[:2], one.x, one.y) for one in found]
        distances = np.array([one.distance for one in found])
        return Registered(np.array([one.position for one in found]), distances, Motion(*np.array(motions).T))

    def _on_the_grid(self, pattern: Floats) -> tuple[Floats, NDArray[np.int64]]:
        """The best correlation with each known image over the grid of motions, and which motion that is; (N,) each."""
        moved = self._on_all(pattern) * self._both
        moved -= (moved.sum(axis=1) / self._count)[:, None] * self._both
        moved /= np.maximum(np.linalg.norm(moved, axis=1), TINY)[:, None]
        # What is moved has mean 0 over the pixels of both, and is 0 elsewhere: so the known images' mean drops out.
        correlation = (moved @ self._known.T) / self._known_norm
        best = correlation.argmax(axis=0)
        return correlation[best, np.arange(len(best))], best

    def _on_all(self, plane: Floats) -> Floats:
        """A plane (SIZE, SIZE) moved by each motion of the grid, at the pixels of the sector: (M, P)."""
        size = (SIZE + 2 * BORDER,) * 2
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        turned = np.stack([cv2.warpAffine(plane, one, size, flags=flags).ravel() for one in self._linear])
        return np.take(turned, self._shifted, axis=1).reshape(-1, self._shifted.shape[1])

    def _refined(self, pattern: Floats, correlation: Floats, motion: NDArray[np.int64], known: Floats) -> "_Found":
        """The best of the known images that correlate best on the grid, by its distance after the refinement."""
        best = _Found(0, np.inf, *self._places[:2])
        for position in np.argsort(-correlation, kind="stable")[:CANDIDATES]:
            if np.isfinite(correlation[position]):
                start = (self._motions[motion[position]] @ self._places).astype(np.float32)
                found = _Found(int(position), *self._moved_onto(known[position], pattern, start))
                best = min(best, found, key=lambda one: one.distance)
        return best

    def _moved_onto(self, known: Floats, pattern: Floats, start: Floats) -> tuple[float, Floats, Floats]:
        """Gauss-Newton steps from `start` (2, P) towards a known image (P,): the least distance, with its x and y."""
        gradient = [cv2.Sobel(pattern, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1))]
        parts = self._basis.shape[1]
        moved_by = np.zeros(2 * parts, np.float32)
        best = (np.inf, *start)
        for step in range(STEPS + 1):
            x = start[0] + self._basis @ moved_by[:parts]
            y = start[1] + self._basis @ moved_by[parts:]
            both = (_sampled(self._weight, x, y) > 0.99).astype(np.float32)
            mine, norm = _unit(_sampled(pattern, x, y), both)
            other, _ = _unit(known, both)
            distance = float(np.linalg.norm(mine - other))
            if distance < best[0]:
                best = (distance, x, y)
            if step == STEPS:
                break
            slopes = [(_sampled(part, x, y) * both / norm)[:, None] * self._basis for part in gradient]
            slopes = np.concatenate(slopes, axis=1)  # (P, 2 K)
            # Mean and gain of the frame are no motion: what slopes along them is taken out of the system.
            along = mine @ slopes
            count = max(both.sum(), np.float32(1))
            mean = slopes.sum(axis=0) / count
            system = slopes.T @ slopes - count * np.outer(mean, mean) - np.outer(along, along)
            towards = slopes.T @ (other - (mine @ other) * mine)
            by = np.linalg.solve(count * system + self._prior, count * towards - self._prior_diagonal * moved_by)
            moved_by = moved_by + np.clip(by, -LONGEST_STEP, LONGEST_STEP)
        return best


@dataclass(frozen=True)
class _Found:
    """A known image with its distance, and x, y (P,) of the image that its pixels in the sector are taken from."""

    position: int
    distance: float
    x: Floats
    y: Floats


def _unit(values: Floats, both: Floats) -> tuple[Floats, float]:
    """Values (P,) of mean 0 and norm 1 over the pixels of `both`, 0 elsewhere; and the norm they had."""
    centred = (values - values @ both / max(both.sum(), 1)) * both
    norm = max(float(np.linalg.norm(centred)), TINY)
    return centred / norm, norm


def _sampled(plane: Floats, x: Floats, y: Floats) -> Floats:
    """Values (P,) of a plane at the places (P,), 0 beyond its edge."""
    return cv2.remap(plane, x, y, cv2.INTER_LINEAR).ravel()


def _shifts() -> NDArray[np.int64]:
    """All shifts (right, down) of whole pixels up to the farthest, (S, 2)."""
    steps = np.arange(-int(FARTHEST_SHIFT), int(FARTHEST_SHIFT) + 1)
    return np.array([(x, y) for x in steps for y in steps if np.hypot(x, y) <= FARTHEST_SHIFT])


def _motions(shifts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The grid of motions, from pixels of a known frame to those of the image, about the frame's centre.

    Rotations and scales alone (L, 2, 3), from pixels of a frame with a border of BORDER; and each of them after each of
    the shifts (L * S, 2, 3).
    """
    centre, linear, motions = np.full(2, (SIZE - 1) / 2), [], []
    for angle in np.radians(ANGLES):
        for scale in SCALES:
            matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            linear.append(np.column_stack([matrix, centre - matrix @ (centre + BORDER)]))
            motions += [np.column_stack([matrix, centre + matrix @ (shift - centre)]) for shift in shifts]
    return np.stack(linear), np.stack(motions)


def _basis() -> Floats:
    """Displacements along one axis that the refinement is a sum of, (SIZE * SIZE, 3 + NODES²): 1, x, y and bumps."""
    along = (np.arange(SIZE) - (SIZE - 1) / 2) / (SIZE / 2)
    y, x = np.meshgrid(along, along, indexing="ij")
    bumps = np.eye(NODES**2, dtype=np.float32).reshape(-1, NODES, NODES)
    smooth = [cv2.resize(bump, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) for bump in bumps]
    return np.stack([np.ones_like(x), x, y, *smooth], axis=-1).reshape(SIZE**2, -1).astype(np.float32)


def _motion(places: Floats, x: Floats, y: Floats) -> tuple[float, ...]:
    """The similarity closest to the displacement of `places` (2, P) to `x`, `y` (P,), and how far it misses it.

    In the order of `Motion`, as a line in the complex plane: turning and scaling are a factor there.
    """
    centre = (1 + 1j) * (SIZE - 1) / 2
    before, after = (part[0].astype(float) + 1j * part[1] - centre for part in (places, (x, y)))
    line = np.column_stack([before, np.ones_like(before)])
    (factor, shift), *_ = np.linalg.lstsq(line, after)
    bend = np.sqrt(np.mean(np.abs(after - line @ (factor, shift)) ** 2))
    angle = float(np.degrees(np.angle(factor)))
    return angle, float(np.abs(factor)), *(float(part) / SIZE for part in (shift.real, shift.imag, bend))
