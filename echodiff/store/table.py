"""Tables as Parquet files, written atomically, read with an error that names the file and the columns missing."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from echodiff.errors import InputError
from echodiff.store.atomic import atomic_path


def write_table(frame: pd.DataFrame, path: Path | str) -> None:
    """Write `frame` as Parquet (zstd), without its index.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, engine="pyarrow", compression="zstd", index=False)


def read_table(path: Path | str, columns: Sequence[str] = ()) -> pd.DataFrame:
    """Read a Parquet table and check that it has `columns`; other columns come along.

    Raises:
        InputError: the file is missing, is no Parquet file, or lacks one of `columns`.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: expected a Parquet table, found no such file; run the stage that makes it")
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a Parquet table, could not read it ({error}); delete it and run again"
        ) from error
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError(
            f"{path}: expected the columns {', '.join(columns)}, found none named {', '.join(missing)}; "
            "the file is of another stage or version, so run the stage that makes it again"
        )
    return frame
