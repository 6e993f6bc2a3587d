"""Echogenicity of a heart on the polar grid: what each place sends back, in dB relative to healthy myocardium."""

from copy import copy
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from echodiff.phantom.acoustics import smooth_field
from echodiff.phantom.anatomy import Anatomy, Profile, profiles, to_heart, to_image
from echodiff.phantom.sector import PolarGrid, fill

BLOOD_DB = -28.0
COARSE = 8  # smooth fields are made on every 8th sample


@dataclass(frozen=True)
class Appearance:
    """One patient's tissue; levels in dB relative to healthy myocardium, angles as shares of the half angle."""

    quality: float  # 0 good .. 1 poor
    septum: float
    lateral_wall: float
    apex: float
    tissue: float  # lung, liver, chest wall around the heart
    posterior: float  # behind the atria
    pericardium: float
    valve: float
    clouds: float  # spread of slow differences within a tissue
    noise: float  # offsets on the machine's settings
    haze: float
    near: float
    attenuation_left: float  # dB lost at the sector's edges
    attenuation_right: float
    shadows: tuple[tuple[float, float, float], ...]  # (angle, width, dB)
    texture_seed: int


def sample_appearance(rng: np.random.Generator) -> Appearance:
    """Tissue of one patient, image quality good to poor."""
    quality = float(rng.beta(1.4, 1.8))
    shadows = tuple(
        (float(rng.uniform(-0.95, 0.95)), float(rng.uniform(0.03, 0.12)), float(rng.uniform(4, 14)))
        for _ in range(rng.poisson(0.8 + 1.2 * quality))
    )
    return Appearance(
        quality=quality,
        septum=float(rng.normal(10.0 - 6.0 * quality, 3.5)),
        lateral_wall=float(rng.normal(-2.5 - 3.0 * quality, 4.0)),
        apex=float(rng.normal(-5.0, 3.5)),
        tissue=float(rng.normal(-6.0, 5.0)),
        posterior=float(rng.normal(8.0, 6.5)),
        pericardium=float(rng.normal(9.0, 4.0)),
        valve=float(rng.normal(7.0, 3.0)),
        clouds=float(rng.uniform(3.4, 6.0)),
        noise=float(rng.normal(3.0 * (quality - 0.45), 1.0)),
        haze=float(rng.normal(6.0 * (quality - 0.4), 1.5)),
        near=float(rng.normal(0.0, 4.0)),
        attenuation_left=float(rng.gamma(1.5, 5.0)),
        attenuation_right=float(rng.gamma(1.5, 6.0 + 4.0 * quality)),
        shadows=shadows,
        texture_seed=int(rng.integers(2**31)),
    )


def material_places(grid: PolarGrid, now: Anatomy, ed: Anatomy) -> np.ndarray:
    """Where the tissue seen at each sample lay at end-diastole, as (line, range sample), float32 (ranges, lines, 2).

    The base moves along the LV's axis, the walls across it; both fade out with the distance from the ventricle.
    """
    v, u = np.moveaxis(to_heart(now, grid.centres(COARSE)), -1, 0)
    below, outside = np.maximum(u - now.lv_length, 0), np.maximum(np.abs(v) - now.lv_width / 2, 0)
    along = np.clip(u / now.lv_length, 0, 1) * (ed.lv_length - now.lv_length) * np.exp(-below / 50 - outside / 80)
    widening = (ed.lv_width - now.lv_width) / 2
    across = (
        np.clip(2 * v / now.lv_width, -1, 1) * widening * np.exp(-outside / 30 - below / 40 + np.minimum(u, 0) / 15)
    )
    places = to_image(ed, np.stack([v + across, u + along], -1))
    samples = grid.to_samples(places).astype(np.float32)
    return cv2.resize(samples, grid.shape[::-1], interpolation=cv2.INTER_LINEAR)


