"""Label maps that no file gave, completed from the LV alone or predicted: marked where a table rests on them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from echodiff.config import Config
from echodiff.report.inputs import ALL_TRANSLATED, dataset_title, in_order, read_tables

COLUMNS = ("case_id", "dataset", "status", "label_source")
MARK = "†"
NOT_OF_FILES = ("completed", "predicted")
ESTIMATED = {"completed": "MYO and LA of completed ones", "predicted": "LV, MYO and LA of predicted ones"}


def read_case_tables(files: Sequence[Path]) -> pd.DataFrame:
    """The case tables, which say whose images they are and where label maps come from.

    Raises:
        InputError: no path, or one that cannot be read or lacks one of `COLUMNS`.
    """
    return read_tables(files, COLUMNS)


def marked(title: str, cases: pd.DataFrame, datasets: Sequence[str]) -> str:
    """The title, marked where label maps of kept cases of one of `datasets` were completed or predicted."""
    return f"{title} {MARK}" if any(_counts(cases, dataset) for dataset in datasets) else title


def marked_title(cases: pd.DataFrame, config: Config, dataset: str) -> str:
    """The dataset's title, marked where the label maps of kept cases were completed or predicted."""
    return marked(dataset_title(config, dataset), cases, [dataset])


def marked_title_of_all(cases: pd.DataFrame, datasets: Sequence[str]) -> str:
    """The heading of all translated `datasets` together, marked where one of them is."""
    return marked(ALL_TRANSLATED, cases, datasets)


def note(cases: pd.DataFrame, config: Config) -> tuple[str, ...]:
    """What the mark means, with the number of cases of each dataset; nothing where all labels are of files."""
    said, sources = [], set()
    for dataset in in_order(config, cases["dataset"]):
        counts = _counts(cases, dataset)
        if counts:
            sources |= set(counts)
            kept = len(_kept(cases, dataset))
            parts = ", ".join(f"{count} {source}" for source, count in counts.items())
            said.append(f"{dataset_title(config, dataset)}: {parts} of {kept}")
    if not said:
        return ()
    estimated = " and ".join(ESTIMATED[source] for source in NOT_OF_FILES if source in sources)
    text = f"{MARK} Label maps not given in the files ({'; '.join(said)}): {estimated} are estimated, not traced."
    return (f"{text} Values for these structures rest on the estimates.",)


def _kept(cases: pd.DataFrame, dataset: str) -> pd.DataFrame:
    return cases[(cases["dataset"] == dataset) & (cases["status"] == "kept")]


def _counts(cases: pd.DataFrame, dataset: str) -> dict[str, int]:
    """Source -> number of kept cases, of the sources that are no file."""
    counts = _kept(cases, dataset)["label_source"].value_counts()
    return {source: int(counts[source]) for source in NOT_OF_FILES if source in counts.index}
