"""A user's table of ED frames: a CSV with the columns `file` (path inside the folder) and `frame` (from 0)."""

import csv
from pathlib import Path

from echodiff.errors import InputError

COLUMNS = ("file", "frame")


def read_table(path: Path) -> dict[str, int]:
    """File -> frame; empty where there is no such table.

    Raises:
        InputError: other columns, a frame that is no whole number, or one file twice.
    """
    if not path.is_file():
        return {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV in UTF-8, found something else; save it as such") from error
    frames: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        try:
            name, frame = (str(row[column]).strip() for column in COLUMNS)
            value = int(frame)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path}: expected the columns {' and '.join(COLUMNS)} with a whole number as frame, "
                f"found row {number} without; mend the row"
            ) from error
        if name in frames:
            raise InputError(f"{path}: expected each file once, found one again in row {number}; remove one of them")
        frames[name] = value
    return frames
