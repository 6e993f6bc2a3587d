"""The published numbers, arXiv 2403.04612, as they are printed there: Tables 1, 2 and 3."""

from functools import cache
from importlib.resources import files
from typing import Final

import pandas as pd

# Dataset of Tables 2 and 3 -> its name there.
PUBLISHED_TITLES: Final[dict[str, str]] = {
    "vscan": "Vscan",
    "vscan_air": "Vscan Air",
    "echonet": "EchoNet-Dynamic",
    "2d_t": "2D + t",
    "3d_spatial": "3D (spatial)",
}


@cache
def published_metrics() -> pd.DataFrame:
    """Tables 2 and 3, one row a value: table, dataset, metric, mean, sd (NaN in Table 2)."""
    return _read("published.csv")


@cache
def published_datasets() -> pd.DataFrame:
    """Table 1: dataset, scanner, labels, original_size (width x height), stage."""
    return _read("published_datasets.csv")


def published_value(dataset: str, metric: str) -> tuple[float, float]:
    """(mean, sd) as printed; NaN where the paper has no such value."""
    table = published_metrics()
    row = table[(table["dataset"] == dataset) & (table["metric"] == metric)]
    if row.empty:
        return float("nan"), float("nan")
    return float(row["mean"].iloc[0]), float(row["sd"].iloc[0])


def published_dataset(dataset: str) -> dict[str, str]:
    """The row of Table 1 of a dataset; a dash in every cell for one that the paper does not have."""
    table = published_datasets()
    row = table[table["dataset"] == dataset]
    columns = [column for column in table.columns if column != "dataset"]
    return {column: str(row[column].iloc[0]) if len(row) else "-" for column in columns}


def _read(name: str) -> pd.DataFrame:
    with (files("echodiff.report") / name).open(encoding="utf-8") as file:
        return pd.read_csv(file)
