"""Volumes: the heart in space seen by a matrix probe on a (range x azimuth x elevation) grid, then made Cartesian."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from echodiff.phantom import acoustics
from echodiff.phantom.anatomy import Anatomy
from echodiff.phantom.body import Bodies, Pose, landmarks, plane_to_world, world_to_plane
from echodiff.phantom.machines import REFERENCE_DB, Machine
from echodiff.phantom.patient import Patient, sample_patient
from echodiff.phantom.scene import BLOOD_DB, Appearance
from echodiff.phantom.sector import BLANK_MM

SLICE_MM = 0.5  # pixel of a plane cut out of a volume


@dataclass(frozen=True)
class VolumeCase:
    """An end-diastolic volume: image and labels uint8 (z, y, x), voxel and place of the first one (x, y, z) in mm."""

    image: np.ndarray
    labels: np.ndarray
    voxel_mm: float
    origin_mm: tuple[float, float, float]
    landmarks: dict[str, np.ndarray]
    anatomy: Anatomy
    look: Appearance
    pose: Pose
    sector: np.ndarray  # uint8 (z, y, x), 1 where tissue is shown


def sample_pose(seed: int) -> Pose:
    """How the examiner held the probe: turned by up to 60 degrees, tilted by a few."""
    rng = np.random.default_rng([seed, 5])
    return Pose(turn=float(rng.uniform(-60, 60)), tilt=float(np.clip(rng.normal(0, 4), -9, 9)))


def render_volume(machine: Machine, seed: int, anatomy: Anatomy | None = None, pose: Pose | None = None) -> VolumeCase:
    """The ED volume of one patient; the same seed gives the same volume, byte for byte."""
    patient = sample_patient(machine, seed, anatomy)
    pose = sample_pose(seed) if pose is None else pose
    polar = _polar(machine, patient, pose)
    origin, shape = _frame(machine, patient)
    image, sector = _scan_convert(polar, machine, patient, origin, shape)
    z, y, x = (o + machine.voxel * np.arange(n, dtype=np.float32) for o, n in zip(origin[::-1], shape, strict=True))
    labels = _bodies(patient.anatomy, pose, x[None, None, :], y[None, :, None], z[:, None, None]).labels() * sector
    return VolumeCase(
        image,
        labels,
        machine.voxel,
        origin,
        landmarks(patient.anatomy, pose),
        patient.anatomy,
        patient.look,
        pose,
        sector,
    )


def _bodies(a: Anatomy, pose: Pose, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> Bodies:
    """Bodies at world points given by arrays that broadcast to one shape."""
    to_plane = pose.matrix().T.astype(np.float32)
    px, py, q = (row[0] * x + row[1] * y + row[2] * z for row in to_plane)
    sin, cos = np.float32(np.sin(np.radians(a.tilt))), np.float32(np.cos(np.radians(a.tilt)))
    px, py = px - np.float32(a.apex_x), py - np.float32(a.apex_depth)
    return Bodies(a, px * cos - py * sin, px * sin + py * cos, q)


def _angles(machine: Machine) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth of every line and elevation of every plane, radians, float32."""
    azimuth, elevation = np.radians(machine.half_angle), np.radians(machine.half_elevation)
    return (
        np.linspace(-azimuth, azimuth, machine.lines, dtype=np.float32),
        np.linspace(-elevation, elevation, machine.elevations, dtype=np.float32),
    )


def _polar(machine: Machine, patient: Patient, pose: Pose) -> np.ndarray:
    """Gray float32 (elevations, ranges, lines)."""
    azimuth, elevation = _angles(machine)
    step = patient.sector.depth / machine.ranges
    depth = (np.arange(machine.ranges, dtype=np.float32) + 0.5) * np.float32(step)
    flat = depth[:, None] * np.cos(azimuth)[None, :]  # distance in the elevation's plane
    x = np.broadcast_to(depth[:, None] * np.sin(azimuth)[None, :], (machine.elevations, *flat.shape))
    y = flat[None] * np.cos(elevation)[:, None, None]
    z = flat[None] * np.sin(elevation)[:, None, None]
    rng = np.random.default_rng([patient.seed, 6])
    level = _echogenicity(_bodies(patient.anatomy, pose, x, y, z), patient.look, rng)
    amplitude = cv2.exp(
        (level + _contact(machine, patient.look, x.shape)).reshape(-1, machine.lines) * np.float32(np.log(10) / 20)
    )
    amplitude = amplitude.reshape(x.shape)
    angle_step, plane_step = azimuth[1] - azimuth[0], elevation[1] - elevation[0]
    widths = (machine.axial / step, machine.lateral / angle_step, machine.lateral / plane_step)
    tissue = (
        acoustics.scatterers(rng, (x.shape[0] * x.shape[1], x.shape[2])).reshape(*x.shape, 2) * amplitude[..., None]
    )
    clutter = _clutter(machine, patient, amplitude, depth)
    fresh = acoustics.scatterers(rng, (x.shape[0] * x.shape[1], x.shape[2])).reshape(*x.shape, 2) * clutter[..., None]
    signal = np.stack([acoustics.point_spread(plane, *widths[:2]) for plane in tissue])
    signal = gaussian_filter1d(signal, widths[2], axis=0, mode="reflect") / np.float32(
        np.sqrt(acoustics.blur_power(widths[2]))
    )
    signal += np.stack([acoustics.point_spread(plane, widths[0], 0.5 * widths[1]) for plane in fresh])
    ramp = np.interp(depth, np.linspace(0, depth[-1], len(patient.tgc)), patient.tgc).astype(np.float32)
    gain = np.float32(REFERENCE_DB + patient.gain) + ramp[:, None]
    planes = []
    for plane in signal:
        gray = acoustics.compress(
            acoustics.decibel(acoustics.envelope(plane)) + gain, patient.dynamic_range, machine.gamma
        )
        planes.append(acoustics.blur(gray, machine.smoothing * widths[0], machine.smoothing * widths[1]))
    return np.stack(planes)


