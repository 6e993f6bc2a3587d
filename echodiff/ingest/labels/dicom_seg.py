"""DICOM Segmentation (PS3.3 A.51): the segments of a cine's frames as one label map a frame."""

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.walk import refuse_unreadable
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.readers.dicom_file import open_dicom, pixel_source

LARGEST_PIXELS = 2**28  # of the cine, and of all planes together, that a header may promise
HALF = 0.5  # of the highest value: a pixel of a fractional segment from here on belongs to it


def read_segmentation(path: Path, what: str, frames: int, shape: tuple[int, int]) -> NDArray[np.uint16]:
    """Segment numbers (1, H, W), or (`frames`, H, W) where the segmentation says to which frames its planes belong.

    Where segments overlap, the one with the higher number is kept. `what` says in the reject which file it is, `shape`
    the image's rows and columns: nothing is decoded before the header agrees with them.

    Raises:
        Reject: closed, empty, no segmentation, damaged, of another size, or with planes of frames that the cine does
            not have.
    """
    refuse_unreadable(path, what)
    try:
        with warnings.catch_warnings(action="ignore"):
            header = open_dicom(path, stop_before_pixels=True)
            if str(header.get("Modality") or "") != "SEG":
                raise Reject(f"{what}: expected a DICOM segmentation, found another kind of DICOM")
            return _assembled(path, header, what, frames, shape)
    except Reject:
        raise
    except Exception as error:
        raise Reject(
            f"{what}: expected a readable DICOM segmentation, found it damaged or cut short; export it again"
        ) from error


def _assembled(path: Path, header: Dataset, what: str, frames: int, shape: tuple[int, int]) -> NDArray[np.uint16]:
    groups = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    rows, columns, planes = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames") or 1)
    check_size((rows, columns), shape, what)
    if not 0 < rows * columns * max(planes, frames) <= LARGEST_PIXELS:
        raise Reject(f"{what}: expected planes that fit into memory, found {planes} of {columns} x {rows}")
    if len(groups) != planes:
        raise Reject(f"{what}: expected a segment's number for each of the {planes} planes, found {len(groups)}")
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    whole = str(header.get("SegmentationType") or "BINARY").upper() == "LABELMAP"
    numbers = [0 if whole else _segment_of(group, shared) for group in groups]
    places = _places(groups, numbers, frames, what)
    least = HALF * float(header.get("MaximumFractionalValue") or 1)
    stack = np.zeros((frames if None not in places else 1, rows, columns), np.uint16)
    source = pixel_source(path, header)
    pixels = list(iter_pixels(source)) if planes > 1 else [next(iter_pixels(source))]
    for number, index in sorted(zip(numbers, range(planes), strict=True)):
        target = stack[places[index] - 1 if len(stack) > 1 else 0]
        if whole:
            target[:] = pixels[index]
        else:
            target[pixels[index] >= least] = number
    return stack


def _places(groups: list[Dataset], numbers: list[int], frames: int, what: str) -> list[int | None]:
    """The cine's frame of each plane, from 1; None where a plane does not say, as for a map of one frame.

    Raises:
        Reject: a frame that the cine does not have, or one segment on several planes of which nobody knows the frames.
    """
    places = [_frame_of(group) for group in groups]
    if any(place is not None and not 0 < place <= frames for place in places):
        wrong = max(place for place in places if place is not None)
        raise Reject(f"{what}: expected planes of the cine's frames 1 to {frames}, found one of frame {wrong}")
    if None in places and len(set(numbers)) < len(numbers):
        raise Reject(
            f"{what}: expected planes that name the cine's frame (Referenced Frame Number) or one plane a segment, "
            f"found {len(numbers)} planes of {len(set(numbers))} segments without"
        )
    return places


def _segment_of(group: Dataset, shared: Dataset) -> int:
    """Referenced Segment Number (0062,000B) of a plane."""
    sequence = group.get("SegmentIdentificationSequence") or shared.SegmentIdentificationSequence
    return int(sequence[0].ReferencedSegmentNumber)


def _frame_of(group: Dataset) -> int | None:
    """Frame of the cine, from 1, that a plane was derived from; None where it does not say."""
    for derivation in group.get("DerivationImageSequence") or []:
        for source in derivation.get("SourceImageSequence") or []:
            number = source.get("ReferencedFrameNumber")
            if number not in (None, ""):
                return int(number if isinstance(number, (int, str)) else number[0])
    return None
