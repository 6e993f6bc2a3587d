"""Label maps in parts: one mask for each structure, `case1_LV.png`, `case1_MYO.png` or `LA/case1.png`."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject

ROLE = "label_"  # with the structure's name: the role of its mask among a case's files


def masks_of(files: Mapping[str, Path]) -> dict[str, Path]:
    """Structure -> its mask, of a case's files by role."""
    return {role.removeprefix(ROLE): path for role, path in files.items() if role.startswith(ROLE)}


def structures_in(cases: Iterable[Mapping[str, Path]]) -> tuple[str, ...]:
    """The structures of which any case has a mask."""
    return tuple(sorted({structure for files in cases for structure in masks_of(files)}))


def refuse_lacking(files: Mapping[str, Path], structures: Iterable[str]) -> None:
    """Refuse a case that has masks, but not of all the `structures` that others have.

    Raises:
        Reject: with those that are missing.
    """
    found = masks_of(files)
    lacking = [structure for structure in structures if structure not in found]
    if found and lacking:
        raise Reject(
            f"expected masks of {', '.join(structures)} as other images have them, found none of "
            f"{' and '.join(lacking)}; add it, an empty one where nothing is to be seen"
        )


def region_of(values: NDArray, what: str) -> NDArray[np.bool_]:
    """Where a mask of one structure is not its background, which is 0.

    Raises:
        Reject: more than one value besides it, as of a picture or of several structures.
    """
    inside = np.unique(values[values != 0])
    if len(inside) > 1 or not np.isfinite(inside).all():
        shown = ", ".join(f"{value:g}" for value in inside[:5]) + (", ..." if len(inside) > 5 else "")
        raise Reject(
            f"{what}: expected a mask of one structure, 0 and one other value, found {shown}; draw it anew "
            "or cut it off at half of the highest value"
        )
    return values != 0
