"""A cine in 2D out of a folder of pictures, one a frame."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.series import refuse_gaps
from echodiff.ingest.readers.frames_file import WHAT, Recording
from echodiff.ingest.readers.itk import to_gray
from echodiff.ingest.readers.picture import LARGEST_PAGES, read_still


def read_frames_folder(files: Sequence[Path]) -> Recording:
    """The cine of these pictures, in their order; gray values as of a file with all frames.

    Raises:
        Reject: a frame is missing, closed, damaged or of another size than the first, or all together are too large.
    """
    refuse_gaps(files)
    first = _still(files[0])
    height, width = first.shape[:2]
    if height * width * len(files) > LARGEST_PAGES:
        raise Reject(f"{WHAT}: expected a cine that fits into memory, found {len(files)} frames of {width} x {height}")
    frames = [_luminance(first)]
    for path in files[1:]:
        frames.append(_luminance(_still(path)))
        if frames[-1].shape != (height, width):
            found = f"{frames[-1].shape[1]} x {frames[-1].shape[0]}"
            raise Reject(f"{WHAT}: expected frames of one size, found {width} x {height} and {found} ({path.name})")
    return Recording(to_gray(np.stack(frames), WHAT), colours=lambda index: _colours(files[index]))


def _still(path: Path) -> NDArray:
    try:
        return read_still(path)
    except Reject as error:
        raise Reject(f"{error} ({path.name})") from error


def _luminance(values: NDArray) -> NDArray:
    """Of 8 or 16 bits as stored."""
    return values if values.ndim == 2 else cv2.cvtColor(values, cv2.COLOR_RGB2GRAY)


def _colours(path: Path) -> NDArray[np.uint8] | None:
    values = read_still(path)
    return None if values.ndim == 2 else to_gray(values, WHAT)
