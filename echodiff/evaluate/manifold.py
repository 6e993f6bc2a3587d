"""Precision, recall, density and coverage: how two sets of features overlap, by nearest neighbours.

Around each image of a set lies a ball that reaches to its k-th nearest neighbour within the set. Precision
and recall after Kynkaanniemi et al. 2019 (eq. 1), density and coverage after Naeem et al. 2020 (Section 3).
"""

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.pair import Pair

NEIGHBOURS = 5
RANGES = {"precision": (0.0, 1.0), "recall": (0.0, 1.0), "density": (0.0, float("inf")), "coverage": (0.0, 1.0)}
NAMES = tuple(RANGES)
SHARES = {"precision": 0, "recall": 1, "coverage": 1}  # of the images of the first or of the second set
ON_THE_BORDER = 1 + 1e-9  # of a squared radius: rounding does not put a ball's own neighbour outside


def overlap(pair: Pair, k: int = NEIGHBOURS) -> dict[str, float]:
    """Overlap of a set x with real images y.

    `precision`: share of x in a ball of the real ones; `recall`: share of the real ones in a ball of x; `density`:
    number of real balls that an image of x lies in, divided by k, about 1 for equal distributions; `coverage`: share
    of the real balls that have an image of x in them, falls with the number of images of x.
    """
    within_x, across, within_y = pair.squared_distances()
    in_real = across <= _squared_radii(within_y, k)
    in_x = across <= _squared_radii(within_x, k)[:, None]
    values = (
        in_real.any(axis=1).mean(),
        in_x.any(axis=0).mean(),
        in_real.sum(axis=1).mean() / min(k, len(within_y) - 1),
        in_real.any(axis=0).mean(),
    )
    return dict(zip(NAMES, map(float, values), strict=True))


def _squared_radii(within: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Squared distance of each row to its k-th nearest other row; k is lowered for sets that are too small for it."""
    k = min(k, len(within) - 1)
    return np.partition(within, k, axis=1)[:, k] * ON_THE_BORDER
