"""Reading a split, always checked: a patient or frame on both sides would make every validation worthless."""

from pathlib import Path
from typing import Literal

import pandas as pd

from echodiff.errors import InputError
from echodiff.split.patients import check_split
from echodiff.store.table import read_table

COLUMNS = ("case_id", "patient", "subset", "fold", "stratum", "group", "frame_hash")


def read_split(path: Path | str) -> pd.DataFrame:
    """The table of a split, with at least `COLUMNS`.

    Raises:
        InputError: the file is missing or no split, or `check_split` refuses it.
    """
    split = read_table(path, COLUMNS)
    check_split(split, str(path))
    return split


def read_subset(path: Path | str, subset: Literal["train", "validation"]) -> list[str]:
    """The case ids of one side of a split, sorted.

    Raises:
        InputError: as `read_split`, or there is no such side.
    """
    if subset not in ("train", "validation"):
        raise InputError(f"{path}: expected the subset train or validation, was asked for {subset!r}")
    split = read_split(path)
    return sorted(split.loc[split["subset"] == subset, "case_id"])
