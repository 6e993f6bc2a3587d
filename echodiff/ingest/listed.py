"""A user's table beside the files: empty cells, and names that must be there, else a slip of the pen passes unseen."""

from collections.abc import Collection
from pathlib import Path

from echodiff.errors import InputError

MISSING = ("", "na", "nan")  # a cell without a number, as spreadsheets, R and pandas write it, in small letters


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
