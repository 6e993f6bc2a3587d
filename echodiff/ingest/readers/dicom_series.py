"""Stills that may be the frames of one cine, which some systems export as one file a frame."""

import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset

from echodiff.ingest.readers.dicom_file import open_dicom

TAGS = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber", "NumberOfFrames"]


@dataclass(frozen=True)
class Instance:
    """What one look into a file's header says of where it belongs; empty texts where it does not say."""

    path: Path
    patient: str = ""
    """Patient ID (0010,0020), which only the keyed hash ever sees, else Study Instance UID (0020,000D): a study is of
    one patient. Anonymised exports leave the former empty; files taken for patients of their own would be split between
    training and test."""
    study: str = ""
    series: str = ""
    number: str = ""
    still: bool = False


def read_instance(path: Path) -> Instance:
    """Where a DICOM file belongs; only its path where it cannot be read: it is rejected when it is read as a case."""
    try:
        with warnings.catch_warnings(action="ignore"):
            header = open_dicom(path, stop_before_pixels=True, specific_tags=TAGS)
            patient, study, series, number, frames = (_text(header, tag) for tag in TAGS)
    except Exception:  # other files fail in every way that Python knows
        return Instance(path)
    return Instance(path, patient or study, study, series, number, frames in ("", "1"))


def _text(header: Dataset, keyword: str) -> str:
    """A tag as text, empty where it is absent or damaged: the others may be whole."""
    try:
        return str(header.get(keyword) or "").strip()
    except Exception:
        return ""


def stills_of_series(instances: Iterable[Instance]) -> dict[Path, int]:
    """How many stills of its series lie in a still's folder, told apart by Instance Number (0020,0013), if several."""
    numbers: dict[tuple[Path, str], set[str]] = defaultdict(set)
    stills = [instance for instance in instances if instance.still and instance.series and instance.number]
    for still in stills:
        numbers[still.path.parent, still.series].add(still.number)
    counts = {still.path: len(numbers[still.path.parent, still.series]) for still in stills}
    return {path: count for path, count in counts.items() if count > 1}