def _contact(machine: Machine, look: Appearance, shape: tuple[int, ...]) -> np.ndarray:
    """dB lost at the edges of the sector, both ways, where the probe lies on ribs."""
    across = np.linspace(-1, 1, shape[2], dtype=np.float32)[None, None, :]
    along = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None, None]
    loss = look.attenuation_left * np.clip((-across - 0.45) / 0.55, 0, 1) ** 1.5
    loss = loss + look.attenuation_right * np.clip((across - 0.35) / 0.65, 0, 1) ** 1.5
    return -machine.dropout * (loss + 4.0 * np.clip((np.abs(along) - 0.6) / 0.4, 0, 1))


def _echogenicity(bodies: Bodies, look: Appearance, rng: np.random.Generator) -> np.ndarray:
    """Level in dB relative to healthy myocardium, float32."""
    a, shape = bodies.anatomy, bodies.v.shape
    fine, coarse = _cloud(rng, shape, (14, 40, 16)), _cloud(rng, shape, (5, 7, 5))
    behind = 1 / (1 + np.exp((a.lv_length + 0.75 * a.la_length - bodies.u) / 5))
    level = look.tissue + (look.posterior - look.tissue) * behind + look.clouds * (0.8 * fine + 1.2 * coarse)
    for key, by in (("EPI", 4.0), ("RV_WALL", 3.0), ("LA", 4.5), ("RA", 5.0)):
        level[bodies.inside(key, by)] += np.float32(0.5 * max(look.pericardium - look.tissue, 0))
    muscle = bodies.inside("LA", 2.5) | bodies.inside("RA", 2.0)
    blood = np.zeros(shape, bool)
    for name, wall, cavity in (("RA", None, "RA"), ("LA", None, "LA"), ("RV", "RV_WALL", "RV"), ("LV", "EPI", "LV")):
        if wall and not (name == "LV" and "MYO" in a.missing) and name not in a.missing:
            body = bodies.inside(wall)
            muscle |= body
            blood &= ~body
        if name not in a.missing:
            blood |= bodies.inside(cavity)
    lateral = 1 / (1 + np.exp(-(bodies.v - 0.1 * a.lv_width) / 5))
    wall_level = look.septum + (look.lateral_wall - look.septum) * lateral + look.clouds * (0.6 * fine + 0.55 * coarse)
    level = np.where(muscle & ~blood, wall_level, np.where(blood, BLOOD_DB, level))
    if "VALVE" not in a.missing:
        level[bodies.valve()] = look.valve
    return level.astype(np.float32)


def _cloud(rng: np.random.Generator, shape: tuple[int, ...], cells: tuple[int, int, int]) -> np.ndarray:
    """Smooth random field of a volume, about `cells` along each axis, standard deviation about 1."""
    coarse = rng.standard_normal(tuple(c + 3 for c in cells)).astype(np.float32)
    planes = np.stack([cv2.resize(plane, shape[:0:-1], interpolation=cv2.INTER_CUBIC) for plane in coarse])
    return np.float32(1.4) * _along_first(planes, shape[0])


def _along_first(planes: np.ndarray, count: int) -> np.ndarray:
    """Linear resampling of the first axis to `count`."""
    place = np.linspace(0, len(planes) - 1, count)
    low = np.minimum(place.astype(int), len(planes) - 2)
    share = (place - low).astype(np.float32)[:, None, None]
    return planes[low] * (1 - share) + planes[low + 1] * share


