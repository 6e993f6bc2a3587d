"""The patients behind the rows of a table of metrics."""

import numpy as np
import pandas as pd

from echodiff.evaluate.patients import CASE_COLUMNS, effective_number
from echodiff.split.twins import groups_of

PATIENT = "counted_patient"


def with_patients(rows: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The rows (dataset, case_id) with the column PATIENT, of whom each is; patients that share a frame count as one.

    `cases`: the case tables. A case of which they know no patient counts as one of its own.
    """
    own = rows["dataset"].astype(str) + "/" + rows["case_id"].astype(str)
    if {"dataset", *CASE_COLUMNS} <= set(cases):
        groups = {}
        for dataset, part in cases[cases["patient"].notna()].groupby("dataset"):
            patients = groups_of(part["patient"], part["frame_hash"])
            groups |= {
                f"{dataset}/{case}": f"{dataset}/{name}" for case, name in zip(part["case_id"], patients, strict=True)
            }
        own = own.map(groups).fillna(own)
    return rows.assign(**{PATIENT: own})


def effective_patients(rows: pd.DataFrame) -> float:
    """The patients of at least one row (PATIENT): of unequally many images, fewer count (`effective_number`)."""
    return effective_number(np.asarray(rows[PATIENT].value_counts()))
