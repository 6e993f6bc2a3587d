"""A still or cine in 2D out of a file of any kind but DICOM: gray frames, the colours of one, the size of a pixel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import UNKNOWN_SPACING, Reject
from echodiff.ingest.folder.walk import refuse_unreadable
from echodiff.ingest.planes.cine_or_volume import sectors_of
from echodiff.ingest.readers.arrays import ARRAYS, IMAGES, is_array, read_array
from echodiff.ingest.readers.itk import is_itk, read_planes, to_gray
from echodiff.ingest.readers.picture import PAGED, STILLS, read_page_colours, read_pages, read_still
from echodiff.ingest.readers.video import VIDEOS, read_cine, read_colours

WHAT = "the image"
FEWEST = 3  # planes that can be told to be those of a volume
NOT_SAID = (1.0, 1.0)  # mm, the spacing of NIfTI, MetaImage and NRRD that were written without one


@dataclass(frozen=True)
class Recording:
    """What is in a file."""

    frames: NDArray[np.uint8]
    """(F, H, W) gray; one for a still."""

    spacing_mm: tuple[float, float] = UNKNOWN_SPACING
    """(row, column), NaN where the file does not say."""

    colours: Callable[[int], NDArray[np.uint8] | None] = lambda index: None
    """A frame as RGB (H, W, 3); None of one that is gray."""


def is_frames(path: Path) -> bool:
    """Whether a file's name ends like one that is read here, and is no `._` note of macOS."""
    return is_itk(path) or (path.suffix.lower() in (*STILLS, *VIDEOS, *ARRAYS) and not path.name.startswith("._"))


def read_recording(path: Path) -> Recording:
    """Gray values of 8 bits are as stored; others as `to_gray` has them; of colours the luminance (ITU-R BT.601).

    Raises:
        Reject: closed, empty, damaged, too large, of another kind, or a volume.
    """
    refuse_unreadable(path)
    if is_itk(path):
        return _of_planes(*read_planes(path, WHAT))
    if is_array(path):
        return _of_planes(read_array(path, WHAT, IMAGES), UNKNOWN_SPACING)
    if path.suffix.lower() in VIDEOS:
        return Recording(read_cine(path)[0], colours=partial(read_colours, path))
    if path.suffix.lower() not in STILLS:
        raise Reject("expected a picture, NIfTI, MetaImage, NRRD, NumPy or a video, found another kind of file")
    pages = read_pages(path) if path.suffix.lower() in PAGED else None
    if pages is not None:
        return replace(_of_planes(pages, UNKNOWN_SPACING), colours=partial(read_page_colours, path))
    values = to_gray(read_still(path), WHAT)
    if values.ndim == 2:
        return Recording(values[None])
    return Recording(cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)[None], colours=lambda index: values)


def _of_planes(values: NDArray, spacing_mm: tuple[float, float]) -> Recording:
    if len(values) >= FEWEST and sectors_of(values, WHAT).of_volume:
        raise Reject(
            f"expected frames of one sector, found {len(values)} planes whose sectors differ, as those of a volume; "
            "put it into a dataset of format: volume"
        )
    return Recording(to_gray(values, WHAT), UNKNOWN_SPACING if spacing_mm == NOT_SAID else spacing_mm)
