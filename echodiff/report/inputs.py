"""Reading what the tables and figures are made of: many files, told apart by what is in them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.trivial import TRANSLATOR_TITLES, TRANSLATORS
from echodiff.store.table import read_table

ALL_TRANSLATED = "All translated datasets"
# Kind of table of metrics -> the column that no other kind has.
KINDS: Mapping[str, str] = {
    "pixel": "comparison",
    "frechet": "metric",
    "memory": "flagged",
    "physics": "log_spread_db",
    "diversity": "ms_ssim",
    "fidelity": "dice_lv",
}


def dataset_title(config: Config, dataset: str) -> str:
    """The dataset's title in the configuration, which says whether it is a phantom; else its name."""
    return config.title_of(dataset) if dataset in config.datasets else dataset


def model_title(model: str) -> str:
    """The heading of a model's rows; trivial translators say that they are trivial."""
    return TRANSLATOR_TITLES.get(model, f"model {model}")


def model_heading(model: str) -> str:
    """The model's title where it stands alone over its rows."""
    title = model_title(model)
    return title[0].upper() + title[1:]


def drawn_by(models: Iterable[str], dataset: str = "") -> str:
    """The heading of a figure of synthetic images: of one dataset, where its title is given."""
    names = ", ".join(model_title(model) for model in dict.fromkeys(models))
    return f"{dataset}, drawn by {names}" if dataset else f"Drawn by {names}"


def read_tables(paths: Sequence[Path], columns: Sequence[str]) -> pd.DataFrame:
    """Parquet tables one below the other.

    Raises:
        InputError: no path, or one that cannot be read or lacks one of `columns`.
    """
    if not paths:
        raise InputError(f"expected Parquet tables with the columns {', '.join(columns)}, found no path")
    return pd.concat([read_table(path, columns) for path in paths], ignore_index=True)


def read_kinds(paths: Sequence[Path], columns: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
    """Parquet tables of several kinds (`KINDS`), those of one kind below one another.

    Args:
        columns: of each kind that is taken those that it must have. The first kind is needed.

    Raises:
        InputError: a table cannot be read, is of no such kind or lacks a column, or there is none of the first kind.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for path in paths:
        table = read_table(path)
        kind = next((name for name in columns if KINDS[name] in table), None)
        if kind is None:
            raise InputError(
                f"{path}: expected a table of metrics ({', '.join(columns)}), found one with the columns "
                f"{', '.join(table.columns)}; leave it out"
            )
        found.setdefault(kind, []).append(read_table(path, columns[kind]))
    needed = next(iter(columns))
    if needed not in found:
        raise InputError(f"expected tables of {needed} metrics among the files, found none of them; give these too")
    return {kind: pd.concat(parts, ignore_index=True) for kind, parts in found.items()}


def in_order(config: Config, datasets: Sequence[str]) -> list[str]:
    """`datasets` in the configuration's order.

    Raises:
        InputError: one of them is not in the configuration.
    """
    unknown = sorted(set(datasets) - set(config.datasets))
    if unknown:
        raise InputError(
            f"dataset {unknown[0]}: expected one of the configuration's ({', '.join(config.datasets)}); "
            "the file is of a run with another configuration"
        )
    return [name for name in config.datasets if name in set(datasets)]


def with_scanners(rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    """The rows (dataset, scanner) with the configuration's scanner where the files do not say; NA without either."""
    given = rows["dataset"].map({name: dataset.scanner for name, dataset in config.datasets.items()})
    scanners = rows["scanner"].astype("string").replace("", pd.NA).fillna(given.astype("string"))
    return rows.assign(scanner=scanners.replace("", pd.NA))


def model_names(config: Config, models: Iterable[str]) -> list[str]:
    """The models among `models`: those of the configuration in its order, then trivial translators."""
    found = set(models)
    return [name for name in (*config.models, *TRANSLATORS) if name in found]
