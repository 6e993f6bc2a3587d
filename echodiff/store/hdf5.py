"""What image sets and feature sets share: whole files, rows by case id, attributes as plain values."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from echodiff.errors import InputError
from echodiff.store.atomic import atomic_path
from echodiff.store.careful_file import CarefulFile


@contextmanager
def new_hdf5(path: Path) -> Iterator[tuple[h5py.File, CarefulFile]]:
    """Yield a new HDF5 file that takes `path`'s place at the end, whole or not at all, and what it is written to.

    Errors of writing are raised at the end; a long writer asks the latter for them, by `check`, as it goes.

    Raises:
        OutputError: it cannot be written; what lay there before is untouched.
    """
    with atomic_path(path) as temporary:
        disk = CarefulFile(temporary)
        try:
            with h5py.File(disk, "w", libver="v110") as file:
                yield file, disk
        finally:
            disk.close()
        disk.check()


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
