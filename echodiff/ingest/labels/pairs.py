"""One label map an image, and one image a label map: of several nobody but the user can say which one counts."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.beside import LabelFiles
from echodiff.ingest.labels.structure_masks import ROLE, masks_of

JPEG = (".jpg", ".jpeg")
Choose = Callable[[Path, list[Path]], list[Path]]  # an image and its label maps -> those that count


def label_files(
    paths: Collection[Path], maps: LabelFiles, *, needed: bool, own: Choose = lambda path, found: found
) -> dict[Path, dict[str, Path]]:
    """Those of `paths` that are no label maps of others, in their order, each with the files of its labels by role.

    What is wrong is a role too, so that reading the case refuses it: a second label map, another image that has the
    same one (but for a copy beside it in another format), or, where label maps are needed, a file of another kind.
    """
    beside = {path: maps.beside(path) for path in paths}
    are_labels = {label for found in beside.values() for label in found}
    unfit = {path: maps.unfit(path) for path in paths if path not in are_labels and not beside[path]}
    are_labels |= {other for path, found in unfit.items() for other in found if not _copies(path, other)}
    chosen = {path: own(path, found) for path, found in beside.items() if path not in are_labels}
    labelled = defaultdict(list)
    for path, found in chosen.items():
        if len(found) == 1 or maps.in_parts:
            for label in found:
                labelled[label].append(path)
    roles: dict[Path, dict[str, Path]] = {}
    for path, found in chosen.items():
        if maps.in_parts and found:
            parts = {label: maps.structure(label, path) for label in found}
            roles[path] = _by_structure({label: structure for label, structure in parts.items() if structure})
        else:
            roles[path] = _roles(found, unfit.get(path, []) if needed else [])
        others = [other for label in found for other in labelled[label] if not _copies(path, other)]
        roles[path] |= {"other_image": others[0]} if others else {}
    return roles


def _roles(found: Sequence[Path], unfit: Sequence[Path]) -> dict[str, Path]:
    return dict(zip(("label", "other_label") if found else ("unfit_label",), found or unfit, strict=False))


def _by_structure(found: Mapping[Path, str]) -> dict[str, Path]:
    """Masks of single structures; two of one structure are too many label maps."""
    first: dict[str, Path] = {}
    for path, structure in found.items():
        other = first.setdefault(structure, path)
        if other != path:
            return {"label": other, "other_label": path}
    return {f"{ROLE}{structure}": path for structure, path in first.items()}


def _copies(path: Path, other: Path) -> bool:
    """Whether two images have one place but for the ending."""
    return path.parent == other.parent and stem_of_image(path) == stem_of_image(other)


def refuse_missing(files: Mapping[str, Path], what: str, pattern: str, kinds: str) -> None:
    """Refuse a case without a label map, which `what` calls it: named by `pattern`, of one of the `kinds` of files.

    Raises:
        Reject: says whether there is a file of such a name that cannot be one.
    """
    if "label" in files or masks_of(files):
        return
    expected = f"expected {what} beside it, named {pattern}, found"
    if "unfit_label" not in files:
        raise Reject(f"{expected} none")
    name = files["unfit_label"].name
    reason = "JPEG changes label values" if name.lower().endswith(JPEG) else "its kind of file is none that is read"
    raise Reject(f"{expected} {name}: {reason}; save the label map as {kinds}")


def refuse_several(files: Mapping[str, Path]) -> None:
    """Refuse a case that has a second label map, or whose label map another image has as well.

    Raises:
        Reject: with the names of both.
    """
    if "other_label" in files:
        first, second = _told_apart(files["label"], files["other_label"])
        raise Reject(
            f"expected one label map beside it, found {first} and {second}; move one away, or narrow label_pattern"
        )
    if "other_image" in files:
        first, second = _told_apart(files["image"], files["other_image"])
        label = files["label"] if "label" in files else next(iter(masks_of(files).values()))
        raise Reject(
            f"expected a label map of its own, found {label.name} to fit {first} and {second}; "
            "narrow label_pattern, or give each image a folder of its own"
        )


def _told_apart(*paths: Path) -> tuple[Path | str, ...]:
    """Names of files, or their whole paths where the names are the same."""
    return tuple(path if paths[0].name == paths[1].name else path.name for path in paths)
