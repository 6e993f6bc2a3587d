"""Label maps beside images: how they are named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from echodiff.ingest.check.label_places import most_frequent_pattern

NO_LABELS = (
    "expected label maps beside the files, found none that is named after a file; name them by `label_pattern` "
    "(docs/formats.md) if they lie elsewhere, else with `labels: predicted` a segmenter that learns from the training "
    "dataset draws them"
)


def label_options(images: Sequence[Path], usual: str) -> dict[str, Any]:
    """Options of the dataset entry for the label maps of `images`.

    `usual` is the pattern that the format takes without an option.
    """
    pattern = most_frequent_pattern(images)
    if pattern is None:
        return {"labels": "predicted"}
    return {} if pattern == usual else {"label_pattern": pattern}
