"""A user's table of frames, `cases.csv` as `echodiff export` writes it: what files of pictures do not say."""

import posixpath
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echodiff.errors import InputError
from echodiff.ingest.case import UNKNOWN_SPACING
from echodiff.ingest.folder.table import number_in, table_rows

# Other titles of columns, the first three as `echodiff export` has them; capitals and spaces do not count.
NAMES = {
    "image": "file",
    "label_map": "label",
    "case_id": "name",
    "filename": "file",
    "file_name": "file",
    "mask": "label",
    "patient_id": "patient",
    "ed_frame": "frame",
}
PATHS = ("file", "label", "sector")
NUMBERS = ("row_mm", "column_mm")
LARGEST_MM = 5.0  # of a pixel


@dataclass(frozen=True)
class Listed:
    """A file's row; what it does not say is empty, NaN or None."""

    name: str = ""
    patient: str = ""
    label: str = ""
    """Label map, as a path in the folder like the file's own."""
    sector: str = ""
    """Map of the tissue sector, above 0 inside it."""
    spacing_mm: tuple[float, float] = UNKNOWN_SPACING
    frame: int | None = None
    """End-diastole, from 0."""

    @property
    def files(self) -> dict[str, str]:
        """The other files that the row names, by role."""
        return {role: path for role, path in (("label", self.label), ("sector", self.sector)) if path}


def read_frames_table(table: Path) -> dict[str, Listed]:
    """File, as a path in the folder -> its row; empty where there is no such table.

    Columns: `file`, and any of `name`, `patient`, `label`, `sector`, `row_mm`, `column_mm` and `frame`; others are left
    aside, and `NAMES` has other titles of these. Paths may be as Windows writes them.

    Raises:
        InputError: not a table, no column of files, a cell that is no such number, or a file twice.
    """
    listed: dict[str, Listed] = {}
    for line, cells in table_rows(table, ("file",), _named, NUMBERS):
        cells |= {key: _as_path(cells[key]) for key in PATHS if key in cells}
        file = cells["file"]
        if not file or file in listed:
            found = "one again" if file else "none"
            raise InputError(f"{table}: expected each file once, found {found} in row {line}; mend the row")
        texts = {key: cells.get(key, "") for key in ("name", "patient", "label", "sector")}
        frame = number_in(table, line, "frame", cells.get("frame", ""), whole=True)
        listed[file] = Listed(
            **texts, spacing_mm=_spacing(table, line, cells), frame=None if np.isnan(frame) else int(frame)
        )
    return listed


def _named(title: str) -> str:
    plain = title.lower().replace(" ", "_")
    return NAMES.get(plain, plain)


def _as_path(text: str) -> str:
    """A path in the folder with slashes, without `./` before it."""
    return posixpath.normpath(text.replace("\\", "/")) if text else text


def _spacing(table: Path, line: int, cells: dict[str, str]) -> tuple[float, float]:
    row, column = (number_in(table, line, key, cells.get(key, "")) for key in NUMBERS)
    if np.isnan(row) and np.isnan(column):
        return UNKNOWN_SPACING
    if not (0 < row <= LARGEST_MM and 0 < column <= LARGEST_MM):
        raise InputError(
            f"{table}: expected row_mm and column_mm above 0 and up to {LARGEST_MM:g} mm, or both empty, found {row:g} "
            f"and {column:g} in row {line}; mend the cells"
        )
    return row, column
