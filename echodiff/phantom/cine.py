"""A cine of one patient: which frame is end-diastole, when each frame was taken, and the frames themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from echodiff.phantom.cycle import END_SYSTOLE, phases
from echodiff.phantom.machines import Machine
from echodiff.phantom.patient import sample_patient
from echodiff.phantom.render import Renderer

LONGEST_BEAT = 40  # frames; a longer cine has more than one heartbeat


@dataclass(frozen=True)
class Timing:
    """When things happen in a cine; frames count from 0, times in ms from the first frame."""

    frames: int
    beat: int  # frames a heartbeat
    ed_frame: int
    heart_rate: float  # beats a minute

    @property
    def frame_time(self) -> float:
        """ms between two frames."""
        return 60_000 / self.heart_rate / self.beat

    @property
    def ed_frames(self) -> tuple[int, ...]:
        """Every end-diastolic frame of the cine."""
        return tuple(range(self.ed_frame % self.beat, self.frames, self.beat))

    @property
    def es_frame(self) -> int:
        """The end-systolic frame of the same beat, or of the one before where the cine ends too early."""
        frame = self.ed_frame + round(END_SYSTOLE * self.beat)
        return frame if frame < self.frames else frame - self.beat

    @property
    def phases(self) -> np.ndarray:
        """Phase (frames,) of every frame, 0 at end-diastole."""
        return phases(self.frames, self.ed_frame, self.beat)


def sample_timing(seed: int, frames: int) -> Timing:
    """Timing of a seed's cine: one heartbeat unless it is long; never end-diastole at the first or the last frame."""
    rng = np.random.default_rng([seed, 4])
    beat = min(frames, LONGEST_BEAT)
    first, last = max(1, round(0.1 * beat)), max(2, round(0.75 * beat))
    ed_frame = int(rng.integers(first, last))
    return Timing(frames, beat, min(ed_frame, frames - 2), float(np.round(rng.uniform(56, 88))))


class Cine:
    """The frames and label maps of one patient on one machine."""

    def __init__(self, machine: Machine, seed: int, frames: int):
        self.patient = sample_patient(machine, seed)
        self.timing = sample_timing(seed, frames)
        self._renderer = Renderer(machine, self.patient)

    @property
    def sector(self) -> np.ndarray:
        """uint8 (H, W), 1 where tissue is shown."""
        return self._renderer.sector_mask

    @property
    def pixel_mm(self) -> float:
        """Size of a pixel, the same both ways."""
        return self.patient.sector.pixel

    @property
    def columns_cut(self) -> int:
        """Columns of the sector that the screen does not show, on either side."""
        return self._renderer.columns_cut

    def images(self) -> Iterator[np.ndarray]:
        """Frames uint8 (H, W) in order; the first one finds the screen as the frame before it left it."""
        moments = self.timing.phases
        if self._renderer.machine.persistence:
            self._renderer.frame(float(moments[0] - 1 / self.timing.beat), 0)
        for index, phase in enumerate(moments):
            yield self._renderer.frame(float(phase), index + 1)

    def labels(self, frame: int) -> np.ndarray:
        """Label map uint8 (H, W) of a frame."""
        return self._renderer.labels(float(self.timing.phases[frame]))

    def anatomy(self, frame: int):
        """The heart at a frame."""
        return self._renderer.anatomy(float(self.timing.phases[frame]))
