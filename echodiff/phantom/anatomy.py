"""Parametric heart in the apical four-chamber (4CH) plane: named sizes in mm and degrees -> contours in mm.

Image coordinates: x in mm to the right of the probe's middle (the patient's left), y in mm of depth.
Heart coordinates: u in mm along the long axis of the left ventricle (LV), 0 at the endocardial apex and `lv_length`
at the mitral annulus; v in mm across it, negative towards the septum. A structure is a `Profile`: for each u its
left and right edge. Profiles make polygons in the plane and, with elliptic cross-sections, bodies in space.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from echodiff.phantom.cycle import contraction, valve_opening

CONTOUR_POINTS = 96


@dataclass(frozen=True)
class Anatomy:
    """One patient's heart at one moment, end-diastole unless moved by `at_phase`; lengths in mm, angles in degrees."""

    lv_length: float = 82.0  # endocardial apex to the middle of the mitral annulus
    lv_width: float = 46.0  # widest inner diameter
    lv_widest: float = 0.6  # where the LV is widest, as a share of its length from the apex
    lv_fullness: float = 2.1  # exponent of the apical superellipse: 2 an ellipse, more is blunter
    lv_bow: float = 1.5  # how far the long axis bows to the lateral side at mid length
    annulus_width: float = 33.0  # mitral annulus
    ripple_left: tuple[float, float] = (
        0.0,
        0.0,
    )  # second and third harmonic of the septal edge, share of the half width
    ripple_right: tuple[float, float] = (0.0, 0.0)  # the same of the lateral edge
    wall_septum: float = 10.5  # wall thickness at its middle
    wall_lateral: float = 10.0
    wall_apex: float = 8.0
    la_width: float = 41.0  # left atrium
    la_length: float = 43.0
    la_lean: float = 0.0  # shear of the atrium's axis against the LV's, degrees, positive to the lateral side
    rv_width: float = 32.0  # right ventricle, at its base
    rv_reach: float = 0.22  # share of the LV's length by which the RV's apex stays behind the LV's
    rv_wall: float = 4.0
    ra_width: float = 38.0  # right atrium
    ra_length: float = 42.0
    atrial_septum: float = 4.0  # thickness
    apex_x: float = -2.0  # endocardial apex in the image
    apex_depth: float = 31.0
    tilt: float = 12.0  # long axis against the vertical, positive: the base lies to the right of the apex
    leaflet_length: float = 20.0  # anterior mitral leaflet
    valve_open: float = 0.0  # 0 closed .. 1 wide open
    roundness: float = 0.95  # elevational over in-plane diameter of every chamber (volumes only)
    ejection_fraction: float = 0.58  # of volume, 0..1
    missing: frozenset[str] = frozenset()  # of "LV", "MYO", "LA", "RV", "RA", "VALVE": not there, not labelled

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not np.isfinite(value):
                raise ValueError(f"Anatomy.{field.name} is {value}; expected a finite number of mm or degrees.")
        if min(self.lv_length, self.lv_width, self.annulus_width, self.la_width, self.la_length) <= 0:
            raise ValueError("Anatomy: lengths and widths of LV, annulus and LA must be above 0 mm.")


