"""Ultrasound DICOM of any vendor: cines and stills, with label maps beside them."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.errors import InvalidDicomError

from echodiff.config.datasets import DicomDataset
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, Reject, SourceFrame
from echodiff.ingest.ed.cascade import find_ed
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.label_agreement import by_label_agreement
from echodiff.ingest.ed.r_wave import by_r_wave
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.labels_beside import label_files, read_label_stack
from echodiff.ingest.readers.dicom_pixels import DOPPLER_SHARE, coloured, gray_frames
from echodiff.ingest.readers.dicom_regions import Region, tissue_region
from echodiff.ingest.readers.dicom_timing import frame_rate_hz, frame_times_ms, heart_rate_bpm, r_wave_times_ms
from echodiff.ingest.sector import sector_from_pixels
from echodiff.labels import LV

PREAMBLE = 128  # bytes before "DICM" (PS3.10 7.1)
PIXEL_TAGS = ("Rows", "Columns", "BitsStored", "PhotometricInterpretation")
FEWEST_LINES = 32  # rows and columns that an image has at least


class DicomReader:
    """Finds DICOM files by their content, reads the ED frame of an ultrasound image and the label map beside it."""

    def __init__(self, options: DicomDataset):
        self._options = options

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every file that is DICOM or is named so, in the order of their paths."""
        if not folder.is_dir():
            raise InputError(f"{folder}: expected a folder of DICOM files, found no such folder; check the path")
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and _looks_like_dicom(path)]
        if not paths:
            raise InputError(f"{folder}: expected DICOM files, found none; check the path")
        for path in paths:
            labels = label_files(path, self._options.label_pattern)
            files = {"image": path, **({"label": labels[0]} if labels else {})}
            name = path.relative_to(folder).with_suffix("").as_posix()
            yield CaseReference(name, _patient(path) or name, files)

    def read(self, case: CaseReference) -> SourceFrame:
        """Read one file: decode, find the sector and the ED frame, take the label map's plane of that frame."""
        header = read_header(case.files["image"])
        if "label" not in case.files and self._options.labels == "file":
            raise Reject(f"expected a label map beside it, named {self._options.label_pattern}, found none")
        frames = gray_frames(case.files["image"], header)
        region = tissue_region(header, frames.shape[1:])
        sector, source = find_sector(frames, region)
        labels = self._labels(case, frames)
        rule, (index, confidence) = find_ed(self._rules(header, frames, sector, labels), self._options.ed)
        image = _without_drawings(frames[index], coloured(case.files["image"], header, index), sector)
        return SourceFrame(
            image=image,
            mask=_plane(labels, index, image.shape),
            sector=sector,
            spacing_mm=region.spacing_mm if region else (float("nan"), float("nan")),
            ed_frame=index,
            ed_rule=rule,
            ed_confidence=confidence,
            frames=len(frames),
            label_source="file" if labels is not None else "none",
            details={**_details(header, len(frames)), "sector_source": source},
        )

    def _labels(self, case: CaseReference, frames: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        if "label" not in case.files:
            return None
        return read_label_stack(case.files["label"], len(frames), frames.shape[1:], self._options.label_values)

    def _rules(self, header: Dataset, frames, sector, labels):
        """The rules that can be asked of this file, in the order of trust."""
        times, count = frame_times_ms(header, len(frames)), len(frames)
        single = labels[0] if labels is not None and len(labels) == 1 else None
        return {
            "still": lambda: Choice(0, 1.0) if count == 1 else None,
            "label_stack": lambda: _largest_ventricle(labels) if single is None else None,
            "r_wave": lambda: by_r_wave(times, r_wave_times_ms(header)),
            "label": lambda: by_label_agreement(frames, single) if single is not None else None,
            "self_similarity": lambda: by_self_similarity(frames, sector),
        }


def read_header(path: Path) -> Dataset:
    """All tags but the pixels, checked for being an ultrasound image.

    Raises:
        Reject: no DICOM, damaged, of another modality, or without the tags that describe pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True)
            modality = str(header.get("Modality", "")).strip() or "none"
            missing = [key for key in PIXEL_TAGS if key not in header]
    except InvalidDicomError as error:
        raise Reject("expected a DICOM file, found another kind of file") from error
    except Exception as error:
        raise Reject(f"expected a readable DICOM file, found its header damaged ({type(error).__name__})") from error
    if modality != "US":
        raise Reject(f"expected an ultrasound image (modality US), found the modality {modality[:16]}")
    if missing:
        raise Reject(f"expected an image, found no {', '.join(missing)}: the file holds no pixels (a report?)")
    return header


def find_sector(frames: NDArray[np.uint8], region: Region | None) -> tuple[NDArray[np.bool_], str]:
    """The tissue sector (H, W) and where it was found: within the tagged region, or by the pixels alone.

    Raises:
        Reject: no sector.
    """
    sector = np.zeros(frames.shape[1:], bool)
    if region is None:
        return sector_from_pixels(frames), "pixels"
    part = frames[:, region.rows, region.columns]
    if min(part.shape[1:]) < FEWEST_LINES:
        raise Reject(f"expected a tissue region of the image, found one of {part.shape[2]} x {part.shape[1]} pixels")
    sector[region.rows, region.columns] = sector_from_pixels(part)
    return sector, "region"


def _without_drawings(
    image: NDArray[np.uint8], colours: NDArray[np.bool_] | None, sector: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The frame with coloured calipers painted over by their surroundings.

    Raises:
        Reject: so much colour that it is Doppler, which hides the tissue.
    """
    if colours is None or not (colours & sector).any():
        return image
    share = (colours & sector).sum() / sector.sum()
    if share > DOPPLER_SHARE:
        raise Reject(f"expected a gray B-mode image, found {share:.0%} of the sector in colour (Doppler?)")
    drawn = cv2.dilate((colours & sector).astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.inpaint(image, drawn, 3, cv2.INPAINT_TELEA)


def _largest_ventricle(labels: NDArray[np.uint8] | None) -> Choice | None:
    """ED of a cine with labels in several frames: the largest LV, CAMUS's own definition."""
    if labels is None or not (labels == LV).any():
        return None
    return Choice(int((labels == LV).sum(axis=(1, 2)).argmax()), 1.0)


def _plane(labels: NDArray[np.uint8] | None, index: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    if labels is None:
        return np.zeros(shape, np.uint8)
    plane = labels[0] if len(labels) == 1 else labels[index]
    if not plane.any():
        raise Reject(f"expected labels on the end-diastolic frame {index}, found none there")
    return plane


def _details(header: Dataset, frames: int) -> dict:
    """The allow-list: what may be known of the machine and the recording, and nothing of the patient."""
    maker, model = (str(header.get(key, "") or "").strip() for key in ("Manufacturer", "ManufacturerModelName"))
    return {
        "scanner": " ".join(part for part in (maker, model) if part),
        "manufacturer": maker,
        "frame_rate_hz": frame_rate_hz(header, frames),
        "heart_rate_bpm": heart_rate_bpm(header),
        "transfer_syntax": header.file_meta.get("TransferSyntaxUID", pydicom.uid.UID("")).name,
        "photometric": str(header.PhotometricInterpretation),
    }


def _looks_like_dicom(path: Path) -> bool:
    if path.suffix.lower() in (".dcm", ".dicom"):
        return True
    with open(path, "rb") as file:
        file.seek(PREAMBLE)
        return file.read(4) == b"DICM"


def _patient(path: Path) -> str:
    """Patient ID (0010,0020), which only the keyed hash ever sees; empty where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID", ""))
    except Exception:
        return ""  # the case itself is read later, and rejected with the reason
