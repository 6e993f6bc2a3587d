"""EchoNet-Dynamic: Videos/*.avi of 112 x 112, FileList.csv, and VolumeTracings.csv with the LV at ED and ES."""

import numpy as np
from scipy.integrate import trapezoid

from echodiff.phantom.anatomy import Anatomy, profiles, to_image
from echodiff.phantom.cine import Cine
from echodiff.phantom.truth import areas, truth_row
from echodiff.phantom.writers import Job, Written
from echodiff.phantom.writers.png import write_png
from echodiff.phantom.writers.video import write_video

SIZE = 112
CHORDS = 20
FILE_LIST = ("FileName", "EF", "ESV", "EDV", "FrameHeight", "FrameWidth", "FPS", "NumberOfFrames", "Split")
TRACINGS = ("FileName", "X1", "Y1", "X2", "Y2", "Frame")


def write_patient(job: Job) -> Written:
    """One video with its two tracings; the whole label map of the ED frame lies in truth/, which the archive lacks."""
    cine = Cine(job.machine, job.seed, job.frames)
    rows, columns = cine.sector.shape
    top, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    name = f"0X{np.random.default_rng([job.seed, 8]).integers(16**15, 16**16 - 1, dtype=np.uint64):X}"
    timing, pixel = cine.timing, cine.pixel_mm
    frames = (_embed(image, top, left) for image in cine.images())
    write_video(job.folder / "Videos" / f"{name}.avi", frames, (SIZE, SIZE), timing.frame_time, job.machine.jpeg)
    labels = _embed(cine.labels(timing.ed_frame), top, left)
    write_png(job.folder / "truth" / f"{name}_gt.png", labels)

    def place(points: np.ndarray) -> np.ndarray:
        columns_rows = cine.patient.sector.to_pixels(points)
        return columns_rows + [left - cine.columns_cut, top]

    volumes = [_volume_ml(cine.anatomy(frame)) for frame in (timing.ed_frame, timing.es_frame)]
    ejection = 100 * (1 - volumes[1] / volumes[0])
    traced = sorted((timing.ed_frame, timing.es_frame))
    tracings = [row for frame in traced for row in _tracing(f"{name}.avi", cine.anatomy(frame), frame, place)]
    split = ("TRAIN", "TRAIN", "TRAIN", "VAL", "TEST")[job.number % 5]
    listing = [
        name,
        f"{ejection:.6f}",
        f"{volumes[1]:.6f}",
        f"{volumes[0]:.6f}",
        SIZE,
        SIZE,
        round(1000 / timing.frame_time),
        timing.frames,
        split,
    ]
    return Written(
        truth_row(
            case=name,
            patient=name,
            machine=job.machine.name,
            seed=job.seed,
            file=f"Videos/{name}.avi",
            label_file=f"truth/{name}_gt.png",
            frames=timing.frames,
            ed_frame=timing.ed_frame,
            ed_frames=timing.ed_frames,
            es_frame=timing.es_frame,
            frame_time_ms=timing.frame_time,
            height=SIZE,
            width=SIZE,
            spacing_row_mm=pixel,
            spacing_column_mm=pixel,
            sector_row=top,
            sector_column=left,
            ef=ejection,
            **areas(labels, (pixel, pixel), cine.anatomy(timing.ed_frame)),
        ),
        {"FileList.csv": [listing], "VolumeTracings.csv": tracings},
    )


def _embed(plane: np.ndarray, top: int, left: int) -> np.ndarray:
    """A frame of the sector in the middle of the archive's square, uint8 (112, 112)."""
    canvas = np.zeros((SIZE, SIZE), np.uint8)
    canvas[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
    return canvas


def _tracing(file_name: str, heart: Anatomy, frame: int, place) -> list[list]:
    """Rows of a frame: the long axis (apex to mitral valve), then chords across it from apex to mitral valve."""
    lv = profiles(heart)["LV"]
    levels = heart.lv_length * np.linspace(0.01, 1.0, CHORDS)
    left, right, _ = lv.edges(levels)
    ends = [np.array([[0.0, 0.0], [0.0, heart.lv_length]])]
    ends += [np.array([[a, u], [b, u]]) for a, b, u in zip(left, right, levels, strict=True)]
    return [[file_name, *(f"{value:.6f}" for value in place(to_image(heart, pair)).ravel()), frame] for pair in ends]


def _volume_ml(heart: Anatomy) -> float:
    """Volume of the LV by discs, the round ones of the phantom, in ml."""
    lv = profiles(heart)["LV"]
    return float(trapezoid(np.pi / 4 * heart.roundness * (lv.right - lv.left) ** 2, lv.u) / 1000)
