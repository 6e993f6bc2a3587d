"""One label map an image: of several nobody but the user can say which one counts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from echodiff.ingest.case import Reject

JPEG = (".jpg", ".jpeg")


def label_roles(found: Sequence[Path], unfit: Sequence[Path] = ()) -> dict[str, Path]:
    """The label maps of an image as files of its case; a second one is kept, so that reading the case refuses both.

    Where there is none, one of `unfit` is kept, files of other kinds with a label map's name, so that it is told of.
    """
    return dict(zip(("label", "other_label") if found else ("unfit_label",), found or unfit, strict=False))


def refuse_missing(files: Mapping[str, Path], what: str, pattern: str, kinds: str) -> None:
    """Refuse a case without a label map, which `what` calls it: named by `pattern`, of one of the `kinds` of files.

    Raises:
        Reject: says whether there is a file of such a name that cannot be one.
    """
    if "label" in files:
        return
    expected = f"expected {what} beside it, named {pattern}, found"
    if "unfit_label" not in files:
        raise Reject(f"{expected} none")
    name = files["unfit_label"].name
    reason = "JPEG changes label values" if name.lower().endswith(JPEG) else "its kind of file is none that is read"
    raise Reject(f"{expected} {name}: {reason}; save the label map as {kinds}")


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
