"""How far a scanner's persistence delays what a cine shows.

Scanners average frames in time: each frame shown is a share a of the one before and 1 - a of the new one. Motion then
comes up to a / (1 - a) frames late, and with it end-diastole by any rule of the picture; tags and ECG are not delayed.
"""

import numpy as np
from numpy.typing import NDArray

FEWEST_FRAMES = 8
FEWEST_PIXELS = 100
MOST_PIXELS = 20_000
DARK, CALM = 0.25, 0.5  # shares of the pixels, then of the dark ones, that are looked at
SLOW = 6  # frames over which a mean keeps motion and loses noise
LARGEST = 0.8  # share of the frame before; more would be motion that is taken for persistence
SMALLEST = 0.25  # share; less delays by a third of a frame at most, and speckle that moves slowly looks the same
FRESH = 0.05  # correlation of changes below which too little is new in a frame to tell the share


def persistence(frames: NDArray[np.uint8], sector: NDArray[np.bool_]) -> float:
    """The share (0.25..0.8) of the frame before that each frame shows; 0 where it is less, or the cine does not tell.

    What is new in every frame is noise, seen best in blood: dark pixels whose slow course changes least. Averaged in
    this way noise is an autoregression of first order, and the changes from frame to frame correlate by
    -(1 - a) a^(k - 1) / 2 at a lag of k frames: a follows from the first lag, and from the ratio of two. The smaller
    counts, as motion makes the first larger and chance the second, in short cines most. Noise that comes after the
    averaging, as of compression, makes both smaller.

    Args:
        frames: (F, H, W); 0 for fewer than eight.
        sector: (H, W).
    """
    if len(frames) < FEWEST_FRAMES:
        return 0.0
    places = np.flatnonzero(sector)
    values = frames.reshape(len(frames), -1)[:, places[:: max(1, len(places) // MOST_PIXELS)]]
    values = values[:, (values.min(axis=0) > 0) & (values.max(axis=0) < 255)]  # clipped noise is another noise
    values = _lowest(values, values.mean(axis=0), DARK).astype(np.float64)
    sums = np.cumsum(values, axis=0)
    values = _lowest(values, (sums[SLOW:] - sums[:-SLOW]).var(axis=0), CALM)
    if values.shape[1] < FEWEST_PIXELS:
        return 0.0
    changes = np.diff(values, axis=0)
    power, first, second = (float((changes[k:] * changes[: len(changes) - k]).mean()) for k in (0, 1, 2))
    share = min(1 + 2 * first / power, second / first) if first < -FRESH * power else 0.0
    return min(share, LARGEST) if share >= SMALLEST else 0.0


def _lowest(values: NDArray, measure: NDArray[np.float64], share: float) -> NDArray:
    """The columns (F, N) whose measure (N,) is among the lowest."""
    return values[:, measure <= np.quantile(measure, share)] if len(measure) else values
