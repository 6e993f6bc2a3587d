"""How far the ultrasound physics of a set of images lies from that of real ones, all measures in one number.

The distance of two samples of one distribution is above zero, and more so the fewer images they have: it is read beside
its floor.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from echodiff.evaluate.interval import MINIMUM, Grouping, divisions, half_width

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


def physics_interval(
    own: Measures, reference: Measures, groups: tuple[Grouping, Grouping], *, draws: int, seed: int
) -> tuple[float, float, float]:
    """The distance with its 95 % interval (as `interval.py`, from 0 up); none for tiny sets.

    groups: of the images of each set, their patients.
    """
    value, (first, second) = physics_distance(own, reference), groups
    if draws < 2 or min(first.count, second.count) < MINIMUM:
        return value, float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    drawn = [physics_distance(own[first.draw(rng)], reference[second.draw(rng)]) for _ in range(draws)]
    half = half_width(drawn, groups)
    return value, max(value - half, 0.0), value + half


def physics_floor(
    reference: Measures, groups: Sequence[str], n: int, *, draws: int, seed: int
) -> tuple[float, float, float]:
    """The distance of `n` of the real images from the rest of them: mean and 2.5 to 97.5 % range over random splits.

    Args:
        reference: (m, M), as of `physics_distance`.
        groups: each image's group; no group is on both sides.

    Returns:
        NaN where `n` is more than half of the images, because a floor of fewer would be too high.
    """
    parts = divisions(groups, first=n, draws=max(draws, 1), seed=seed) if n <= len(groups) // 2 else []
    found = [physics_distance(reference[part.first], reference[part.second]) for part in parts]
    if not found:
        return (float("nan"),) * 3
    return float(np.mean(found)), *(float(end) for end in np.quantile(found, (0.025, 0.975)))
