"""Image sets as a folder of files that other programs read, with a table of the cases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from echodiff.export.cases import Case
from echodiff.export.dicom import write_dicom
from echodiff.export.nnunet import finish_nnunet, write_nnunet
from echodiff.export.pictures import write_nifti, write_png
from echodiff.progress import Progress
from echodiff.store.atomic import whole_folder

TABLE = "cases.csv"


def _nothing_more(folder: Path, cases: Sequence[Case]) -> None:
    """Most formats are complete with the files of their cases."""


@dataclass(frozen=True)
class Format:
    """A way to write cases.

    write: writes one case into the folder and returns its files, relative to it, by `image`, `label_map` and, where
    there is one, `sector`. finish: writes what the folder needs besides, once all cases are written.
    """

    write: Callable[[Path, Case], Mapping[str, str]]
    finish: Callable[[Path, Sequence[Case]], None] = _nothing_more


FORMATS = {
    "nifti": Format(write_nifti),
    "png": Format(write_png),
    "dicom": Format(write_dicom),
    "nnunet": Format(write_nnunet, finish_nnunet),
}


def export_cases(cases: Sequence[Case], output: Path, *, format: str) -> pd.DataFrame:
    """Write frames and label maps of all cases into the folder `output`, which appears whole or not at all.

    `cases.csv` has a row a case: `case_id`, the files `image`, `label_map` and `sector`, `row_mm`, `column_mm` (empty
    where a pixel's size is not known), `dataset`, `kind`, of translations `model` and `seed`.

    Args:
        format: one of FORMATS.

    Returns:
        The table.

    Raises:
        OutputError: `output` holds something else than an earlier export, or cannot be written.
    """
    own = FORMATS[format]
    progress = Progress(len(cases), description="export", unit="cases")
    rows = []
    with whole_folder(output, sign=TABLE) as folder:
        for case in cases:
            row_mm, column_mm = case.spacing_mm
            row = {"case_id": case.case_id, **own.write(folder, case), "row_mm": row_mm, "column_mm": column_mm}
            rows.append(row | dict(case.origin))
            progress.advance()
        own.finish(folder, cases)
        table = pd.DataFrame(rows)
        if any(case.seed is not None for case in cases):
            table["seed"] = pd.array([case.seed for case in cases], dtype="UInt64")  # of 64 bits, a float has 53
        table.to_csv(folder / TABLE, index=False)
    progress.close()
    return table
