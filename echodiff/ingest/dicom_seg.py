"""DICOM Segmentation (PS3.3 A.51): the segments of a cine's frames as one label map a frame."""

import warnings
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels import iter_pixels

from echodiff.ingest.case import Reject

LARGEST_PIXELS = 2**28  # of all planes together that a header may promise
HALF = 0.5  # of the highest value: a pixel of a fractional segment from here on belongs to it


def read_segmentation(path: Path, what: str, frames: int) -> NDArray[np.uint16]:
    """Segment numbers (1, H, W), or (`frames`, H, W) where the segmentation says to which frames its planes belong.

    Where segments overlap, the one with the higher number is kept. `what` says in the reject which file it is.

    Raises:
        Reject: no segmentation, damaged, or with planes of frames that the cine does not have.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, stop_before_pixels=True)
            if str(header.get("Modality") or "") != "SEG":
                raise Reject(f"{what}: expected a DICOM segmentation, found another kind of DICOM")
            return _assembled(path, header, what, frames)
    except Reject:
        raise
    except Exception as error:
        raise Reject(
            f"{what}: expected a readable DICOM segmentation, found it damaged ({type(error).__name__})"
        ) from error


def _assembled(path: Path, header: Dataset, what: str, frames: int) -> NDArray[np.uint16]:
    groups = list(header.get("PerFrameFunctionalGroupsSequence") or [])
    rows, columns, planes = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames") or 1)
    if not 0 < rows * columns * max(planes, frames) <= LARGEST_PIXELS:
        raise Reject(f"{what}: expected planes that fit into memory, found {planes} of {columns} x {rows}")
    if len(groups) != planes:
        raise Reject(f"{what}: expected a segment's number for each of the {planes} planes, found {len(groups)}")
    places = [_frame_of(group) for group in groups]
    if any(place is not None and not 0 < place <= frames for place in places):
        raise Reject(f"{what}: expected planes of the cine's frames 1 to {frames}, found one of frame {max(places)}")
    shared = (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    whole = str(header.get("SegmentationType") or "BINARY").upper() == "LABELMAP"
    least = HALF * float(header.get("MaximumFractionalValue") or 1)
    stack = np.zeros((frames if None not in places else 1, rows, columns), np.uint16)
    numbered = [(0 if whole else _segment_of(group, shared), index) for index, group in enumerate(groups)]
    pixels = list(iter_pixels(path)) if planes > 1 else [next(iter_pixels(path))]
    for number, index in sorted(numbered):
        target = stack[places[index] - 1 if len(stack) > 1 else 0]
        if whole:
            target[:] = pixels[index]
        else:
            target[pixels[index] >= least] = number
    return stack


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
