"""A user's table of planes: a CSV with three landmarks of each volume, and its end-diastolic frame where known."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from echodiff.errors import InputError
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.folder.table import number_in, table_rows

LANDMARKS = ("apex", "mitral_centre", "lateral_annulus")
COORDINATES = tuple(f"{point}_{axis}" for point in LANDMARKS for axis in "xyz")
FRAME = "frame"


def read_planes(path: Path) -> dict[str, dict[str, float]]:
    """Volume's name without ending -> coordinates in mm, and the ED frame where the table has such a column.

    Columns: `name`, `apex_x` ... `lateral_annulus_z` in mm (each may end in `_mm`), `frame` from 0 (optional).
    An absent table gives no planes, an empty cell NaN. Names are text: `001` stays as it is written.

    Raises:
        InputError: not a table, a column is missing, a cell is no number, or a volume has two planes.
    """
    planes: dict[str, dict[str, float]] = {}
    for line, cells in table_rows(path, ("name", *COORDINATES), lambda title: title.removesuffix("_mm"), COORDINATES):
        if not cells["name"]:
            raise InputError(f"{path}: expected the name of a volume, found none in row {line}; mend the row")
        name = _stem(cells["name"])
        row = {
            column: number_in(path, line, column, cells[column], whole=column == FRAME)
            for column in (*COORDINATES, FRAME)
            if column in cells
        }
        if not _same(planes.setdefault(name, row), row):  # vol.nii and vol.nii.gz have one plane
            raise InputError(
                f"{path}: expected one plane for each volume, found '{name}' with another in row {line}; "
                "remove one of them"
            )
    return planes


def _stem(name: str) -> str:
    path = Path(name)
    return path.with_name(stem_of_image(path)).as_posix()


def _same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return np.array_equal(list(one.values()), list(other.values()), equal_nan=True)
