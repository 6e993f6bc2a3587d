"""A user's table of planes: a CSV with three landmarks of each volume, and its end-diastolic frame where known."""

import csv
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path

import numpy as np

from echodiff.errors import InputError
from echodiff.ingest.labels_beside import stem_of_image
from echodiff.ingest.listed import MISSING

LANDMARKS = ("apex", "mitral_centre", "lateral_annulus")
COORDINATES = tuple(f"{point}_{axis}" for point in LANDMARKS for axis in "xyz")
FRAME = "frame"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+(\.0*)?")


def read_planes(path: Path) -> dict[str, dict[str, float]]:
    """Volume's name without ending -> coordinates in mm, and the ED frame where the table has such a column.

    Columns: `name`, `apex_x` ... `lateral_annulus_z` in mm (each may end in `_mm`), `frame` from 0 (optional).
    An absent table gives no planes, an empty cell NaN. Names are text: `001` stays as it is written.

    Raises:
        InputError: not a table, a column is missing, a cell is no number, or a volume has two planes.
    """
    planes: dict[str, dict[str, float]] = {}
    if not path.is_file():
        return planes
    for line, cells in _rows(path):
        name = _stem(cells["name"])
        row = {column: _number(path, line, column, text) for column, text in cells.items() if column != "name"}
        if not _same(planes.setdefault(name, row), row):  # vol.nii and vol.nii.gz have one plane
            raise InputError(
                f"{path}: expected one plane for each volume, found '{name}' with another in row {line}; "
                "remove one of them"
            )
    return planes


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line in the file, from 1, and the texts of the columns that count; empty lines are left out."""
    lines = _lines(path)
    _, head = next(lines, (0, []))
    columns = [cell.removesuffix("_mm") for cell in head]
    missing = [column for column in ("name", *COORDINATES) if column not in columns]
    if missing:
        raise InputError(
            f"{path}: expected the columns name, {', '.join(COORDINATES)}, found none named {', '.join(missing)}"
        )
    for line, cells in lines:
        if any(cells[len(columns) :]):
            raise InputError(
                f"{path}: expected {len(columns)} columns and numbers with a decimal point, found {len(cells)} columns "
                f"in row {line}; mend the row"
            )
        texts = dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))
        if not texts["name"]:
            raise InputError(f"{path}: expected the name of a volume, found none in row {line}; mend the row")
        yield line, {column: texts[column] for column in ("name", *COORDINATES, FRAME) if column in texts}


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.reader(file)
            for cells in table:
                cells = [cell.strip() for cell in cells]
                if any(cells):
                    yield table.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV in UTF-8, found something else; save it as such") from error


def _number(path: Path, line: int, column: str, text: str) -> float:
    if text.lower() in MISSING:
        return float("nan")
    pattern, what = (WHOLE, "a whole number") if column == FRAME else (NUMBER, "a number with a decimal point")
    if not pattern.fullmatch(text):
        raise InputError(f"{path}: expected {what} as {column}, found '{text}' in row {line}; mend the cell")
    return float(text)


def _stem(name: str) -> str:
    path = Path(name)
    return path.with_name(stem_of_image(path)).as_posix()


def _same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return np.array_equal(list(one.values()), list(other.values()), equal_nan=True)
