"""Reasons of rejects by kind: sentences that differ in numbers and names alone say the same."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

# Words with a digit are sizes, frames, values and most names; several in a row are one.
_NUMBERS = re.compile(r"(?:[^\s,;()]*\d[^\s,;()]*)(?:(?:, | x | and |/| )[^\s,;()]*\d[^\s,;()]*)*")


class Kind(NamedTuple):
    """Reasons of one kind."""

    count: int
    """Cases."""
    example: str
    """The sentence that most of them have."""
    sentences: int
    """Different sentences."""


def by_kind(reasons: Iterable[str]) -> dict[str, Kind]:
    """Kind -> its cases, the most frequent first; of equally frequent ones in the order of the alphabet."""
    counts = Counter(reasons)
    kinds: dict[str, dict[str, int]] = {}
    for reason, count in counts.items():
        kinds.setdefault(kind(reason), {})[reason] = count
    found = {
        name: Kind(sum(own.values()), min(own, key=lambda reason: (-own[reason], reason)), len(own))
        for name, own in kinds.items()
    }
    return dict(sorted(found.items(), key=lambda item: (-item[1].count, item[0])))


def kind(reason: str) -> str:
    """A reason with `#` in the place of numbers, and of names that have a digit."""
    return _NUMBERS.sub("#", reason)
