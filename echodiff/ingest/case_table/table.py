"""The case table: one row for every case that was found, with types that never depend on its content."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from echodiff.ingest.case_table.row import COLUMNS


def case_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows -> table with the columns and types of `COLUMNS`, sorted by case_id."""
    frame = pd.DataFrame(
        [{name: _missing_to_none(row.get(name)) for name in COLUMNS} for row in rows], columns=list(COLUMNS)
    )
    return frame.astype(COLUMNS).sort_values("case_id", kind="stable").reset_index(drop=True)


def _missing_to_none(value: Any) -> Any:
    return None if isinstance(value, (float, np.floating)) and np.isnan(value) else value