def _clutter(machine: Machine, patient: Patient, amplitude: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Amplitude of the veil over everything, as in the plane's renderer."""
    look = patient.look
    veil = machine.noise + look.noise * machine.noise_sd / 2.5 + machine.noise_slope * (depth - 100)
    veil = veil + (4.0 + 0.8 * look.near) * np.exp(-depth / 25.0)
    near = machine.near - 6 + look.near - 8.69 * depth / machine.near_reach
    power = (10 ** (veil / 10) + 10 ** (near / 10)).astype(np.float32)[None, :, None]
    around = np.stack([acoustics.blur(plane, 12, 4) for plane in amplitude**2])
    return np.sqrt(around * np.float32(10 ** ((machine.haze + look.haze) / 10)) + power)


def _frame(machine: Machine, patient: Patient) -> tuple[tuple[float, float, float], tuple[int, int, int]]:
    """World position (x, y, z) of the first voxel in mm and shape (z, y, x) of the volume that holds the sector."""
    depth = patient.sector.depth
    halves = [depth * np.sin(np.radians(angle)) for angle in (machine.half_angle, machine.half_elevation)]
    across, along = (int(np.ceil(2 * half / machine.voxel)) for half in halves)
    down = int(np.ceil(depth / machine.voxel))
    origin = tuple(-(n - 1) / 2 * machine.voxel for n in (across, along))
    return (origin[0], 0.5 * machine.voxel, origin[1]), (along, down, across)


def _scan_convert(
    polar: np.ndarray,
    machine: Machine,
    patient: Patient,
    origin: tuple[float, float, float],
    shape: tuple[int, int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Polar gray (elevations, ranges, lines) -> volume and sector, uint8 (z, y, x).

    Done as two interpolations in planes, which is exact geometry because elevation turns about the x axis: first every
    elevation's plane to (distance from that axis, x), then every x to (z, y).
    """
    azimuth, elevation = _angles(machine)
    depth, voxel = patient.sector.depth, machine.voxel
    step = depth / machine.ranges
    x = (origin[0] + voxel * np.arange(shape[2], dtype=np.float32))[None, :]
    distance = ((np.arange(shape[1], dtype=np.float32) + 0.5) * voxel)[:, None]
    radius, angle = np.hypot(distance, x), np.arctan2(x, distance)
    line = (angle + azimuth[-1]) / (azimuth[1] - azimuth[0])
    fans = np.stack(
        [
            cv2.remap(
                plane,
                line,
                radius / np.float32(step) - np.float32(0.5),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            for plane in polar
        ]
    )  # (elevations, distance, x)
    shown = ((radius <= depth) & (radius >= BLANK_MM) & (np.abs(angle) <= azimuth[-1])).astype(np.float32)
    y = ((np.arange(shape[1], dtype=np.float32) + 0.5) * voxel)[None, :]
    z = (origin[2] + voxel * np.arange(shape[0], dtype=np.float32))[:, None]
    row = np.hypot(y, z) / np.float32(voxel) - np.float32(0.5)
    turned = np.arctan2(z, y)
    plane = (turned + elevation[-1]) / (elevation[1] - elevation[0])
    within = np.abs(turned) <= elevation[-1]
    volume, sector = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    for i in range(shape[2]):
        fan = np.ascontiguousarray(fans[:, :, i])
        column = cv2.remap(fan, row, plane, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        reach = cv2.remap(shown[:, i][None, :], row, np.zeros_like(row), cv2.INTER_NEAREST, borderValue=0)
        sector[:, :, i] = within & (reach > 0)
        volume[:, :, i] = np.clip(np.rint(column), 0, 255) * sector[:, :, i]
    return volume, sector


def plane_of(case: VolumeCase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The volume's true 4CH plane at SLICE_MM: image, labels, sector, uint8 (H, W), cropped to the sector."""
    corners = world_to_plane(case.pose, _corners(case))
    x = np.arange(corners[:, 0].min(), corners[:, 0].max(), SLICE_MM)
    y = np.arange(max(corners[:, 1].min(), 0), corners[:, 1].max(), SLICE_MM)
    points = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 0.0), -1)
    index = (plane_to_world(case.pose, points) - case.origin_mm) / case.voxel_mm
    index = np.moveaxis(index, -1, 0)[::-1]  # (z, y, x)
    image = map_coordinates(case.image, index, order=1, cval=0)
    labels, sector = (map_coordinates(part, index, order=0, cval=0) for part in (case.labels, case.sector))
    rows, columns = np.flatnonzero(sector.any(1)), np.flatnonzero(sector.any(0))
    crop = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return image[crop] * sector[crop], labels[crop], sector[crop]


def _corners(case: VolumeCase) -> np.ndarray:
    """World positions (8, 3) of the volume's corners."""
    size = (np.array(case.image.shape[::-1]) - 1) * case.voxel_mm
    steps = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), -1).reshape(-1, 3)
    return np.array(case.origin_mm) + steps * size
