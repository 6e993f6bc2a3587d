"""CAMUS (Leclerc et al. 2019): apical four-chamber frames at end-diastole, new release (NIfTI) and old (MetaImage)."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.config.datasets import CamusDataset
from echodiff.errors import InputError
from echodiff.ingest.case import CaseReference, Reject, SourceFrame
from echodiff.ingest.readers.camus_info import details, ed_frame, frame_count, read_info
from echodiff.ingest.readers.itk import read_itk, read_plane, to_gray, to_labels
from echodiff.ingest.sector.find import sector_from_pixels

PATIENT = re.compile(r"patient(\d{3,5})$", re.IGNORECASE)
ENDINGS = (".nii.gz", ".mhd", ".mha", ".nii")
FULL_CONFIDENCE = 1.0
WHOLE_ARCHIVE = 0.9  # share of a numbering that must be there before gaps count as absent patients


class CamusReader:
    """Reads `patientXXXX/patientXXXX_4CH_ED.*`; frames at end-systole and two-chamber views are never taken."""

    def __init__(self, options: CamusDataset):
        self._labels_needed = options.labels == "file"

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """A case for every patient's folder, and for every number missing in an otherwise whole archive."""
        root = next(
            (path for path in (folder, folder / "database_nifti", folder / "training") if _patients(path)),
            None,
        )
        if root is None:
            raise InputError(
                f"{folder}: expected CAMUS, one folder a patient named patient0001 and so on, found none; "
                "give the folder that holds them"
            )
        patients = _patients(root)
        for name in sorted({path.name for path in patients} | _absent([path.name for path in patients])):
            yield CaseReference(name, name, _files(root / name, name), {"folder_exists": (root / name).is_dir()})

    def read(self, case: CaseReference) -> SourceFrame:
        """Read one patient's ED frame and label map."""
        info = read_info(case.files["info"]) if "info" in case.files else {}
        image, spacing, frame, frames = _image(case, info)
        if self._labels_needed and "label" not in case.files:
            raise Reject(f"expected the label map {case.name}_4CH_ED_gt, found no such file")
        return SourceFrame(
            image=image,
            mask=_labels(case, image.shape, spacing),
            sector=sector_from_pixels(image, spacing),
            spacing_mm=spacing,
            ed_frame=frame,
            ed_rule="explicit",
            ed_confidence=FULL_CONFIDENCE,
            frames=frames,
            label_source="file" if "label" in case.files else "none",
            details=details(info),
        )


def _labels(case: CaseReference, shape: tuple[int, int], spacing: tuple[float, float]) -> NDArray[np.uint8]:
    """The label map of the frame's shape and spacing; an empty one where there is no file."""
    if "label" not in case.files:
        return np.zeros(shape, np.uint8)
    mask, mask_spacing = read_plane(case.files["label"], "the label map")
    mask = to_labels(mask, "the label map")
    if mask.shape != shape:
        raise Reject(f"expected a label map of the frame's size {shape}, found {mask.shape}")
    if not np.allclose(spacing, mask_spacing, rtol=1e-3):
        raise Reject(f"expected the label map's pixels to be {spacing} mm like the frame's, found {mask_spacing}")
    return mask


def _image(case: CaseReference, info: dict[str, str]):
    """The ED frame: its own file, else the frame that Info_4CH.cfg names in the half sequence."""
    if "image" in case.files:
        values, spacing = read_plane(case.files["image"], "the ED frame")
        frame, frames = ed_frame(info), frame_count(info)
        return to_gray(values, "the ED frame"), spacing, 0 if frame is None else frame, frames or 1
    if "sequence" not in case.files:
        missing = "file in the patient's folder" if case.known.get("folder_exists", True) else "folder"
        raise Reject(f"expected the ED frame {case.name}_4CH_ED (NIfTI or MetaImage), found no such {missing}")
    frame = ed_frame(info)
    if frame is None:
        raise Reject("expected Info_4CH.cfg to say which frame of the half sequence is ED, found no such line")
    sequence = read_itk(case.files["sequence"], "the half sequence")
    if sequence.GetDimension() != 3 or not 0 <= frame < sequence.GetSize()[2]:
        raise Reject(
            f"expected frame {frame + 1} of the half sequence, found a size of "
            + "x".join(map(str, sequence.GetSize()))
        )
    column, row, _ = sequence.GetSpacing()
    values = sitk.GetArrayFromImage(sequence[:, :, frame])
    return to_gray(values, "the half sequence"), (row, column), frame, sequence.GetSize()[2]


def _patients(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if PATIENT.match(path.name) and path.is_dir()]


def _absent(names: list[str]) -> set[str]:
    """Numbers that an archive lacks; none where so many are missing that the folder is a selection."""
    digits = {len(PATIENT.match(name)[1]) for name in names}
    numbers = {int(PATIENT.match(name)[1]) for name in names}
    span = range(min(numbers), max(numbers) + 1)
    if len(digits) != 1 or len(numbers) < WHOLE_ARCHIVE * len(span):
        return set()
    return {f"patient{number:0{min(digits)}d}" for number in set(span) - numbers}


def _files(folder: Path, name: str) -> dict[str, Path]:
    """The files of a patient that are there, by role."""
    stems = {"image": f"{name}_4CH_ED", "label": f"{name}_4CH_ED_gt", "sequence": f"{name}_4CH_half_sequence"}
    files = {}
    for role, stem in stems.items():
        for path in (folder / f"{stem}{ending}" for ending in ENDINGS):
            if path.is_file():
                files.setdefault(role, path)
    if "sequence" not in files and (folder / f"{name}_4CH_sequence.mhd").is_file():
        files["sequence"] = folder / f"{name}_4CH_sequence.mhd"
    if (folder / "Info_4CH.cfg").is_file():
        files["info"] = folder / "Info_4CH.cfg"
    return files
