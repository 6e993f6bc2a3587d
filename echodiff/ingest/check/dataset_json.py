"""What `dataset.json` of nnU-Net says of label values: `labels` is name -> value, in version 1 value -> name."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from echodiff.ingest.labels.structure_names import numbering

NAME = "dataset.json"
LARGEST_BYTES = 2**26  # it may list all cases


def named_values(images: Iterable[Path]) -> dict[int, int] | None:
    """Value -> label 0..3 by the names in the table beside or above the folder of images.

    None where there is no such table, or where its names do not tell LV, MYO and LA.
    """
    folders = {folder for path in images for folder in (path.parent, path.parent.parent)}
    tables = [folder / NAME for folder in sorted(folders) if (folder / NAME).is_file()]
    found = [numbering(_names(table)) for table in tables]
    return found[0] if len(found) == 1 else None


def _names(table: Path) -> dict[int, str]:
    """Value -> name; empty where the table cannot be read or has none."""
    try:
        if table.stat().st_size > LARGEST_BYTES:
            return {}
        labels = json.loads(table.read_text(encoding="utf-8-sig")).get("labels", {})
        pairs = [_pair(key, value) for key, value in labels.items()]
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
    return dict(pair for pair in pairs if pair is not None)


def _pair(key: str, value: Any) -> tuple[int, str] | None:
    """Value and name; None for nnU-Net's regions of several values."""
    if isinstance(value, str):
        return int(key), value
    return (value, key) if isinstance(value, int) else None
