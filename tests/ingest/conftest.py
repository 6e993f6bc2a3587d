"""Small datasets as archives give them, with known content."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import SimpleITK as sitk

HALF_ANGLE = np.radians(37)


def fan(height: int, width: int) -> np.ndarray:
    """A tissue sector (H, W), its tip in the middle of the first row."""
    rows, columns = np.indices((height, width))
    x, y = columns - (width - 1) / 2, rows + 0.5
    return (np.abs(np.arctan2(x, y)) <= HALF_ANGLE) & (np.hypot(x, y) <= height)


def heart(height: int, width: int, scale: float = 1.0, base: float = 0.6) -> np.ndarray:
    """Labels (H, W): an LV half ellipse in its wall, an atrium below; `base` is the height of the annulus."""
    rows, columns = np.indices((height, width), float)
    x, y = (columns - 0.52 * width) / (0.1 * scale * width), (rows - base * height) / (0.32 * scale * height)
    below = (rows - base * height) / (0.2 * height)
    labels = np.zeros((height, width), np.uint8)
    labels[(x / 1.1) ** 2 + below**2 < 1] = 3
    labels[((x / 1.5) ** 2 + (y / 1.2) ** 2 < 1) & (y < 0)] = 2
    labels[(y >= 0) & (labels != 3)] = 0
    labels[(x**2 + y**2 < 1) & (y < 0)] = 1
    return labels


def picture(labels: np.ndarray, sector: np.ndarray, seed: int = 0) -> np.ndarray:
    """Speckle, dark in blood, 0 outside the sector."""
    rng = np.random.default_rng(seed)
    mean = np.choose(labels, [90, 40, 150, 45])
    return np.where(sector, np.clip(rng.rayleigh(0.8, labels.shape) * mean + 4, 1, 255), 0).astype(np.uint8)


@dataclass(frozen=True)
class Plane:
    image: np.ndarray
    labels: np.ndarray
    sector: np.ndarray


def plane(height: int = 180, width: int = 220, seed: int = 0, scale: float = 1.0) -> Plane:
    sector = fan(height, width)
    labels = heart(height, width, scale) * sector
    return Plane(picture(labels, sector, seed), labels.astype(np.uint8), sector)


def write_itk(array: np.ndarray, path: Path, spacing: tuple[float, ...]) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=path.suffix == ".gz")


def write_camus_patient(folder: Path, number: int, content: Plane | None = None, info: str = "") -> Plane:
    """A patient of the new release, 0.308 mm."""
    name = f"patient{number:04d}"
    content = content or plane(seed=number)
    (folder / name).mkdir(parents=True)
    write_itk(content.image.astype(np.float32), folder / name / f"{name}_4CH_ED.nii.gz", (0.308, 0.308))
    write_itk(content.labels.astype(np.float32), folder / name / f"{name}_4CH_ED_gt.nii.gz", (0.308, 0.308))
    if info:
        (folder / name / "Info_4CH.cfg").write_text(info)
    return content


@pytest.fixture
def camus_folder(tmp_path) -> Path:
    """Three patients; the third has no label map."""
    folder = tmp_path / "camus"
    for number in (1, 2, 3):
        write_camus_patient(
            folder, number, info="ED: 1\nES: 12\nNbFrame: 20\nSex: F\nAge: 61\nImageQuality: Good\nEF: 55.5\n"
        )
    (folder / "patient0003" / "patient0003_4CH_ED_gt.nii.gz").unlink()
    return folder


def chords(labels: np.ndarray, count: int = 20) -> np.ndarray:
    """Rows (count + 1, 4) as VolumeTracings.csv has them, of the LV of a label map."""
    rows = np.flatnonzero((labels == 1).any(1))
    chosen = np.linspace(rows[0] + 0.5, rows[-1], count)
    ends = [np.flatnonzero(labels[int(row)] == 1)[[0, -1]] for row in chosen]
    axis = [np.mean(ends[0]), rows[0], np.mean(ends[-1]), rows[-1]]
    return np.array([axis] + [[left, row, right, row] for row, (left, right) in zip(chosen, ends, strict=True)])


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 50, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()


ED, ES, FRAMES = 7, 3, 10


def echonet_planes(seed: int, size: int = 112) -> list[Plane]:
    """A short cine whose ventricle is largest at `ED`, smallest at `ES`, half a beat apart."""
    scale = 0.85 + 0.15 * np.cos(np.pi * (np.arange(FRAMES) - ED) / (ED - ES))
    return [plane(size, size, seed=100 * seed + frame, scale=s) for frame, s in enumerate(scale)]


def write_echonet(folder: Path, videos: int = 3, *, suffix: str = "", chord_count: int = 20) -> Path:
    """Videos 0XA, 0XB ...; the last has no tracing. FileName in FileList.csv ends in `suffix`."""
    files, tracings = [], []
    for number in range(videos):
        name = f"0X{chr(65 + number)}"
        cine = echonet_planes(number)
        write_video(folder / "Videos" / f"{name}.avi", [moment.image for moment in cine])
        files.append(f"{name}{suffix},55.1,40,90,112,112,50,{FRAMES},TRAIN")
        if number == videos - 1:
            continue
        for frame in (ES, ED):
            for row in chords(cine[frame].labels, chord_count):
                tracings.append(f"{name}.avi," + ",".join(f"{value:.2f}" for value in row) + f",{frame}")
    head = "FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split\n"
    (folder / "FileList.csv").write_text(head + "\n".join(files) + "\n")
    (folder / "VolumeTracings.csv").write_text("FileName,X1,Y1,X2,Y2,Frame\n" + "\n".join(tracings) + "\n")
    return folder
