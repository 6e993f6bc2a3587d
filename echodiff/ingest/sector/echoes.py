"""Which pixels of a frame or cine show echoes, and which were drawn: text, rulers, an ECG, colour bars."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

DARK = 4  # gray levels above the background from which something is shown: compression leaves a little around it
RINGING = 0.12  # of the brightest pixel within a block: below it, what is shown may come from compression
BLOCK = 17  # pixels across the surroundings that a JPEG block of 8 x 8 reaches
CINE = 4  # frames from which what moves is told from what stands still
DENSE = 0.4  # share of bright pixels around an echo; strokes of letters leave more gaps
STROKE_SHARE = 0.012  # thickness of lines and strokes of letters at most, of the frame's shorter side
LARGEST_BACKGROUND = 100  # gray level; a brighter level that is frequent belongs to the picture
FEWEST_BACKGROUND = 0.05  # share of the frame that the background covers at least
WRITTEN = 96  # gray levels above the background from which a pixel may belong to a drawing


@dataclass(frozen=True)
class Echoes:
    """Two masks (H, W) of one frame or cine."""

    tissue: NDArray[np.bool_]
    """Dense and, in a cine, moving: what the sector has to hold."""

    drawn: NDArray[np.bool_]
    """Bright and thin, in a cine also unmoved: what may not be left in the sector's margin."""


def find_echoes(frames: NDArray[np.uint8]) -> Echoes:
    """Echoes and drawings of frames (F, H, W)."""
    brightest, mean = frames.max(axis=0), frames.mean(axis=0, dtype=np.float32)
    level = background(brightest)
    bright = brightest > min(level + DARK, 255)
    excess = mean - level
    shown = bright & (excess > RINGING * cv2.dilate(excess, np.ones((BLOCK, BLOCK), np.uint8)))
    written = brightest > min(level + WRITTEN, 254)
    if len(frames) < CINE:
        tissue = _dense(shown)
        return Echoes(tissue, written & ~tissue)
    moving = brightest - frames.min(axis=0) > DARK
    tissue = _dense(shown & moving)
    return Echoes(tissue, written & (~tissue | _thin(written & ~moving)))


def background(image: NDArray[np.uint8]) -> int:
    """Gray level of "nothing shown": the most frequent one, 0 where none stands out among the dark levels."""
    counts = np.bincount(image.ravel(), minlength=256)[:LARGEST_BACKGROUND]
    level = int(counts.argmax())
    return level if counts[level] >= FEWEST_BACKGROUND * image.size else 0


def _thin(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of a mask that are no wider than twice a stroke."""
    stroke = 2 * _stroke(mask.shape) + 1
    wide = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((stroke, stroke), np.uint8))
    return mask & (wide == 0)


def _dense(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without lines and letters, the gaps of speckle closed."""
    stroke = _stroke(shown.shape)
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke, stroke))
    pixels = shown.astype(np.uint8)
    window = 4 * stroke + 1
    density = cv2.blur(pixels.astype(np.float32), (window, window), borderType=cv2.BORDER_REFLECT)
    closed = cv2.morphologyEx(pixels & (density > DENSE).astype(np.uint8), cv2.MORPH_CLOSE, ellipse)
    return cv2.morphologyEx(closed, cv2.MORPH_OPEN, ellipse).astype(bool)


def _stroke(shape: tuple[int, int]) -> int:
    """Thickness of strokes in pixels, odd, so that filters shift nothing."""
    return max(3, round(STROKE_SHARE * min(shape))) | 1
