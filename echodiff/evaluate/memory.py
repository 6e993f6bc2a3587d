"""Memory: does a synthetic image lie closer to a training image than one real patient lies to another?

Each image is compared with all training images in three spaces: features of the extractor, a thumbnail of
gray values, and correlation inside the tissue sector after registration (`registration.py`). A distance is suspicious
below a threshold that distances between real training images fall under at the configured rate.
"""

from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float64]

FEATURES, THUMBNAIL, CORRELATION = "features", "thumbnail", "correlation"
SPACES = (FEATURES, THUMBNAIL, CORRELATION)
UNMOVED = (FEATURES, THUMBNAIL)  # compared as they are: features, and so small an image, hardly change with a motion

THUMBNAIL_SIZE = 32  # pixels
LOWER_QUANTILE = 0.05
NORMAL = NormalDist()


@dataclass(frozen=True)
class Nearest:
    """For each of n images its nearest one among others: positions (n,) and distances (n,)."""

    position: NDArray[np.int64]
    distance: Vectors


def thumbnails(images: NDArray[np.uint8]) -> Vectors:
    """Gray values in [0, 1] of frames (N, H, W) averaged to 32 x 32: (N, 1024)."""
    size = (THUMBNAIL_SIZE, THUMBNAIL_SIZE)
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images]
    return np.stack(small).reshape(len(images), -1) / 255.0


def nearest(x: Vectors, others: Vectors) -> Nearest:
    """The nearest row of `others` (m, D) for each row of `x` (n, D); the first of equals."""
    distances = _distances(x, others)
    position = distances.argmin(axis=1)
    return Nearest(position, distances[np.arange(len(x)), position])


def nearest_other(x: Vectors, groups: NDArray) -> Vectors:
    """Distance of each row to the nearest row of another patient that is no copy of it.

    Archives hold the same frame under two patients now and then; such pairs say nothing about how far apart
    different patients lie, and are left out: patients that share a frame count as one in `groups`, and equal rows as
    copies whatever the files say. Infinite for a row without any other.
    """
    distances = _distances(x, x)
    distances[(groups[:, None] == groups) | (distances == 0)] = np.inf
    return distances.min(axis=1)


def _distances(x: Vectors, others: Vectors) -> Vectors:
    """Euclidean distances (n, m), row by row: exactly 0 between equal rows, which a matrix product would not give."""
    return np.sqrt(np.stack([((others - row) ** 2).sum(axis=1) for row in x]))


def threshold(between_patients: Vectors, alarm_rate: float) -> float:
    """The distance that different patients fall below at `alarm_rate`.

    The logarithms of the distances are taken as normal, with the median and the spread between the median and
    the 5 % quantile, so that the rate may lie below one in the number of images. A few pairs that lie closer still do
    not move it: they are one frame under two patients more often than two patients that look alike.
    """
    known = np.log(between_patients[np.isfinite(between_patients)])
    if len(known) < 2:
        return 0.0
    median, low = np.quantile(known, (0.5, LOWER_QUANTILE))
    spread = (median - low) / -NORMAL.inv_cdf(LOWER_QUANTILE)
    return float(np.exp(median + NORMAL.inv_cdf(alarm_rate) * spread))
