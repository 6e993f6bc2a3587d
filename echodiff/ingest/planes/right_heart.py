"""Which way round the long axis the right heart lies, which is where the four-chamber plane has to pass.

Labels of LV, MYO and LA are nearly round about the long axis, so they do not tell the plane: what does is the right
ventricle beside the septum, and the right atrium beside the left one. They are looked for as what they are in an image,
blood within a brighter wall: a disc that the septum dents, on each level of the ventricle, and a smaller disc beside
the atrium. Each of some sizes of this model is turned about the axis, and is worth the sum of squares that its parting
of the voxels into blood and wall explains (as of a two-sample t test).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

STEP = 3  # degrees between the directions that are tried
DIRECTIONS = np.radians(np.arange(0, 360, STEP))
RADII_MM = np.arange(4, 90, 2.0)
LEVELS = np.linspace(0.1, 1.5, 36)  # along the axis, 0 the apex, 1 the mitral valve
WIDTHS_MM = range(16, 56, 6)  # of the right ventricle at its base, from the septum to its free wall
REACHES = (0.1, 0.2, 0.3, 0.4)  # of the axis by which the right ventricle's apex stays behind the left one's
TRICUSPID = 0.95  # where the right ventricle ends: its annulus lies nearer to the apex than the mitral one
ATRIUM_FROM, ATRIUM_MM = 1.02, 30.0  # where the atrium begins, and its length
SEPTUM_MM = 4.0  # between the atria
EDGE_MM, WALL_MM = 1.0, 7.0  # voxels this near to a chamber's outline are passed over; the wall ends there
ELSEWHERE = np.radians(45)  # a match farther off than this is another one


@dataclass(frozen=True)
class Surroundings:
    """Values about the long axis, (level, direction, radius) at LEVELS, DIRECTIONS and RADII_MM."""

    gray: NDArray[np.float32]
    valid: NDArray[np.bool_]
    """Inside the tissue sector and outside the labelled structures."""

    labelled: NDArray[np.bool_]
    """Inside the labelled structures."""


@dataclass(frozen=True)
class RightHeart:
    """The best match."""

    direction: float
    """Radians, as in DIRECTIONS."""

    lead: float
    """0..1, the share of its worth by which the best match in another direction stays behind it."""

    explained: float
    """0..1, the share of its voxels' variance that the parting into blood and wall explains."""


def right_heart(around: Surroundings, length_mm: float) -> RightHeart | None:
    """The right heart about an axis that is `length_mm` long from apex to mitral centre; None where nothing matches."""
    weight = np.where(around.valid, RADII_MM, 0.0)  # a voxel's volume grows with its distance from the axis
    filled = np.fft.rfft(weight, axis=1), np.fft.rfft(weight * around.gray, axis=1)
    borders = (around.labelled * RADII_MM).max(axis=2).mean(axis=1)
    models = list(_models(borders, length_mm))
    worth = np.array([_worth(filled, *model) for model in models])
    best, direction = np.unravel_index(worth.argmax(), worth.shape)
    if worth[best, direction] <= 0:
        return None
    turn = np.abs(np.angle(np.exp(1j * (DIRECTIONS - DIRECTIONS[direction]))))
    rival = max(float(worth[:, turn > ELSEWHERE].max()), 0.0)
    found = DIRECTIONS[direction] + np.radians(STEP) * _between(worth[best], int(direction))
    blood, wall = models[best]
    model = np.roll(blood | wall, direction, axis=1)
    spread = np.cov(around.gray[model], aweights=weight[model], ddof=0) * weight[model].sum()
    top = float(worth[best, direction])
    return RightHeart(float(found), 1 - rival / top, top / float(spread))


def _models(borders: NDArray[np.float64], length_mm: float) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Blood and wall of right hearts that lie in the direction 0, each (level, direction, radius).

    `borders` (level,) is the mean radius of what is labelled. A chamber is a disc from there on; the ventricle's begins
    at the axis, as the left heart covers the rest of it.
    """
    x = np.cos(DIRECTIONS)[None, :, None] * RADII_MM
    y = np.sin(DIRECTIONS)[None, :, None] * RADII_MM
    level, border = LEVELS[:, None, None], borders[:, None, None]
    for width, reach in product(WIDTHS_MM, REACHES):
        ventricular = (level > reach) & (level < TRICUSPID)
        share = np.clip((level - reach) / (TRICUSPID - reach), 0, 1)
        half = (border + width * np.sqrt(1 - (1 - share) ** 2)) / 2
        beyond = np.hypot(x - half, y) - half  # mm outside the chamber's outline
        atrial = (level > ATRIUM_FROM) & (level < ATRIUM_FROM + ATRIUM_MM / length_mm)
        radius = width / 2 + 3
        beyond = np.where(atrial, np.hypot(x - border - SEPTUM_MM - radius, y) - radius, beyond)
        chamber = ventricular | atrial
        yield chamber & (beyond < -EDGE_MM), chamber & (beyond > EDGE_MM) & (beyond < WALL_MM)


def _worth(
    filled: tuple[NDArray[np.complex128], NDArray[np.complex128]],
    blood: NDArray[np.bool_],
    wall: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Sum of squares between blood and wall in each direction (D,), negative where the wall is the darker one."""
    (blood_weight, blood_sum), (wall_weight, wall_sum) = (
        tuple(np.maximum(_turned(part, model), 1e-6) for part in filled) for model in (blood, wall)
    )
    contrast = wall_sum / wall_weight - blood_sum / blood_weight
    return np.sign(contrast) * contrast**2 * wall_weight * blood_weight / (wall_weight + blood_weight)


def _turned(part: NDArray[np.complex128], model: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum over the model's voxels, with the model turned to each direction (D,)."""
    turned = np.fft.rfft(model.astype(float), axis=1)
    return np.fft.irfft((part * np.conj(turned)).sum(axis=(0, 2)), n=len(DIRECTIONS))


def _between(values: NDArray[np.float64], peak: int) -> float:
    """Place of the maximum between the directions, -0.5..0.5 steps, by a parabola through three of them."""
    before, top, after = values[peak - 1], values[peak], values[(peak + 1) % len(values)]
    bend = before - 2 * top + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
