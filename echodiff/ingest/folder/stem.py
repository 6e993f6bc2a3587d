"""A file's name without its ending: a known one alone, as names may be UIDs full of dots."""

from collections.abc import Sequence
from pathlib import Path

from echodiff.ingest.readers.arrays import ARRAYS
from echodiff.ingest.readers.dicom_file import SUFFIXES as DICOM_SUFFIXES
from echodiff.ingest.readers.itk import SUFFIXES as ITK_SUFFIXES
from echodiff.ingest.readers.picture import STILLS
from echodiff.ingest.readers.video import VIDEOS

IMAGE_SUFFIXES = (*ITK_SUFFIXES, *STILLS, *DICOM_SUFFIXES, *VIDEOS, *ARRAYS)


def stem_of_image(path: Path, endings: Sequence[str] = IMAGE_SUFFIXES) -> str:
    """The name without its ending, if it is one of `endings` (in small letters); a name that is no more stays whole."""
    lower = path.name.lower()
    ending = next((suffix for suffix in endings if lower.endswith(suffix) and lower != suffix), "")
    return path.name[: len(path.name) - len(ending)]
