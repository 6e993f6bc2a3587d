"""Label maps beside images: how they are named."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from echodiff.ingest.check.common_part import common_part
from echodiff.ingest.check.label_places import most_frequent_pattern
from echodiff.ingest.check.outlines import pattern_of_lists

NO_LABELS = (
    "expected label maps beside the files, found none that is named after a file; name them by `label_pattern` "
    "(docs/formats.md) if they lie elsewhere, else with `labels: predicted` a segmenter that learns from the training "
    "dataset draws them"
)


def label_options(images: Sequence[Path], usual: str, files: Collection[Path] = ()) -> dict[str, Any]:
    """Options of the dataset entry for the label maps of `images`.

    `usual` is the pattern that the format takes without an option; `files` are all of the folder, among which outlines
    may list the images. Of volumes, which have no such labels, there are none.
    """
    pattern = most_frequent_pattern(images) or pattern_of_lists(images, files)
    if pattern is not None:
        return {} if pattern == usual else {"label_pattern": pattern}
    return (common_part(images, files) if files else {}) or {"labels": "predicted"}
