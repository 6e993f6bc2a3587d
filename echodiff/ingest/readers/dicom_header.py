"""The tags of an ultrasound DICOM: what an image needs, and the few of them that leave ingest."""

import re
import warnings
from pathlib import Path

from pydicom import Dataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.dicom_file import open_dicom
from echodiff.ingest.readers.dicom_timing import frame_rate_hz, heart_rate_bpm

PIXEL_TAGS = ("Rows", "Columns", "BitsStored", "PhotometricInterpretation")
ULTRASOUND_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"  # Enhanced US Volume Storage
LONGEST_TEXT = 64  # characters of a tag that is kept (PS3.5 6.2, LO)


def is_volume(path: Path) -> bool:
    """Whether a file is an Enhanced US Volume; not where it cannot be read, as it is rejected when its turn comes."""
    try:
        with warnings.catch_warnings(action="ignore"):
            header = open_dicom(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
            return str(header.get("SOPClassUID") or "").strip() == ULTRASOUND_VOLUME
    except Exception:  # other files fail in every way that Python knows
        return False


def read_header(path: Path, *, volume: bool = False) -> Dataset:
    """All tags but the pixels, checked for being an ultrasound image, or a `volume` (Enhanced US Volume).

    Raises:
        Reject: no DICOM, damaged, of another modality or kind, or without the tags that describe pixels.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            header = open_dicom(path, stop_before_pixels=True)
            modality = str(header.get("Modality") or "").strip()
            kind = str(header.get("SOPClassUID") or "")
            missing = [key for key in PIXEL_TAGS if header.get(key) in (None, "")]
            if not isinstance(header.file_meta.get("TransferSyntaxUID"), UID):
                missing.append("TransferSyntaxUID")
    except InvalidDicomError as error:
        raise Reject("expected a DICOM file, found another kind of file") from error
    except Exception as error:
        raise Reject("expected a readable DICOM file, found its header damaged; copy or export it again") from error
    if modality != "US":
        raise Reject(f"expected an ultrasound image (modality US), found {_modality(modality)}")
    if kind == ULTRASOUND_VOLUME and not volume:
        raise Reject("expected a 2D image, found a 3D volume; put it into a dataset of format: volume")
    if kind != ULTRASOUND_VOLUME and volume:
        raise Reject("expected a 3D volume (Enhanced US Volume), found a 2D image; its format is dicom")
    if missing:
        raise Reject(
            f"expected an image, found no {', '.join(missing)}: a report, or 3D raw data of the scanner's own kind, "
            "which has to be exported as NIfTI, MetaImage or NRRD for format: volume"
        )
    return header


def details(header: Dataset, frames: int) -> dict:
    """The allow-list: what may be known of the machine and the recording, and nothing of the patient."""
    maker, model = (_printable(header.get(key) or "") for key in ("Manufacturer", "ManufacturerModelName"))
    return {
        "scanner": " ".join(part for part in (maker, model) if part),
        "manufacturer": maker,
        "frame_rate_hz": frame_rate_hz(header, frames),
        "heart_rate_bpm": heart_rate_bpm(header),
        "transfer_syntax": header.file_meta.TransferSyntaxUID.name,
        "photometric": str(header.PhotometricInterpretation),
    }


def _modality(code: str) -> str:
    """In words; a code is a few capitals (PS3.3 C.7.3.1.1.1), anything else is damage or a name."""
    if not code:
        return "a header that names no modality"
    return f"the modality {code}" if re.fullmatch("[A-Z]{2,4}", code) else "a damaged modality in the header"


def _printable(text: object) -> str:
    return "".join(character for character in str(text) if character.isprintable()).strip()[:LONGEST_TEXT]
