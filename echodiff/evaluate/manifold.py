"""Precision, recall, density and coverage: how two sets of features overlap, by nearest neighbours.

Around each image of a set lies a ball that reaches to its k-th nearest neighbour within the set. Precision
and recall after Kynkaanniemi et al. 2019 (eq. 1), density and coverage after Naeem et al. 2020 (Section 3).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Features = NDArray[np.float64]

NEIGHBOURS = 5


def precision(x: Features, real: Features, k: int = NEIGHBOURS) -> float:
    """Share of the images of x (n, D) that lie in a ball of the real ones (m, D)."""
    return float((cdist(x, real) <= radii(real, k)).any(axis=1).mean())


def recall(x: Features, real: Features, k: int = NEIGHBOURS) -> float:
    """Share of the real images that lie in a ball of x."""
    return precision(real, x, k)


def density(x: Features, real: Features, k: int = NEIGHBOURS) -> float:
    """Number of real balls that an image of x lies in, divided by k; about 1 for equal distributions."""
    k = min(k, len(real) - 1)
    return float((cdist(x, real) <= radii(real, k)).sum(axis=1).mean() / k)


def coverage(x: Features, real: Features, k: int = NEIGHBOURS) -> float:
    """Share of the real balls that have an image of x in them; falls with the number of images of x."""
    return float((cdist(real, x).min(axis=1) <= radii(real, k)).mean())


def radii(features: Features, k: int) -> NDArray[np.float64]:
    """Distance of each row to its k-th nearest other row; k is lowered for sets that are too small for it."""
    k = min(k, len(features) - 1)
    return np.partition(cdist(features, features), k, axis=1)[:, k]


STATISTICS: dict[str, Callable[[Features, Features], float]] = {
    "precision": precision,
    "recall": recall,
    "density": density,
    "coverage": coverage,
}
