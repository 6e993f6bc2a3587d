"""A user's table beside the files: empty cells, and names that must be there, else a slip of the pen passes unseen."""

import contextlib
import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from echodiff.errors import InputError

MISSING = ("", "na", "nan")  # a cell without a number, as spreadsheets, R and pandas write it, in small letters
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
WHOLE = re.compile(r"[+-]?\d+(\.0*)?")
SEPARATORS = (",", ";", "\t")  # spreadsheets write one of the latter two where the comma is the decimal sign
DECIMAL_COMMA = re.compile(r"^([+-]?\d*),(\d+)$")


def refuse_unknown(table: Path, named: Collection[str], present: Collection[str]) -> None:
    """Refuse a table that names what is not in the folder.

    Raises:
        InputError: with the first of such names and their number.
    """
    unknown = sorted(set(named) - set(present))
    if unknown:
        others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise InputError(
            f"{table}: expected names of files in this folder, found none for '{unknown[0]}'{others}; "
            "mend or remove these rows"
        )


def table_rows(
    table: Path, required: Sequence[str], named: Callable[[str], str] = str, numbers: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line in the file, from 1, and texts by column, of which `required` have to be there; empty lines are left out.

    `named` turns a column's title into its name. Columns are parted by the one of commas, semicolons and tabs that the
    first line has most of; where it is not the comma, `numbers` may have decimal commas. A table that is absent has no
    rows.

    Raises:
        InputError: no table, a column is missing, or a row has more cells than there are columns.
    """
    if not table.is_file():
        return
    separator = _separator(table)
    lines = _lines(table, separator)
    _, head = next(lines, (0, []))
    columns = [named(cell) for cell in head]
    missing = [column for column in required if column not in columns]
    if missing:
        raise InputError(f"{table}: expected the columns {', '.join(required)}, found none named {', '.join(missing)}")
    twice = next((column for column in columns if column and columns.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"{table}: expected one column a name, found several for {twice}; remove all but one")
    for line, cells in lines:
        if any(cells[len(columns) :]):
            raise InputError(
                f"{table}: expected {len(columns)} columns and numbers with a decimal point, found {len(cells)} "
                f"columns in row {line}; mend the row"
            )
        row = dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))
        if separator != ",":
            row |= {column: DECIMAL_COMMA.sub(r"\1.\2", row[column]) for column in numbers if column in row}
        yield line, row


def _separator(table: Path) -> str:
    """What parts columns in the first line that has any."""
    with _opened(table) as file:
        head = next((line for line in file if line.strip()), "")
    return max(SEPARATORS, key=head.count)  # of equally many the first: one column alone has none


def _lines(table: Path, separator: str) -> Iterator[tuple[int, list[str]]]:
    with _opened(table) as file:
        rows = csv.reader(file, delimiter=separator)
        for cells in rows:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield rows.line_num, cells


@contextlib.contextmanager
def _opened(table: Path) -> Iterator[TextIO]:
    try:
        with open(table, newline="", encoding="utf-8-sig") as file:
            yield file
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{table}: expected a CSV in UTF-8, found something else; save it as such (Excel: 'CSV UTF-8')"
        ) from error


def number_in(table: Path, line: int, column: str, text: str, *, whole: bool = False) -> float:
    """The number in a cell, NaN where it is empty.

    Raises:
        InputError: no number, or where a `whole` one is asked for another.
    """
    if text.lower() in MISSING:
        return float("nan")
    pattern, what = (WHOLE, "a whole number") if whole else (NUMBER, "a number with a decimal point")
    if not pattern.fullmatch(text):
        raise InputError(f"{table}: expected {what} as {column}, found '{text}' in row {line}; mend the cell")
    return float(text)
