"""From a machine and a patient's seed to frames as the machine shows them, with label maps in the same pixels."""

from dataclasses import dataclass

import cv2
import numpy as np

from echodiff.labels import STRUCTURES
from echodiff.phantom import acoustics
from echodiff.phantom.anatomy import Anatomy, at_phase, label_contours
from echodiff.phantom.machines import REFERENCE_DB, Machine
from echodiff.phantom.patient import Patient, sample_patient
from echodiff.phantom.scene import COARSE, Texture, echogenicity, material_places
from echodiff.phantom.sector import PolarGrid, cover, scan_convert, scan_maps
from echodiff.phantom.volume import SLICE_MM, plane_of, render_volume

FRAME_STEP = 0.07  # phase between two frames where a still has to know its predecessor


@dataclass(frozen=True)
class Case:
    """A frame of the tissue sector: image, labels and sector (0/1) uint8 (H, W), pixel (row, column) in mm."""

    image: np.ndarray
    labels: np.ndarray
    sector: np.ndarray
    spacing_mm: tuple[float, float]
    anatomy: Anatomy


class Renderer:
    """Frames of one patient on one machine; speckle moves with the tissue, blood and noise change in every frame."""

    def __init__(self, machine: Machine, patient: Patient):
        self.machine, self.patient = machine, patient
        self.grid = PolarGrid(patient.sector, machine.ranges, machine.lines)
        rng = np.random.default_rng([patient.seed, 2])
        self._tissue = acoustics.scatterers(rng, self.grid.shape)
        self._texture = Texture(self.grid, patient.look)
        self._near = self._reverberation(rng)
        self._line_gain = machine.line_jitter * rng.standard_normal(machine.lines).astype(np.float32)
        self._screen: np.ndarray | None = None  # what persistence keeps
        columns = patient.sector.shape[1]
        self.columns_cut = round(columns * (1 - machine.columns_kept) / 2)  # on either side
        self._columns = slice(self.columns_cut, columns - self.columns_cut)

    @property
    def sector_mask(self) -> np.ndarray:
        """uint8 (H, W), 1 where tissue is shown."""
        return np.ascontiguousarray(scan_maps(self.grid)[2][:, self._columns])

    def anatomy(self, phase: float) -> Anatomy:
        return at_phase(self.patient.anatomy, phase)

    def labels(self, phase: float) -> np.ndarray:
        """Label map uint8 (H, W) at a phase, clipped by the sector."""
        sector = self.patient.sector
        canvas = np.zeros(sector.shape, np.uint8)
        for name, contour in label_contours(self.anatomy(phase)):
            cover(canvas, sector.to_pixels(contour), STRUCTURES[name])
        return canvas[:, self._columns] * self.sector_mask

    def frame(self, phase: float, index: int) -> np.ndarray:
        """Image uint8 (H, W) at a phase; `index` seeds what changes from frame to frame."""
        gray = scan_convert(self._polar(phase, index), self.grid)
        if self._screen is not None and self.machine.persistence > 0:
            gray = (1 - self.machine.persistence) * gray + self.machine.persistence * self._screen
        self._screen = gray
        kept = gray[:, self._columns] * self.sector_mask
        return np.clip(np.rint(kept), 0, 255).astype(np.uint8)

    def _polar(self, phase: float, index: int) -> np.ndarray:
        machine, patient, grid = self.machine, self.patient, self.grid
        now = self.anatomy(phase)
        tissue, texture = self._tissue, self._texture
        if phase % 1.0:
            places = material_places(grid, now, patient.anatomy)
            lines, ranges = places[..., 0], places[..., 1]
            tissue = cv2.remap(tissue, lines, ranges, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
            texture = texture.moved(places)
        level = echogenicity(grid, now, patient.look, texture)
        attenuation = self._attenuation()
        amplitude = cv2.exp((level + attenuation) * np.float32(np.log(10) / 20))
        amplitude = acoustics.blur(amplitude, 0.5 / grid.range_step, 0.008 / grid.angle_step)
        axial, lateral = machine.axial / grid.range_step, machine.lateral / grid.angle_step
        rng = np.random.default_rng([patient.seed, 3, index])
        fresh = acoustics.scatterers(rng, grid.shape)
        signal = acoustics.point_spread(tissue * amplitude[..., None], axial, lateral)
        signal += acoustics.point_spread(fresh, axial, 0.5 * lateral) * self._clutter(amplitude, attenuation)[..., None]
        signal += self._near
        shown = acoustics.decibel(acoustics.envelope(signal)) + self._gain()
        gray = acoustics.compress(shown, patient.dynamic_range, machine.gamma)
        if machine.smoothing:
            gray = acoustics.blur(gray, machine.smoothing * axial, machine.smoothing * lateral)
        if machine.edge:
            wide = machine.edge_mm / (0.6 * grid.sector.depth * grid.angle_step)
            gray = gray + machine.edge * (gray - acoustics.blur(gray, machine.edge_mm / grid.range_step, wide))
            gray = np.clip(gray, 0, 255)
        return gray

    def _reverberation(self, rng: np.random.Generator) -> np.ndarray:
        """Standing echoes of the probe's face, complex (ranges, lines, 2): bands across the beam that fade."""
        machine, grid = self.machine, self.grid
        depth = (np.arange(grid.ranges, dtype=np.float32) + 0.5) * grid.range_step
        rows = int(min(grid.ranges, np.ceil(6 * machine.near_reach / grid.range_step)))
        fall = (
            machine.near
            + self.patient.look.near
            - 8.69 * np.maximum(depth[:rows] - machine.near_reach, 0) / machine.near_reach
        )
        field = np.zeros((*grid.shape, 2), np.float32)
        for part in range(2):
            field[:rows, :, part] = acoustics.smooth_field(rng, (rows, grid.lines), (6 * machine.near_reach / 1.3, 3))
        field[:rows] *= (np.sqrt(0.5) * 10 ** (fall / 20))[:, None, None]
        return field

    def _attenuation(self) -> np.ndarray:
        """dB (ranges, lines) that shadows and poor contact take from the echoes (not from the noise)."""
        look, strength = self.patient.look, self.machine.dropout
        across = np.linspace(-1, 1, self.grid.lines, dtype=np.float32)
        loss = look.attenuation_left * np.clip((-across - 0.45) / 0.55, 0, 1) ** 1.5
        loss = loss + look.attenuation_right * np.clip((across - 0.35) / 0.65, 0, 1) ** 1.5
        for angle, width, depth in look.shadows:
            loss = loss + depth * np.exp(-(((across - angle) / width) ** 2))
        start = 1 / (1 + np.exp(-(np.linspace(0, 1, self.grid.ranges, dtype=np.float32) - 0.12) / 0.04))
        return (-strength * start[:, None] * loss[None, :]).astype(np.float32)

    def _clutter(self, amplitude: np.ndarray, attenuation: np.ndarray) -> np.ndarray:
        """Amplitude (ranges, lines) of noise, side lobe haze and near-field reverberation together."""
        machine, look, grid = self.machine, self.patient.look, self.grid
        depth = (np.arange(grid.ranges, dtype=np.float32) + 0.5)[:, None] * grid.range_step
        offset = look.noise * machine.noise_sd / 2.5
        noise = machine.noise - 7.0 + offset + 0.04 * (depth - 100)
        veil = machine.noise + offset + machine.noise_slope * (depth - 100) + self._texture.clutter + 0.5 * attenuation
        veil = veil + (4.0 + 0.8 * look.near) * np.exp(-depth / 25.0)
        small = cv2.resize(amplitude**2, (grid.lines // COARSE, grid.ranges // COARSE), interpolation=cv2.INTER_AREA)
        spread = acoustics.blur(small, 8.0 / (COARSE * grid.range_step), 0.16 / (COARSE * grid.angle_step))
        around = cv2.resize(spread, grid.shape[::-1], interpolation=cv2.INTER_LINEAR)
        power = sum(10 ** (part / 10) for part in (noise, veil))
        return np.sqrt(around * np.float32(10 ** ((machine.haze + look.haze) / 10)) + power.astype(np.float32))

    def _gain(self) -> np.ndarray:
        """dB (ranges, lines) of overall gain, depth ramps and line to line differences."""
        steps = np.linspace(0, 1, self.grid.ranges)
        ramp = np.interp(steps, np.linspace(0, 1, len(self.patient.tgc)), self.patient.tgc).astype(np.float32)
        return REFERENCE_DB + np.float32(self.patient.gain) + ramp[:, None] + self._line_gain[None, :]


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The image after lossy compression; unchanged for quality 0."""
    if not quality:
        return image
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def render_case(machine: Machine, patient_seed: int, phase: float = 0.0, anatomy: Anatomy | None = None) -> Case:
    """One frame of one patient on one machine, at a phase of the cycle (0 = end-diastole), cropped to the sector.

    A machine for volumes gives the true 4CH plane of its end-diastolic volume, whatever the phase. The same seed gives
    the same frame, byte for byte. `anatomy` replaces the seed's own heart (at end-diastole).
    """
    if machine.elevations:
        volume = render_volume(machine, patient_seed, anatomy)
        return Case(*plane_of(volume), (SLICE_MM, SLICE_MM), volume.anatomy)
    patient = sample_patient(machine, patient_seed, anatomy)
    renderer = Renderer(machine, patient)
    if machine.persistence:
        renderer.frame(phase - FRAME_STEP, 0)
    image = renderer.frame(phase, 1)
    sector = renderer.sector_mask
    return Case(
        image=jpeg(image, machine.jpeg) * sector,
        labels=renderer.labels(phase),
        sector=sector,
        spacing_mm=(patient.sector.pixel, patient.sector.pixel),
        anatomy=renderer.anatomy(phase),
    )
