"""PNG files. OpenCV's own writer says nothing of a disk that is full."""

from pathlib import Path

import cv2
import numpy as np


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write uint8, gray (H, W) or RGB (H, W, 3).

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    _, encoded = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    path.write_bytes(encoded.tobytes())
