"""One frame out of a video file, without decoding the rest.

Decoders leave a damaged frame out without a word, and whoever counts frames then has another one: what cannot be
counted for certain is rejected.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.walk import refuse_unreadable

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2  # noqa: E402  the two variables are read when OpenCV is loaded

VIDEOS = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".wmv")
LARGEST_SIDE = 8192
LARGEST_PIXELS = 2**28  # of all frames that are decoded together: 341 of 1024 x 768


def read_frame(path: Path, index: int) -> tuple[NDArray[np.uint8], int]:
    """Frame `index` (from 0) as gray (H, W), and how many frames the video says it has.

    Raises:
        Reject: the file is no video, is cut short, has no such frame, or one at or shortly before it is damaged.
    """
    with _opened(path) as video:
        frames = _frame_count(video)
        if not 0 <= index < frames:
            raise Reject(f"expected the traced frame {index} in the video, found {frames} frames")
        _next(video, 0)  # without it all the others would have numbers one too low
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        if video.get(cv2.CAP_PROP_POS_FRAMES) != index:  # the search ends at a damaged frame
            raise _damaged(index)
        return _gray(_next(video, index)), frames


def read_cine(path: Path, most: int | None = None) -> tuple[NDArray[np.uint8], int]:
    """The first frames, at most `most` where it is given, as gray (F, H, W), and how many frames the video has.

    Headers may count a frame too many: the last one alone may be missing.

    Raises:
        Reject: the file is no video, is cut short, or another frame than the last is damaged.
    """
    with _opened(path) as video:
        frames = _frame_count(video)
        wanted = frames if most is None else min(frames, most)
        images = [_gray(_next(video, 0))]
        if wanted * images[0].size > LARGEST_PIXELS:
            height, width = images[0].shape
            raise Reject(f"expected a cine that fits into memory, found {frames} frames of {width} x {height}")
        for index in range(1, wanted):
            try:
                images.append(_gray(_next(video, index)))
            except Reject:
                if index < frames - 1:
                    raise
                frames = index
        return np.stack(images), frames


def read_colours(path: Path, index: int) -> NDArray[np.uint8] | None:
    """Frame `index` (from 0) of a video that can be read as RGB (H, W, 3); None where it is gray alone.

    Raises:
        Reject: as `read_cine`.
    """
    with _opened(path) as video:
        for before in range(index):
            _next(video, before)
        image = _next(video, index)
    return None if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    refuse_unreadable(path)
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        yield video
    except cv2.error as error:
        raise Reject("expected a readable video, found it damaged") from error
    finally:
        video.release()


def _frame_count(video: cv2.VideoCapture) -> int:
    """How many frames the header says there are, 1 or more."""
    if not video.isOpened():
        raise Reject("expected a video, found a file that cannot be opened as one")
    sides = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not all(0 < side <= LARGEST_SIDE for side in sides):
        raise Reject(f"expected a video of at most {LARGEST_SIDE} pixels a side, found {sides[0]:g} x {sides[1]:g}")
    frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    if frames < 1:
        raise Reject("expected a video with frames, found none in it")
    return frames


def _next(video: cv2.VideoCapture, index: int) -> NDArray[np.uint8]:
    """The next frame, number `index`, gray (H, W) or in colour (H, W, 3)."""
    found, image = video.read()
    if not found or image is None:
        raise _damaged(index)
    return image


def _damaged(index: int) -> Reject:
    return Reject(f"expected frame {index} of the video, found it or one before it damaged or cut short")


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The three channels are equal but for the codec's rounding."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
