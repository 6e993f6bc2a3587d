"""Which format a folder has, told from names and first bytes, and the options that its files suggest."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from echodiff.config.datasets import DicomDataset, VolumeDataset
from echodiff.ingest.check.archive_names import echonet_options
from echodiff.ingest.check.labels import label_options
from echodiff.ingest.labels_beside import LabelFiles
from echodiff.ingest.readers.camus import PATIENT
from echodiff.ingest.readers.dicom_file import is_dicom
from echodiff.ingest.readers.dicom_header import is_volume
from echodiff.ingest.readers.itk import is_itk
from echodiff.ingest.walk import files_below, is_lost

LABEL_NAMES = {  # patterns that need no option
    "dicom": DicomDataset.model_fields["label_pattern"].default,
    "volume": VolumeDataset.model_fields["label_pattern"].default,
}
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif")
VIDEOS = (".avi", ".mp4", ".mov", ".mkv", ".wmv")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
TABLES = ("FileList.csv", "VolumeTracings.csv")


@dataclass(frozen=True)
class Guess:
    """A format that the folder may have."""

    format: str
    evidence: str
    """What speaks for it, to be read by a person."""
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the dataset entry besides format and folder."""
    remarks: tuple[str, ...] = ()
    """What the user has to see to."""


def guesses(folder: Path) -> Iterator[Guess]:
    """The formats that the folder may have, the likeliest first."""
    patients = [path for path in folder.glob("*") if path.is_dir() and PATIENT.match(path.name)]
    for inner in ("database_nifti", "training"):
        patients = patients or [path for path in folder.glob(f"{inner}/*") if PATIENT.match(path.name)]
    if patients:
        yield Guess("camus", f"{len(patients)} folders named patientXXXX", folder)
        return
    tables = [name for name in TABLES if (folder / name).is_file()]
    if tables:
        videos = [path for path in files_below(folder) if path.suffix.lower() == ".avi"]
        options = echonet_options(folder / TABLES[0], videos)
        evidence = f"{' and '.join(tables)}, {len(videos)} videos"
        yield Guess("echonet", evidence, folder, options, _echonet_remarks(tables))
        return
    files = files_below(folder)
    dicom = [path for path in files if is_dicom(path) and not is_itk(path)]
    lost = _lost_remarks(folder, set(files) - set(dicom))
    enhanced = {path for path in dicom if is_volume(path)}
    volumes = [path for path in files if is_itk(path) or path in enhanced]
    dicom = [path for path in dicom if path not in enhanced]
    if dicom:
        options, remarks = label_options(dicom, LABEL_NAMES["dicom"])
        images = len(dicom) - options.pop("dicom_labels", 0)
        pattern = options.get("label_pattern", LABEL_NAMES["dicom"])
        labels = _labels(dicom, pattern)
        remarks += _elsewhere(folder, [path for path in volumes if path not in labels]) + lost
        yield Guess("dicom", _counted(images, "DICOM file"), folder, options, tuple(remarks))
        return
    if volumes:
        options, remarks = label_options(volumes, LABEL_NAMES["volume"])
        options.pop("dicom_labels", None)
        options.pop("labels", None)
        if not (folder / "planes.csv").is_file():
            remarks.append("found no planes.csv; the four-chamber planes will be looked for beside the labels")
        pattern = options.get("label_pattern", LABEL_NAMES["volume"])
        labels = _labels(volumes, pattern)
        images = _counted(len(set(volumes) - labels), "volume")
        evidence = f"{images} in NIfTI, MetaImage, NRRD or Enhanced US Volume, {len(labels)} of labels"
        remarks += _elsewhere(folder, []) + lost
        yield Guess("volume", evidence, folder, options, tuple(remarks))


def _labels(images: list[Path], pattern: str) -> set[Path]:
    """All label maps beside the images."""
    maps = LabelFiles(pattern)
    return {label for path in images for label in maps.beside(path)}


def _elsewhere(folder: Path, volumes: list[Path]) -> list[str]:
    """What of other formats lies in the folder and would not be read with it."""
    remarks = []
    archives = {inner: _archive(inner) for inner in sorted(folder.iterdir()) if inner.is_dir() and _archive(inner)}
    volumes = [path for path in volumes if not any(path.is_relative_to(inner) for inner in archives)]
    if volumes:
        remarks.append(
            f"found {_counted(len(volumes), 'file')} in NIfTI, MetaImage, NRRD or Enhanced US Volume besides, such as "
            f"{volumes[0].relative_to(folder).as_posix()}; volumes need a folder and a dataset of `format: volume` of "
            "their own"
        )
    return remarks + [f"found {kind} in {inner.name}; give that folder a dataset" for inner, kind in archives.items()]


def _lost_remarks(folder: Path, files: set[Path]) -> list[str]:
    lost = sorted(path for path in files if is_lost(path))
    if not lost:
        return []
    return [
        f"found {_counted(len(lost), 'file or folder', 'files or folders')} that cannot be opened, such as "
        f"{lost[0].relative_to(folder).as_posix()}; each is a rejected case"
    ]


def _archive(folder: Path) -> str:
    """The public archive that a folder holds, empty where it is none or cannot be listed."""
    try:
        if any(PATIENT.match(name) for name in os.listdir(folder)):
            return "CAMUS"
    except OSError:
        return ""
    return "EchoNet-Dynamic" if any((folder / name).is_file() for name in TABLES) else ""


def _counted(number: int, thing: str, things: str = "") -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"


def remedy(folder: Path) -> str:
    """What to do with a folder that has none of the formats."""
    endings = {path.suffix.lower() for path in files_below(folder)}
    if endings & set(PICTURES):
        return "pictures do not say which frame is end-diastole nor where labels are, so export the study as DICOM"
    if endings & set(VIDEOS):
        return "videos are read with the tables FileList.csv and VolumeTracings.csv beside them, or export DICOM"
    if endings & set(ARCHIVES):
        return "unpack the archive first"
    return "give the folder that holds the images"


def contents(folder: Path) -> str:
    """How many files of each ending lie in a folder, the most frequent first."""
    counts = Counter(path.suffix.lower() or "no ending" for path in files_below(folder))
    return ", ".join(f"{count} x {ending}" for ending, count in counts.most_common(8)) or "no file at all"


def _echonet_remarks(tables: list[str]) -> tuple[str, ...]:
    return tuple(f"expected {name} beside the other table, found none" for name in TABLES if name not in tables)
