"""Whether a file holds labels or a picture, and which values are in it."""

import warnings
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from echodiff.ingest.case import Reject
from echodiff.ingest.check.outlines import holds_outlines
from echodiff.ingest.identity.names import is_writable
from echodiff.ingest.labels.segments import is_segments, read_segments
from echodiff.ingest.outlines.file import is_outlines
from echodiff.ingest.readers.arrays import LABELS, is_array, read_array
from echodiff.ingest.readers.dicom_file import is_dicom, open_dicom
from echodiff.ingest.readers.itk import is_itk, read_itk
from echodiff.ingest.readers.picture import LARGEST_PIXELS, PAGED, PICTURES, STILLS, read_pages, read_picture

FEW = 8  # values, besides the most frequent one, that hold nearly all the rest of a label map
NEARLY_ALL = 0.8  # of the pixels; what resampling blurred along the outlines may be left over
LOOKED_AT = 2**20  # values that are counted of a volume
MOST_VALUES = 32  # of a label map whose values can be mapped by hand
SEGMENTATION = "SEG"  # its modality


def holds_labels(path: Path) -> bool | None:
    """Whether a file is a label map by its content: outlines, a DICOM SEG, or few values; None where it does not tell.

    Frames may have been exported under the same names as DICOM files, and they have many values.
    """
    if is_outlines(path):
        return holds_outlines(path)
    if is_image_dicom(path):
        return _is_segmentation(path)
    values = _values(path)
    if values is None:
        return None
    counts = np.sort(np.unique(values, return_counts=True)[1])[::-1][1:]
    return bool(counts[:FEW].sum() >= NEARLY_ALL * counts.sum()) if len(counts) else None


def is_image_dicom(path: Path) -> bool:
    """Whether a file is DICOM, and none of the other kinds by its name."""
    return not is_itk(path) and path.suffix.lower() not in STILLS and is_dicom(path)


def label_values(path: Path) -> frozenset[int]:
    """Whole numbers in a label map; none where these are none or too many, which reading the case reports."""
    if not is_writable(str(path)):
        return frozenset()
    try:
        if is_segments(path):
            values = np.unique(read_segments(path, None, "the label map", by_name=True))
        elif is_array(path):
            values = np.unique(read_array(path, "the label map", LABELS))
        elif is_itk(path):
            values = np.unique(sitk.GetArrayFromImage(read_itk(path, "the label map")))
        elif path.suffix.lower() in PICTURES:
            pages = read_pages(path, "the label map") if path.suffix.lower() in PAGED else None
            values = np.unique(read_picture(path) if pages is None else pages)
        else:
            return frozenset()
    except Reject:
        return frozenset()
    whole = np.isfinite(values).all() and (values == np.rint(values)).all()
    return frozenset(map(int, values)) if whole and len(values) <= MOST_VALUES else frozenset()


def _is_segmentation(path: Path) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            header = open_dicom(path, stop_before_pixels=True, specific_tags=["Modality"])
            return str(header.get("Modality") or "") == SEGMENTATION
    except Exception:  # other files fail in every way that Python knows
        return False


def _values(path: Path) -> NDArray | None:
    """Values of pixels (N,), colours as one number each; None where the file cannot be read."""
    if not is_writable(str(path)) or not path.is_file():
        return None
    if is_itk(path):
        try:
            values = sitk.GetArrayFromImage(read_itk(path, "the label map", layers=is_segments(path))).ravel()
        except Reject:
            return None
        return values[:: max(len(values) // LOOKED_AT, 1)]
    if is_array(path):
        try:
            return read_array(path, "the label map", LABELS).ravel()
        except Reject:
            return None
    return _colours(path)


def _colours(path: Path) -> NDArray | None:
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(path) as picture:
                if picture.width * picture.height > LARGEST_PIXELS:
                    return None
                colours = np.asarray(picture)
        except Exception:  # damaged files fail in every way that Python knows
            return None
    if colours.ndim == 2:
        return colours.ravel()
    return (colours.astype(np.int64) << 8 * np.arange(colours.shape[2])).sum(axis=2).ravel()
