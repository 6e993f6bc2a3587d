"""What image sets and feature sets share: rows by case id, attributes as plain values."""

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from echodiff.errors import InputError


def rows_of(cases: Sequence[str], wanted: Sequence[str], *, origin: str, remedy: str) -> list[int]:
    """The places of `wanted` in `cases`, in the order of `wanted`.

    Raises:
        InputError: one of them is not there; the sentence begins with `origin` and ends with `remedy`.
    """
    place = {case: row for row, case in enumerate(cases)}
    missing = [case for case in wanted if case not in place]
    if missing:
        raise InputError(
            f"{origin}: expected the case {missing[0]}, found it not among the {len(cases)} cases; {remedy}"
        )
    return [place[case] for case in wanted]


def plain_attributes(node: h5py.HLObject) -> dict[str, Any]:
    """The attributes of a file or dataset as Python's own types."""
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in node.attrs.items()}
