"""The screen round the tissue sector: name and number of the patient, colour bar, depth ticks, ECG trace."""

from dataclasses import dataclass

import cv2
import numpy as np

from echodiff.phantom.cine import Timing
from echodiff.phantom.identity import Identity

GREEN, YELLOW, WHITE, GRAY = (70, 230, 90), (240, 220, 60), (235, 235, 235), (150, 150, 150)  # RGB
# The ECG over one beat as bumps: phase, height, width. The R wave (phase 0) is the highest and marks end-diastole.
_WAVES = ((-0.17, 0.14, 0.022), (-0.032, -0.12, 0.008), (0.0, 1.0, 0.010), (0.032, -0.22, 0.009), (0.30, 0.28, 0.045))


@dataclass(frozen=True)
class Layout:
    """Where things lie on a machine's screen, in pixels."""

    height: int
    width: int
    top: int  # first row of the sector
    ecg_top: int  # rows of the ECG strip
    ecg_bottom: int
    text: float  # height of the font, in OpenCV's scale
    line: int  # thickness of the trace

    def corner(self, shape: tuple[int, int]) -> tuple[int, int]:
        """Row and column of the sector frame's first pixel: it is centred."""
        return self.top, (self.width - shape[1]) // 2


LAYOUTS = {
    "vscan": Layout(240, 416, 2, 211, 238, 0.30, 1),
    "vscan_air": Layout(1024, 2040, 18, 935, 1012, 0.9, 3),
    "2d_t": Layout(708, 1016, 8, 640, 702, 0.45, 1),
    "epiq": Layout(600, 800, 10, 515, 590, 0.4, 1),
}


def ecg(phase: np.ndarray) -> np.ndarray:
    """Voltage of an ECG over the phase, 1 at the R wave."""
    phase = np.asarray(phase) % 1.0
    wave = np.zeros_like(phase)
    for centre, height, width in _WAVES:
        distance = (phase - centre + 0.5) % 1.0 - 0.5
        wave += height * np.exp(-0.5 * (distance / width) ** 2)
    return wave


class Screen:
    """Composes frames uint8 (height, width, 3) RGB: everything but the tissue is drawn once."""

    def __init__(
        self, layout: Layout, sector: np.ndarray, timing: Timing, person: Identity, title: str, pixel_mm: float
    ):
        self.layout, self._timing = layout, timing
        self.row, self.column = layout.corner(sector.shape)
        self._background = np.zeros((layout.height, layout.width, 3), np.uint8)
        self._draw_text(person, title)
        self._draw_bar_and_ticks(sector, pixel_mm)
        self._trace_columns = (round(0.02 * layout.width), round(0.98 * layout.width) - 1)
        self._draw_trace()
        # What is drawn never covers tissue: inside the sector the background stays black.
        self._place(self._background, np.zeros_like(sector), sector)
        self._sector = sector

    def _place(self, canvas: np.ndarray, image: np.ndarray, sector: np.ndarray) -> None:
        rows, columns = sector.shape
        part = canvas[self.row : self.row + rows, self.column : self.column + columns]
        cv2.copyTo(cv2.merge((image, image, image)), (sector > 0).astype(np.uint8), part)

    def _draw_text(self, person: Identity, title: str) -> None:
        size, step = self.layout.text, round(38 * self.layout.text)
        date = f"{person.study_date[6:]}/{person.study_date[4:6]}/{person.study_date[:4]}"
        lines = (f"{person.family.upper()}, {person.given}", person.patient_id, f"{person.birth_date} {person.sex}")
        for i, text in enumerate(lines):
            self._write(text, (3, step * (i + 1)), size, WHITE)
        right = (
            title,
            date,
            f"HR {self._timing.heart_rate:.0f}",
            f"FR {1000 / self._timing.frame_time:.0f}Hz  MI 1.1",
            person.hospital,
        )
        for i, text in enumerate(right):
            (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
            room = self.layout.width - width - round(0.05 * self.layout.width)
            self._write(text, (room, step * (i + 1)), size, GRAY if i else YELLOW)

    def _write(self, text: str, place: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
        cv2.putText(self._background, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)

    def _draw_bar_and_ticks(self, sector: np.ndarray, pixel_mm: float) -> None:
        layout = self.layout
        height, width = round(0.3 * layout.height), max(4, layout.width // 120)
        top, left = round(0.4 * layout.height), layout.width - 3 * width
        self._background[top : top + height, left : left + width] = np.linspace(255, 0, height)[:, None, None]
        column = self.column + sector.shape[1] + max(4, layout.width // 100)
        for centimetre in range(0, int(sector.shape[0] * pixel_mm / 10) + 1):
            row = self.row + round(10 * centimetre / pixel_mm)
            long = layout.width // (60 if centimetre % 5 == 0 else 120)
            if column + long < left:
                cv2.line(self._background, (column, row), (column + long, row), GRAY, 1)

    def trace_column(self, frame: float) -> float:
        """Column of the ECG strip at which a frame's moment lies."""
        first, last = self._trace_columns
        return first + (last - first) * frame / max(self._timing.frames - 1, 1)

    def _trace_row(self, phase: np.ndarray) -> np.ndarray:
        low, high = (
            self.layout.ecg_bottom - 0.28 * (self.layout.ecg_bottom - self.layout.ecg_top),
            self.layout.ecg_top + 2,
        )
        return low - (low - high) * ecg(phase)

    def _draw_trace(self) -> None:
        first, last = self._trace_columns
        columns = np.arange(first, last, 0.25)
        frame = (columns - first) / (last - first) * (self._timing.frames - 1)
        rows = self._trace_row((frame - self._timing.ed_frame) / self._timing.beat)
        points = np.round(np.stack([columns, rows], 1) * 16).astype(np.int32)
        cv2.polylines(self._background, [points], False, GREEN, self.layout.line, cv2.LINE_AA, 4)

    def compose(self, image: np.ndarray, frame: int) -> np.ndarray:
        """The whole screen at a frame: tissue image uint8 (H, W) in its place, a cursor under the trace."""
        canvas = self._background.copy()
        self._place(canvas, image, self._sector)
        column = round(self.trace_column(frame))
        tick = max(2, (self.layout.ecg_bottom - self.layout.ecg_top) // 7)
        cv2.line(
            canvas, (column, self.layout.ecg_bottom - tick), (column, self.layout.ecg_bottom), YELLOW, self.layout.line
        )
        return canvas

    def embed(self, plane: np.ndarray) -> np.ndarray:
        """A label map or sector (H, W) in the place that it has on the screen, uint8 (height, width)."""
        canvas = np.zeros((self.layout.height, self.layout.width), np.uint8)
        canvas[self.row : self.row + plane.shape[0], self.column : self.column + plane.shape[1]] = plane
        return canvas
