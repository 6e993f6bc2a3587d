"""`echodiff split`: from a case table to training and validation."""

from pathlib import Path
from typing import Annotated

import typer

from echodiff.config import load_config
from echodiff.split.patients import CASE_COLUMNS, check_split, split_patients
from echodiff.split.twins import twins
from echodiff.store.table import read_table, write_table


def split(
    config: Annotated[
        list[Path], typer.Option(help="Configuration file; may be repeated, later files override earlier ones.")
    ],
    cases: Annotated[Path, typer.Option(help="Case table of the dataset (cases.parquet).")],
    output: Annotated[Path, typer.Option(help="Split to write (Parquet).")],
) -> None:
    """Divide patients into training and validation, in proportion of image quality and ejection fraction."""
    options = load_config(config).split
    rows = split_patients(read_table(cases, CASE_COLUMNS), options)
    check_split(rows, str(output))
    write_table(rows, output)
    counts = rows.groupby("subset")["patient"].nunique()
    print(f"split: {counts['train']} patients for training, {counts['validation']} for validation")
    for names in twins(rows):
        print(f"split: {', '.join(names)} have an identical frame and were kept together")
