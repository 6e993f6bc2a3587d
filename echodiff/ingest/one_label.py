"""One label map an image: of several nobody but the user can say which one counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from echodiff.ingest.case import Reject


def label_roles(found: Sequence[Path]) -> dict[str, Path]:
    """The label maps of an image as files of its case; a second one is kept, so that reading the case refuses both."""
    return dict(zip(("label", "other_label"), found, strict=False))


def refuse_several(files: Mapping[str, Path]) -> None:
    """Refuse a case that has a second label map.

    Raises:
        Reject: with the names of both.
    """
    if "other_label" in files:
        paths = files["label"], files["other_label"]
        first, second = (path if paths[0].name == paths[1].name else path.name for path in paths)
        raise Reject(
            f"expected one label map beside it, found {first} and {second}; move one away, or narrow label_pattern"
        )