def heart_places(grid: PolarGrid, a: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    """Heart coordinates u and v in mm of every sample, float32 (ranges, lines) each."""
    coarse = to_heart(a, grid.centres(COARSE)).astype(np.float32)
    fine = cv2.resize(coarse, grid.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return fine[..., 1], fine[..., 0]


class Texture:
    """Slow differences within tissues of one patient, which a beating heart carries along."""

    def __init__(self, grid: PolarGrid, look: Appearance):
        rng = np.random.default_rng([look.texture_seed, 1])
        shape = grid.shape
        fine = smooth_field(rng, shape, (grid.sector.depth / 5, 20))
        streaks = smooth_field(rng, shape, (grid.sector.depth / 2.5, 9))  # fibres and layers lie across the beam
        coarse = smooth_field(rng, shape, (6, 5))
        grain = smooth_field(rng, shape, (grid.sector.depth / 2.2, 50))
        self.wall = look.clouds * (0.65 * fine + 0.55 * coarse) + 1.2 * np.maximum(grain, 0) ** 2
        self.tissue = look.clouds * (0.7 * fine + 0.9 * streaks + 1.1 * coarse)
        self.clutter = 3.2 * smooth_field(rng, shape, (3, 3))
        self.blobs = rng.uniform(0, 1, (40, 5))
        self.lobes = np.column_stack([rng.uniform(0, 1, (4, 4)), rng.gamma(1.2, 6.0, 4)])
        self.arcs = rng.uniform(0, 1, (12, 5))

    def moved(self, places: np.ndarray) -> Self:
        """The differences where the tissue is now, from where each sample's tissue lay (see `material_places`)."""
        other = copy(self)
        for name in ("wall", "tissue"):
            field = cv2.remap(
                getattr(self, name), places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
            setattr(other, name, field)
        return other


class Painter:
    """Paints structures given in heart coordinates into a canvas of dB values on the polar grid."""

    def __init__(self, grid: PolarGrid, a: Anatomy, canvas: np.ndarray):
        self.grid, self.anatomy, self.canvas = grid, a, canvas

    def shape(self, points: np.ndarray, level: float) -> None:
        """Closed contour (N, 2) of (v, u) in mm."""
        fill(self.canvas, self.grid.to_samples(to_image(self.anatomy, points)), float(level))

    def stroke(self, points: np.ndarray, thickness: float, level: float) -> None:
        """Line (N, 2) of (v, u) in mm, `thickness` mm wide at its middle and tapering to its ends."""
        along = np.gradient(points, axis=0)
        normal = np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
        taper = 0.5 * thickness * np.sqrt(np.sin(np.linspace(0.15, np.pi - 0.15, len(points))))[:, None]
        self.shape(np.concatenate([points + normal * taper, (points - normal * taper)[::-1]]), level)

    def blob(self, v: float, u: float, half_v: float, half_u: float, level: float) -> None:
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        self.shape(np.stack([v + half_v * np.cos(angle), u + half_u * np.sin(angle)], 1), level)


def grown(profile: Profile, by: float) -> Profile:
    """The profile with edges moved outwards by some mm (and its lower end moved down)."""
    longer = np.append(profile.u, profile.u[-1] + by)
    left, right = np.append(profile.left, profile.left[-1]), np.append(profile.right, profile.right[-1])
    return Profile(longer, left - by, right + by)


def echogenicity(grid: PolarGrid, a: Anatomy, look: Appearance, texture: Texture) -> np.ndarray:
    """Level in dB of every sample, float32 (ranges, lines), before the beam and the noise."""
    parts = profiles(a)
    u, v = heart_places(grid, a)
    canvas = np.full(grid.shape, look.tissue, np.float32)
    behind = 1 / (1 + np.exp(-(u - a.lv_length - 0.75 * a.la_length) / 5))
    canvas += (look.posterior - look.tissue) * behind
    bottom = a.lv_length + 0.8 * a.la_length
    for across, deep, wide, tall, bright in texture.lobes:  # bright lung and pericardium behind the atria
        far = ((v - 150 * (across - 0.5)) / (10 + 22 * wide)) ** 2 + (
            (u - bottom - 45 * (deep - 0.55)) / (6 + 12 * tall)
        ) ** 2
        canvas += np.float32(bright) * np.exp(-far)
    painter = Painter(grid, a, canvas)
    _outline(painter, parts, look, texture)
    walls = _walls(painter, parts, look)
    blood = _chambers(painter, parts)
    lateral = 1 / (1 + np.exp(-(v - 0.1 * a.lv_width) / 5))
    apical = np.exp(-np.maximum(u, 0) / 14)
    wall_level = (1 - lateral) * look.septum + lateral * look.lateral_wall
    wall_level = (1 - apical) * wall_level + apical * look.apex + texture.wall
    muscle = (walls > 0) & (blood == 0)
    tissue = (walls == 0) & (blood == 0)
    np.copyto(canvas, np.where(muscle, wall_level, canvas))
    canvas += np.where(tissue, texture.tissue, 0)
    canvas[blood > 0] = BLOOD_DB
    _inside(painter, parts, look, texture)
    return canvas


def _outline(painter: Painter, parts: dict[str, Profile], look: Appearance, texture: Texture) -> None:
    """Pericardium and bright layers behind the heart."""
    a = painter.anatomy
    for key, by, lift in (("EPI", 4.0, 0.0), ("RV_WALL", 3.0, -1.0), ("LA", 4.5, -1.0), ("RA", 5.0, 0.0)):
        if key == "EPI":
            epi = parts["EPI"]
            keep = epi.u > 0.25 * a.lv_length
            painter.shape(
                Profile(epi.u[keep], 0 * epi.u[keep], epi.right[keep] + by).polygon(), look.pericardium + lift
            )
        elif key.removesuffix("_WALL") not in a.missing:
            painter.shape(grown(parts[key], by).polygon(), look.pericardium + lift - 1.0)
    bottom = max(parts["LA"].u[-1], parts["RA"].u[-1])
    for across, deep, long, thick, bright in texture.arcs:
        middle, half = (across - 0.5) * 120 - 10, 6 + 22 * long
        turn = np.linspace(-1, 1, 12)
        sag = bottom + 30 * (deep - 0.35) - 0.004 * (middle + half * turn) ** 2
        painter.stroke(np.stack([middle + half * turn, sag], 1), 1.5 + 3 * thick, look.posterior + 10 * bright - 2)


def _walls(painter: Painter, parts: dict[str, Profile], look: Appearance) -> np.ndarray:
    """Mask (ranges, lines) of muscle: the LV's wall, the RV's, the atria's."""
    a = painter.anatomy
    mask = Painter(painter.grid, a, np.zeros(painter.grid.shape, np.uint8))
    for key, by in (("RA", 2.0), ("LA", 2.5)):
        if key not in a.missing:
            mask.shape(grown(parts[key], by).polygon(), 1)
    if "RV" not in a.missing:
        mask.shape(parts["RV_WALL"].polygon(), 1)
    if "MYO" not in a.missing:
        mask.shape(parts["EPI"].polygon(), 1)
    return mask.canvas


def _chambers(painter: Painter, parts: dict[str, Profile]) -> np.ndarray:
    """Mask (ranges, lines) of blood."""
    a = painter.anatomy
    mask = Painter(painter.grid, a, np.zeros(painter.grid.shape, np.uint8))
    for key in ("RA", "LA", "RV"):
        if key not in a.missing:
            mask.shape(parts[key].polygon(), 1)
    if "MYO" not in a.missing:
        mask.shape(parts["EPI"].polygon(), 0)
    if "LV" not in a.missing:
        mask.shape(parts["LV"].polygon(), 1)
    return mask.canvas


def leaflets(a: Anatomy) -> list[np.ndarray]:
    """Anterior and posterior mitral leaflet, each (N, 2) of (v, u) in mm."""
    half, base = a.annulus_width / 2, a.lv_length
    t = np.linspace(0, 1, 14)[:, None]
    closed = np.array([0.12 * half, base - 0.3 * a.leaflet_length])  # they meet tented into the ventricle
    lines = []
    for side, length in ((-1, a.leaflet_length), (1, 0.65 * a.leaflet_length)):
        root = np.array([side * half, base])
        swung = root + length * np.array([-side * 0.25, -0.97])
        tip = (1 - a.valve_open) * closed + a.valve_open * swung
        belly = 0.5 * (root + tip) + np.array([0.0, -0.15 * length * (1 - a.valve_open)])
        lines.append((1 - t) ** 2 * root + 2 * t * (1 - t) * belly + t**2 * tip)
    return lines


def _inside(painter: Painter, parts: dict[str, Profile], look: Appearance, texture: Texture) -> None:
    """Valves, fibrous annuli, papillary muscles and trabeculae, which the labels count to the chambers."""
    a = painter.anatomy
    half, base = a.annulus_width / 2, a.lv_length
    if "VALVE" not in a.missing:
        for line in leaflets(a):
            painter.stroke(line, 2.2, look.valve + 2)
        rv = parts["RV"]
        ends = np.array([[rv.left[-1], rv.u[-1]], [rv.right[-1], rv.u[-1]]])
        if "RV" not in a.missing:
            painter.stroke(
                np.linspace(*ends, 12) - np.sin(np.linspace(0, np.pi, 12))[:, None] * [0, 4], 1.8, look.valve - 3
            )
        painter.blob(-half - 2.5, base + 0.5, 4.0, 3.0, look.valve + 4)  # crux
        painter.blob(half + 3.0, base + 0.5, 3.5, 3.0, look.valve + 1)
    if "LV" in a.missing:
        return
    for place, depth, size, bright, side in texture.blobs[:10]:
        s = 0.25 + 0.5 * depth
        left, right, _ = parts["LV"].edges(np.array([s * base]))
        inset = 2 + 9 * place**2
        v = right[0] - inset if side < 0.75 else left[0] + 0.5 * inset
        painter.blob(v, s * base, 0.6 + 1.2 * size, 1.0 + 3.0 * size, look.lateral_wall + 6 * bright - 4)
    if "RV" not in a.missing:
        for place, depth, size, bright, _ in texture.blobs[10:24]:
            s = parts["RV"].u[0] + (0.1 + 0.7 * depth) * np.ptp(parts["RV"].u)
            left, right, _ = parts["RV"].edges(np.array([s]))
            v = left[0] + (0.05 + 0.6 * place) * (right[0] - left[0])
            painter.blob(v, s, 0.6 + 1.2 * size, 1.0 + 4.0 * size, look.septum + 6 * bright - 6)
