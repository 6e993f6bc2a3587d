"""Precision, recall, density and coverage: how two sets of features overlap, by nearest neighbours.

Around each image of a set lies a ball that reaches to its k-th nearest neighbour within the set. Precision
and recall after Kynkaanniemi et al. 2019 (eq. 1), density and coverage after Naeem et al. 2020 (Section 3).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.neighbours import squared_radii
from echodiff.evaluate.parts import Part, blocks, checked, members, squared_distances, whole

NEIGHBOURS = 5
RANGES = {"precision": (0.0, 1.0), "recall": (0.0, 1.0), "density": (0.0, float("inf")), "coverage": (0.0, 1.0)}
NAMES = tuple(RANGES)
SHARES = {"precision": 0, "recall": 1, "coverage": 1}  # of the images of the first or of the second set
ON_THE_BORDER = 1 + 1e-9  # of a squared radius: rounding does not put a ball's own neighbour outside


def overlap(x: NDArray[np.floating], y: NDArray[np.floating], k: int = NEIGHBOURS) -> dict[str, float]:
    """Overlap of a set x (n, D) with real images y (m, D).

    `precision`: share of x in a ball of the real ones; `recall`: share of the real ones in a ball of x; `density`:
    number of real balls that an image of x lies in, divided by k, about 1 for equal distributions; `coverage`: share
    of the real balls that have an image of x in them, falls with the number of images of x.

    Raises:
        ValueError: fewer than two images in one of them, or other dimensions.
    """
    return {name: float(value) for name, (value,) in overlaps(x, y, [whole(x, y)], k).items()}


def overlaps(
    x: NDArray[np.floating], y: NDArray[np.floating], parts: Sequence[Part], k: int = NEIGHBOURS
) -> dict[str, NDArray[np.float64]]:
    """The overlap of each part of two sets: name -> (P,)."""
    x, y = checked(x, y)
    of_x, of_y = members([p.first for p in parts], len(x)), members([p.second for p in parts], len(y))
    balls_of_x, balls_of_y = (ON_THE_BORDER * squared_radii(own, of, k) for own, of in ((x, of_x), (y, of_y)))
    in_real, real_balls = np.zeros(len(parts)), np.zeros(len(parts))
    covered, recalled = np.zeros_like(of_y), np.zeros_like(of_y)
    for block in blocks(len(x)):
        across = squared_distances(x[block], y)
        for part, rows in enumerate(of_x[:, block]):
            in_ball = (across <= balls_of_y[part]) & rows[:, None]
            in_real[part] += in_ball.any(axis=1).sum()
            real_balls[part] += in_ball.sum()
            covered[part] |= in_ball.any(axis=0)
            recalled[part] |= (across <= balls_of_x[part, block, None]).any(axis=0)
    n, m = of_x.sum(axis=1), of_y.sum(axis=1)
    shares = (in_real / n, (recalled & of_y).sum(axis=1) / m, real_balls / n / np.minimum(k, m - 1))
    return dict(zip(NAMES, (*shares, covered.sum(axis=1) / m), strict=True))
