"""How far the ultrasound physics of a set of images lies from that of real ones, all measures in one number."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from echodiff.evaluate.interval import KEPT, MINIMUM, QUANTILE

Measures = NDArray[np.float64]


def physics_distance(own: Measures, reference: Measures) -> float:
    """Mean over the measures of the Wasserstein-1 distance, each in units of the two sets' mean standard deviation.

    Args:
        own, reference: (n, M) and (m, M), a column a measure, NaN where it is unknown.

    Returns:
        0 for identical sets; 1 where all images are shifted by the spread within the sets. A measure that is unknown
        on one side, or without spread on both, is left out; NaN where none is left.
    """
    distances = []
    for first, second in zip(own.T, reference.T, strict=True):
        first, second = first[np.isfinite(first)], second[np.isfinite(second)]
        if not len(first) or not len(second):
            continue
        spread = np.sqrt((first.var() + second.var()) / 2)
        if spread > 0:
            distances.append(wasserstein_distance(first, second) / spread)
    return float(np.mean(distances)) if distances else float("nan")


def physics_interval(own: Measures, reference: Measures, *, draws: int, seed: int) -> tuple[float, float, float]:
    """The distance with its 95 % interval by subsampling of both sets (as `interval.py`); none for tiny sets."""
    value = physics_distance(own, reference)
    if draws < 2 or min(len(own), len(reference)) < MINIMUM:
        return value, float("nan"), float("nan")
    rng = np.random.default_rng(seed)

    def part(rows: Measures) -> Measures:
        return rows[rng.choice(len(rows), size=round(KEPT * len(rows)), replace=False)]

    drawn = [physics_distance(part(own), part(reference)) for _ in range(draws)]
    half = QUANTILE * np.std(drawn, ddof=1) * np.sqrt(KEPT / (1 - KEPT))
    return value, float(value - half), float(value + half)
