"""AVI files of Motion JPEG, which OpenCV encodes by itself: the same bytes on every machine."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np


def write_video(path: Path, frames: Iterable[np.ndarray], size: tuple[int, int], frame_ms: float, quality: int) -> None:
    """Write frames uint8, gray (H, W) or RGB (H, W, 3), of `size` (H, W); JPEG `quality` 0..100.

    Raises:
        OSError: the encoder cannot be opened.
    """
    fourcc = cv2.VideoWriter_fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, fourcc, round(1000 / frame_ms), size[::-1], True)
    if not writer.isOpened():
        raise OSError(f"{path}: OpenCV's own MJPG encoder could not be opened")
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, quality)
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR if frame.ndim == 2 else cv2.COLOR_RGB2BGR))
    writer.release()
