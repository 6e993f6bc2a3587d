"""A few of many: those that are shown or measured where all would be too much."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def at_even_distances(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of `items` at even distances, the first and the last among them; all where there are fewer."""
    if len(items) <= count:
        return list(items)
    places = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[place] for place in places]
