"""A label map in a file beside an image: PNG, NIfTI, MetaImage, NRRD or DICOM SEG, one plane or a stack of frames."""

import glob
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.dicom_seg import read_segmentation
from echodiff.ingest.label_size import check_size
from echodiff.ingest.picture import PICTURES, read_picture
from echodiff.ingest.readers.dicom_header import is_dicom
from echodiff.ingest.readers.itk import SUFFIXES, is_itk, read_itk, to_labels

IMAGE_SUFFIXES = (*SUFFIXES, *PICTURES, ".dcm", ".dicom", ".dic", ".ima")
WHAT = "the label map"


def label_files(path: Path, pattern: str) -> list[Path]:
    """The label maps beside an image by the pattern's `{stem}`, in the order of their names."""
    prefix, _, suffix = pattern.replace("[", "[[]").partition("{stem}")
    name = f"{prefix}{glob.escape(stem_of_image(path))}{suffix}"  # brackets, * and ? in a name are no pattern
    return [other for other in sorted(path.parent.glob(name)) if other != path and is_map(other)]


def stem_of_image(path: Path) -> str:
    """The name without its ending, if it is one: names may be UIDs full of dots."""
    lower = path.name.lower()
    ending = next((suffix for suffix in IMAGE_SUFFIXES if lower.endswith(suffix)), "")
    return path.name[: len(path.name) - len(ending)]


def is_map(path: Path) -> bool:
    """Whether a file may be a label map."""
    return is_itk(path) or path.suffix.lower() in PICTURES or is_dicom(path)


def read_label_stack(path: Path, frames: int, shape: tuple[int, int], values: Mapping[int, int]) -> NDArray[np.uint8]:
    """The labels 0..3 of a cine, (1, H, W) for a map of one frame, (F, H, W) for a map of all.

    Raises:
        Reject: unreadable, of another size than the image, of another number of frames, or with other values.
    """
    stack = _read(path, frames, shape)
    if len(stack) not in (1, frames):
        raise Reject(f"{WHAT}: expected one plane or the image's {frames} frames, found {len(stack)}")
    check_size(stack.shape[1:], shape, WHAT)
    return to_labels(stack, WHAT, dict(values))


def _read(path: Path, frames: int, shape: tuple[int, int]) -> NDArray:
    """Values as in the file, (1 or F, H, W)."""
    if is_itk(path):
        volume = sitk.GetArrayFromImage(read_itk(path, WHAT))
        if volume.ndim not in (2, 3):
            raise Reject(f"{WHAT}: expected a plane or a stack of planes, found {volume.ndim} dimensions")
        return volume[None] if volume.ndim == 2 else volume
    if path.suffix.lower() in PICTURES:
        return read_picture(path, shape)[None]
    return read_segmentation(path, WHAT, frames, shape)
