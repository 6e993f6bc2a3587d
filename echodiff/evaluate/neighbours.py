"""The distance to the k-th nearest neighbour, within many parts of one set at once.

The nearest `LISTED` neighbours of each image are found once. In a part, the k-th of those that belong to it is looked
up; where a part holds fewer than k of them, as a small one may, the distances to the whole part are computed.
"""

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.parts import Features, Rows, blocks, squared_distances

LISTED = 32
OUTSIDE = -1.0  # the squared radius of what does not belong to a part: no distance is smaller


def squared_radii(features: Features, inside: NDArray[np.bool_], k: int) -> Features:
    """Squared distance of each image to its k-th nearest other one, in each part.

    Args:
        features: (n, D).
        inside: (P, n), which images belong to each part, two or more.
        k: lowered for parts that are too small for it.

    Returns:
        (P, n), `OUTSIDE` for images that do not belong to the part.
    """
    neighbours, distances = _nearest(features)
    radii = np.full(inside.shape, OUTSIDE)
    for own, part in zip(radii, inside, strict=True):
        rows = np.flatnonzero(part)
        wanted = min(k, len(rows) - 1)
        rank = part[neighbours[rows]].cumsum(axis=1)
        own[rows] = distances[rows, (rank >= wanted).argmax(axis=1)]
        short = rows[rank[:, -1] < wanted]
        if len(short):
            own[short] = _by_all(features[short], features[rows], wanted)
    return radii


def _nearest(features: Features) -> tuple[Rows, Features]:
    """Positions of each image's nearest others (n, at most LISTED), the nearest first, and their squared distances."""
    n = len(features)
    listed = min(LISTED, n - 1)
    neighbours, distances = np.empty((n, listed), np.int64), np.empty((n, listed))
    for block in blocks(n):
        own = squared_distances(features[block], features)
        own[np.arange(len(own)), np.arange(block.start, block.stop)] = np.inf  # no neighbour of itself
        nearest = np.argpartition(own, listed - 1, axis=1)[:, :listed]
        found = np.take_along_axis(own, nearest, axis=1)
        order = found.argsort(axis=1)
        neighbours[block] = np.take_along_axis(nearest, order, axis=1)
        distances[block] = np.take_along_axis(found, order, axis=1)
    return neighbours, distances


def _by_all(features: Features, others: Features, k: int) -> Features:
    """Squared distance to the k-th nearest of `others`, to which each image itself belongs, at distance 0."""
    return np.concatenate(
        [np.partition(squared_distances(features[block], others), k, axis=1)[:, k] for block in blocks(len(features))]
    )
