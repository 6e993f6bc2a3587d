"""One frame out of a video file, without decoding the rest."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2  # noqa: E402  the two variables are read when OpenCV is loaded

LARGEST_SIDE = 8192


def read_frame(path: Path, index: int) -> tuple[NDArray[np.uint8], int]:
    """Frame `index` (from 0) as gray (H, W), and how many frames the video says it has.

    Raises:
        Reject: the file is no video, is cut short, or has no such frame.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        return _read_open(video, index)
    except cv2.error as error:
        raise Reject("expected a readable video, found it damaged") from error
    finally:
        video.release()


def read_cine(path: Path, most: int) -> tuple[NDArray[np.uint8], int]:
    """The first frames, at most `most`, as gray (F, H, W), and how many frames the video says it has.

    Raises:
        Reject: the file is no video or is cut short before its first frame.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        first, frames = _read_open(video, 0)
        rest = (_gray(image) for found, image in (video.read() for _ in range(min(frames, most) - 1)) if found)
        return np.stack([first, *rest]), frames
    except cv2.error as error:
        raise Reject("expected a readable video, found it damaged") from error
    finally:
        video.release()


def _read_open(video: cv2.VideoCapture, index: int) -> tuple[NDArray[np.uint8], int]:
    if not video.isOpened():
        raise Reject("expected a video, found a file that cannot be opened as one")
    frames = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    sides = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
    if not all(0 < side <= LARGEST_SIDE for side in sides):
        raise Reject(f"expected a video of at most {LARGEST_SIDE} pixels a side, found {sides[0]:g} x {sides[1]:g}")
    if not 0 <= index < frames:
        raise Reject(f"expected the traced frame {index} in the video, found {frames} frames")
    video.set(cv2.CAP_PROP_POS_FRAMES, index)
    found, image = video.read()
    if not found or image is None:
        raise Reject(f"expected frame {index} of the video, found it damaged or cut short")
    return _gray(image), frames


def _gray(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The three channels are equal but for the codec's rounding."""
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
