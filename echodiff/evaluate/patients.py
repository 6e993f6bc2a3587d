"""Whose image is whose: intervals and tests count patients, as several images of one are no independent cases."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.split.twins import groups_of

CASE_COLUMNS = ("case_id", "patient", "frame_hash")


def patients_of(case_ids: Sequence[str], cases: pd.DataFrame) -> list[str]:
    """The patient of each case by the dataset's case table (`CASE_COLUMNS`); those that share a frame count as one.

    Raises:
        InputError: a case has no row in the table.
    """
    known = cases.set_index("case_id")
    missing = sorted(set(case_ids) - set(known.index))
    if missing:
        raise InputError(
            f"case table: expected a row for the case {missing[0]}, found none; it belongs to another ingest"
        )
    return groups_of(known["patient"], known["frame_hash"]).loc[list(case_ids)].tolist()


def effective_number(sizes: NDArray[np.int64]) -> float:
    """Of groups of these sizes, all above 0: their number where they are equal, near 1 where one has most images."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())
