"""What a rule answers."""

from typing import NamedTuple


class Choice(NamedTuple):
    """The frame that a rule takes for end-diastole, from 0, and how sure it is (0..1)."""

    frame: int
    confidence: float