@dataclass(frozen=True)
class Profile:
    """A structure as edges over the long axis: u, left, right, each (N,) in mm, u rising."""

    u: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def polygon(self) -> np.ndarray:
        """Closed contour, (2N, 2) of (v, u) in mm: down the left edge, up the right one."""
        return np.concatenate([np.stack([self.left, self.u], 1), np.stack([self.right, self.u], 1)[::-1]])

    def edges(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Left and right edge at any u (mm), and where u is inside the profile at all."""
        inside = (u >= self.u[0] - 1e-6) & (u <= self.u[-1] + 1e-6)
        return np.interp(u, self.u, self.left), np.interp(u, self.u, self.right), inside


def sample_anatomy(rng: np.random.Generator) -> Anatomy:
    """One adult at end-diastole; means and spreads follow published 4CH dimensions at all image qualities."""
    size = rng.normal(0.0, 1.0)

    def draw(mean: float, sd: float, low: float, high: float, with_size: float = 0.0) -> float:
        return float(np.clip(mean + sd * (with_size * size + np.sqrt(1 - with_size**2) * rng.normal()), low, high))

    lv_width = draw(45.0, 7.0, 31.0, 66.0, 0.5)
    ripple = rng.normal(0.0, 0.025, 4)
    return Anatomy(
        lv_length=draw(81.0, 9.0, 60.0, 106.0, 0.6),
        lv_width=lv_width,
        lv_widest=draw(0.58, 0.06, 0.42, 0.72),
        lv_fullness=draw(2.1, 0.22, 1.7, 2.8),
        lv_bow=draw(1.5, 2.0, -3.0, 6.0),
        annulus_width=lv_width * draw(0.7, 0.07, 0.52, 0.88),
        ripple_left=(float(ripple[0]), float(ripple[1])),
        ripple_right=(float(ripple[2]), float(ripple[3])),
        wall_septum=draw(12.3, 2.2, 7.5, 19.0),
        wall_lateral=draw(12.3, 2.2, 7.5, 18.0),
        wall_apex=draw(10.5, 2.4, 5.5, 17.0),
        la_width=draw(39.0, 8.0, 24.0, 62.0, 0.3),
        la_length=draw(43.0, 11.0, 18.0, 74.0, 0.3),
        la_lean=draw(-13.0, 9.0, -35.0, 10.0),
        rv_width=draw(31.0, 7.0, 16.0, 50.0),
        rv_reach=draw(0.22, 0.06, 0.08, 0.4),
        rv_wall=draw(4.0, 0.8, 2.5, 6.5),
        ra_width=draw(38.0, 6.0, 24.0, 56.0, 0.3),
        ra_length=draw(42.0, 7.0, 26.0, 60.0, 0.3),
        atrial_septum=draw(4.0, 1.0, 2.0, 7.0),
        apex_x=draw(-3.0, 4.0, -13.0, 10.0),
        apex_depth=draw(31.0, 6.5, 17.0, 50.0),
        tilt=draw(12.5, 7.5, -10.0, 32.0),
        leaflet_length=draw(20.0, 3.0, 13.0, 28.0),
        roundness=draw(0.95, 0.05, 0.8, 1.1),
        ejection_fraction=draw(0.57, 0.11, 0.22, 0.76),
    )


def at_phase(anatomy: Anatomy, phase: float) -> Anatomy:
    """The heart at a phase of the cycle (0 = end-diastole, 1 = the next one); the LV's area is largest at 0.

    Volume goes with length x width^2; the base descends towards a nearly still apex and the wall keeps its area.
    """
    c = contraction(phase)
    volume = 1.0 - anatomy.ejection_fraction * c
    shorter = 1.0 - 0.32 * anatomy.ejection_fraction * c
    narrower = float(np.sqrt(volume / shorter))
    thicker = 1.0 / np.sqrt(narrower * shorter)
    return replace(
        anatomy,
        lv_length=anatomy.lv_length * shorter,
        lv_width=anatomy.lv_width * narrower,
        annulus_width=anatomy.annulus_width * (1 - 0.22 * c * anatomy.ejection_fraction),
        wall_septum=anatomy.wall_septum * thicker,
        wall_lateral=anatomy.wall_lateral * thicker,
        wall_apex=anatomy.wall_apex * (1 + 0.5 * (thicker - 1)),
        la_length=anatomy.la_length * (1 + 0.28 * c),
        la_width=anatomy.la_width * (1 + 0.10 * c),
        rv_width=anatomy.rv_width * (1 - 0.28 * c),
        ra_length=anatomy.ra_length * (1 + 0.2 * c),
        apex_depth=anatomy.apex_depth + 1.0 * c,
        valve_open=valve_opening(phase),
    )


def _half_width(s: np.ndarray, widest: float, fullness: float, base: float) -> np.ndarray:
    """Share of the half width at s = 0 (apex) .. 1 (base): superellipse to the widest place, then a taper to `base`."""
    apical = (1 - np.abs(1 - np.minimum(s / widest, 1)) ** fullness) ** (1 / fullness)
    taper = 1 - (1 - base) * np.clip((s - widest) / (1 - widest), 0, 1) ** 2
    return np.where(s < widest, apical, taper)


def _from_apex(length: float, start: float = 0.0) -> np.ndarray:
    """u (N,) in mm, dense at the apex where the profile is steep."""
    return start + (length - start) * (1 - np.cos(np.linspace(0, np.pi / 2, CONTOUR_POINTS)))


def _bow(a: Anatomy, u: np.ndarray) -> np.ndarray:
    s = np.clip(u / a.lv_length, 0, 1)
    return a.lv_bow * 4 * s * (1 - s)


def _endocardium(a: Anatomy) -> Profile:
    u = _from_apex(a.lv_length)
    s = u / a.lv_length
    half = a.lv_width / 2 * _half_width(s, a.lv_widest, a.lv_fullness, a.annulus_width / a.lv_width)
    second, third = np.sin(2 * np.pi * s), np.sin(3 * np.pi * s) * (1 - s)
    left = half * (1 + a.ripple_left[0] * second + a.ripple_left[1] * third)
    right = half * (1 + a.ripple_right[0] * second + a.ripple_right[1] * third)
    return Profile(u, _bow(a, u) - left, _bow(a, u) + right)


def _epicardium(a: Anatomy, endo: Profile) -> Profile:
    u = _from_apex(a.lv_length, -a.wall_apex)
    s = (u + a.wall_apex) / (a.lv_length + a.wall_apex)
    edges = []
    for wall in (a.wall_septum, a.wall_lateral):
        outer = a.lv_width / 2 + wall
        base = (a.annulus_width / 2 + 0.85 * wall) / outer
        edges.append(outer * _half_width(s, a.lv_widest, a.lv_fullness, base))
    inner_left, inner_right, inside = endo.edges(u)
    left, right = _bow(a, u) - edges[0], _bow(a, u) + edges[1]
    thinnest = 0.35 * min(a.wall_septum, a.wall_lateral)  # the wall is closed everywhere
    left = np.where(inside, np.minimum(left, inner_left - thinnest), left)
    right = np.where(inside, np.maximum(right, inner_right + thinnest), right)
    return Profile(u, left, right)


def _cap(top_half: float, width: float, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Depth below its opening (N,) and half width (N,) of an atrium: an ellipse cut at a width of 2 x top_half mm."""
    half = max(width / 2, 1.02 * top_half)
    lift = np.sqrt(1 - (top_half / half) ** 2)  # how far below the opening the widest place lies
    radius = length / (1 + lift)
    angle = np.linspace(-np.arcsin(lift), np.pi / 2, CONTOUR_POINTS)
    return radius * (lift + np.sin(angle)), half * np.cos(angle)


def _left_atrium(a: Anatomy) -> Profile:
    depth, half = _cap(a.annulus_width / 2, a.la_width, a.la_length)
    middle = np.tan(np.radians(a.la_lean)) * depth
    return Profile(a.lv_length + depth, middle - half, middle + half)


def _right_ventricle(a: Anatomy, epi: Profile) -> Profile:
    start, stop = a.rv_reach * a.lv_length, 0.95 * a.lv_length  # the tricuspid annulus lies apical of the mitral one
    u = _from_apex(stop, start)
    s = (u - start) / (stop - start)
    septum = epi.edges(u)[0]
    return Profile(u, septum - a.rv_width * np.sqrt(1 - (1 - s) ** 2) * (1 - 0.12 * s**4), septum)


def _right_atrium(a: Anatomy, rv: Profile, la: Profile) -> Profile:
    opening = 0.42 * a.rv_width
    depth, half = _cap(opening, a.ra_width, a.ra_length)
    middle = rv.right[-1] - 1.05 * opening - 0.5 + np.tan(np.radians(a.la_lean)) * depth
    u = rv.u[-1] + depth
    limit = np.interp(u, la.u, la.left) - a.atrial_septum
    right = np.minimum(middle + half, limit)
    return Profile(u, np.minimum(middle - half, right - 0.5), right)


def profiles(a: Anatomy) -> dict[str, Profile]:
    """Every chamber and wall as edges in heart coordinates: LV, EPI (LV with its wall), LA, RV, RV_WALL, RA."""
    endo = _endocardium(a)
    epi = _epicardium(a, endo)
    la = _left_atrium(a)
    rv = _right_ventricle(a, epi)
    ra = _right_atrium(a, rv, la)
    rv_wall = Profile(rv.u, rv.left - a.rv_wall, rv.right)
    return {"LV": endo, "EPI": epi, "LA": la, "RV": rv, "RV_WALL": rv_wall, "RA": ra}


def to_image(a: Anatomy, points: np.ndarray) -> np.ndarray:
    """Heart coordinates (..., 2) of (v, u) in mm -> image coordinates (..., 2) of (x, y) in mm."""
    sin, cos = np.sin(np.radians(a.tilt)), np.cos(np.radians(a.tilt))
    v, u = points[..., 0], points[..., 1]
    return np.stack([a.apex_x + u * sin + v * cos, a.apex_depth + u * cos - v * sin], -1)


def to_heart(a: Anatomy, points: np.ndarray) -> np.ndarray:
    """Image coordinates (..., 2) of (x, y) in mm -> heart coordinates (..., 2) of (v, u) in mm."""
    sin, cos = np.sin(np.radians(a.tilt)), np.cos(np.radians(a.tilt))
    x, y = points[..., 0] - a.apex_x, points[..., 1] - a.apex_depth
    return np.stack([x * cos - y * sin, x * sin + y * cos], -1)


def label_contours(a: Anatomy) -> list[tuple[str, np.ndarray]]:
    """Labelled structures in the order in which they are painted, contours (N, 2) of (x, y) in mm."""
    shapes = profiles(a)
    order = [("LA", "LA"), ("MYO", "EPI"), ("LV", "LV")]
    return [(label, to_image(a, shapes[key].polygon())) for label, key in order if label not in a.missing]


def polygon_area(points: np.ndarray) -> float:
    """Area of a closed contour (N, 2), in the square of its unit (shoelace formula)."""
    x, y = points[:, 0], points[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def label_areas(a: Anatomy) -> dict[str, float]:
    """Area in mm2 of LV, MYO and LA from the contours themselves, before anything is clipped by the sector."""
    shapes = profiles(a)
    area = {key: polygon_area(shapes[key].polygon()) for key in ("LV", "EPI", "LA")}
    return {"LV": area["LV"], "MYO": area["EPI"] - area["LV"], "LA": area["LA"]}


def dilated(a: Anatomy, amount: float = 1.0) -> Anatomy:
    """Dilated cardiomyopathy: a wide, round, thin-walled LV that ejects little; amount 0 none .. 1 severe."""
    return replace(
        a,
        lv_width=a.lv_width * (1 + 0.45 * amount),
        lv_length=a.lv_length * (1 + 0.15 * amount),
        annulus_width=a.annulus_width * (1 + 0.3 * amount),
        wall_septum=a.wall_septum * (1 - 0.3 * amount),
        wall_lateral=a.wall_lateral * (1 - 0.3 * amount),
        ejection_fraction=a.ejection_fraction * (1 - 0.6 * amount),
    )


def hypertrophied(a: Anatomy, amount: float = 1.0) -> Anatomy:
    """Hypertrophic cardiomyopathy: a thick wall, most at the septum, a small cavity; amount 0 none .. 1 severe."""
    return replace(
        a,
        wall_septum=a.wall_septum * (1 + 1.1 * amount),
        wall_lateral=a.wall_lateral * (1 + 0.6 * amount),
        wall_apex=a.wall_apex * (1 + 0.5 * amount),
        lv_width=a.lv_width * (1 - 0.25 * amount),
    )


def scaled(a: Anatomy, factor: float) -> Anatomy:
    """The same heart in another size (a child's, a giant's), at the same place of the image."""
    lengths = (
        "lv_length",
        "lv_width",
        "lv_bow",
        "annulus_width",
        "wall_septum",
        "wall_lateral",
        "wall_apex",
        "la_width",
        "la_length",
        "rv_width",
        "rv_wall",
        "ra_width",
        "ra_length",
        "atrial_septum",
        "leaflet_length",
    )
    return replace(a, **{name: getattr(a, name) * factor for name in lengths})


def rotated(a: Anatomy, degrees: float) -> Anatomy:
    """The heart turned in the plane about the middle of its LV; positive moves the base to the right."""
    middle = to_image(a, np.array([0.0, a.lv_length / 2]))
    turned = replace(a, tilt=a.tilt + degrees)
    shift = middle - to_image(turned, np.array([0.0, a.lv_length / 2]))
    return replace(turned, apex_x=float(a.apex_x + shift[0]), apex_depth=float(a.apex_depth + shift[1]))


def without(a: Anatomy, *structures: str) -> Anatomy:
    """The heart without one or several of LV, MYO, LA, RV, RA, VALVE."""
    unknown = set(structures) - {"LV", "MYO", "LA", "RV", "RA", "VALVE"}
    if unknown:
        raise ValueError(f"without: {sorted(unknown)} is none of LV, MYO, LA, RV, RA, VALVE.")
    return replace(a, missing=a.missing | frozenset(structures))
