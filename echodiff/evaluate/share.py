"""The interval of a share of N images."""

import numpy as np

from echodiff.evaluate.interval import QUANTILE, Interval


def share_interval(share: float, n: float) -> Interval:
    """95 % interval of a share (0..1) of n > 0 images (Wilson 1927), which is not empty where it is 0 or 1.

    n: of several images a patient their `effective_number`.
    """
    z2 = QUANTILE**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = QUANTILE * np.sqrt(share * (1 - share) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return float(max(centre - half, 0.0)), float(min(centre + half, 1.0))
