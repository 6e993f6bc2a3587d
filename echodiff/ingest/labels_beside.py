"""A label map in a file beside an image: PNG, NIfTI, MetaImage or NRRD, one plane or a stack over the frames."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.readers.itk import is_itk, read_itk, stem_of, to_labels

PICTURES = (".png", ".bmp", ".tif", ".tiff")
WHAT = "the label map"


def label_files(path: Path, pattern: str) -> list[Path]:
    """The label maps beside an image by the pattern's `{stem}`, in the order of their names."""
    prefix, _, suffix = pattern.partition("{stem}")
    name = f"{prefix}{stem_of(path)}{suffix}".replace("[", "[[]")  # brackets in a name are no pattern
    return [other for other in sorted(path.parent.glob(name)) if other != path and _is_map(other)]


def _is_map(path: Path) -> bool:
    return is_itk(path) or path.suffix.lower() in PICTURES


def read_label_stack(path: Path, frames: int, shape: tuple[int, int], values: Mapping[int, int]) -> NDArray[np.uint8]:
    """The labels 0..3 of a cine, (1, H, W) for a map of one frame, (F, H, W) for a map of all.

    Raises:
        Reject: unreadable, of another size than the image, of another number of frames, or with other values.
    """
    stack = _read(path)
    if stack.shape[1:] != shape:
        raise Reject(
            f"{WHAT}: expected the image's size {shape[1]} x {shape[0]}, found {stack.shape[2]} x {stack.shape[1]}"
        )
    if len(stack) not in (1, frames):
        raise Reject(f"{WHAT}: expected one plane or the image's {frames} frames, found {len(stack)}")
    return to_labels(stack, WHAT, dict(values))


def _read(path: Path) -> NDArray:
    if not is_itk(path):
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 2:
            raise Reject(f"{WHAT}: expected a gray picture of label values, found a damaged file or one in colour")
        return picture[None]
    volume = sitk.GetArrayFromImage(read_itk(path, WHAT))
    return volume[None] if volume.ndim == 2 else volume
