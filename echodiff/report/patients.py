"""The patients behind the rows of a table of metrics."""

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate.patients import effective_number
from echodiff.split.twins import groups_of

PATIENT = "counted_patient"


def with_patients(rows: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The rows (dataset, case_id) with the column PATIENT, of whom each is; patients that share a frame count as one.

    `cases`: the case tables (dataset and `CASE_COLUMNS`).

    Raises:
        InputError: a row's case has none in the tables.
    """
    groups = {}
    for dataset, part in cases.groupby("dataset"):
        patients = groups_of(part["patient"], part["frame_hash"])
        named = zip(part["case_id"], patients, strict=True)
        groups |= {(dataset, case): f"{dataset}/{name}" for case, name in named}
    keys = list(zip(rows["dataset"], rows["case_id"], strict=True))
    missing = sorted(set(keys) - set(groups))
    if missing:
        dataset, case = missing[0]
        raise InputError(
            f"case table of {dataset}: expected a row for the case {case}, found none; it belongs to another ingest, "
            "or its table was not given (--cases)"
        )
    return rows.assign(**{PATIENT: [groups[key] for key in keys]})


def effective_patients(rows: pd.DataFrame) -> float:
    """The patients of at least one row (PATIENT): of unequally many images, fewer count (`effective_number`)."""
    return effective_number(np.asarray(rows[PATIENT].value_counts()))
