"""How far the heart's base lies from the probe in each frame: it comes nearer as the ventricle contracts."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.middle import middle

SIDE = 96  # pixels to which the middle of the sector is reduced
BLUR = 1.5  # of these pixels: speckle changes from frame to frame, walls stay
APICAL = SIDE // 3  # rows below the probe that do not count: the apex hardly moves
BOTTOM = 7 / 8  # of the sector's height: the base lies above it
# Farneback's dense flow: pyramid scale, levels, window, iterations, neighbourhood and its deviation, flags.
FLOW = (0.5, 3, 21, 3, 7, 1.5, 0)


def base_descent(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean shift (F,) of what is bright and horizontal in the lower two thirds, downwards, without its linear drift.

    In pixels of the reduced frame; summed from frame to frame, as nothing is followed over a whole beat. In an apical
    view, with the apex at the top, the annulus goes down as the ventricle fills, and up by a centimetre or more in
    systole (mitral annular plane systolic excursion). This tells end-diastole from end-systole where brightness does
    not.

    Args:
        frames: (F, H, W), two or more.
        sector: (H, W).
    """
    small = _reduced(frames, sector)
    steps = [_shift(before, after) for before, after in zip(small, small[1:], strict=False)]
    place = np.concatenate([[0.0], np.cumsum(steps)])
    time = np.arange(len(place))
    return place - np.polyval(np.polyfit(time, place, 1), time) if len(place) > 2 else place


def _shift(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Mean downward flow from one frame to the next, weighted by the strength of horizontal edges."""
    edges = np.abs(cv2.Sobel(before, cv2.CV_32F, 0, 1, ksize=5))[APICAL:]
    flow = cv2.calcOpticalFlowFarneback(before, after, None, *FLOW)[APICAL:, :, 1]
    return float((flow * edges).sum() / max(float(edges.sum()), 1e-9))


def _reduced(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The middle of the sector (F, SIDE, SIDE), its brightest place at 255."""
    part = middle(sector, BOTTOM)
    parts = (frame[part].astype(np.float32) for frame in frames)
    resized = (cv2.resize(own, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for own in parts)
    small = np.stack([cv2.GaussianBlur(own, (0, 0), BLUR) for own in resized])
    return (small * (255 / max(float(small.max()), 1e-9))).astype(np.uint8)
