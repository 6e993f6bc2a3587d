"""One label map an image, and one image a label map: of several nobody but the user can say which one counts."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from pathlib import Path

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.beside import LabelFiles
from echodiff.ingest.labels.structure_masks import ROLE, masks_of
from echodiff.ingest.outlines.file import is_outlines
from echodiff.ingest.outlines.listed import listed_in

JPEG = (".jpg", ".jpeg")
Choose = Callable[[Path, list[Path]], list[Path]]  # an image and its label maps -> those that count


def copies(path: Path, other: Path) -> bool:
    """Whether two images have one place but for the ending."""
    return path.parent == other.parent and stem_of_image(path) == stem_of_image(other)


def label_files(
    paths: Collection[Path],
    maps: LabelFiles,
    *,
    needed: bool,
    own: Choose = lambda path, found: found,
    may_share: Callable[[Path, Path], bool] = copies,
) -> dict[Path, dict[str, Path]]:
    """Those of `paths` that are no label maps of others, in their order, each with the files of its labels by role.

    What is wrong is a role too, so that reading the case refuses it: a second label map, another image that has the
    same one (but for two that `may_share` it, as a copy beside it in another format), or, where label maps are needed,
    a file of another kind or of outlines that does not list the image.
    """
    named = {path: maps.beside(path) for path in paths}
    pictures = _pictures(named) if maps.of_many else {}
    beside = {path: [label for label in found if path in pictures.get(label, named)] for path, found in named.items()}
    are_labels = {label for found in beside.values() for label in found}
    unfit = {path: maps.unfit(path) for path in paths if path not in are_labels and not beside[path]}
    are_labels |= {other for path, found in unfit.items() for other in found if not copies(path, other)}
    chosen = {path: own(path, found) for path, found in beside.items() if path not in are_labels}

    def part(label: Path, path: Path) -> Hashable:
        """What in a file of labels is an image's: one picture of many, or all of it."""
        return label, pictures.get(label, {}).get(path)

    labelled: dict[Hashable, list[Path]] = defaultdict(list)
    for path, found in chosen.items():
        if len(found) == 1 or maps.in_parts:
            for label in found:
                labelled[part(label, path)].append(path)
    roles: dict[Path, dict[str, Path]] = {}
    for path, found in chosen.items():
        if maps.in_parts and found:
            parts = {label: maps.structure(label, path) for label in found}
            roles[path] = _by_structure({label: structure for label, structure in parts.items() if structure})
        else:
            others = unfit.get(path) or (named[path] if maps.of_many else [])
            roles[path] = _roles(found, others if needed else [])
        sharing = (other for label in found for other in labelled[part(label, path)] if other != path)
        other = next((other for other in sharing if not may_share(path, other)), None)
        roles[path] |= {"other_image": other} if other else {}
    return roles


def _pictures(beside: Mapping[Path, Sequence[Path]]) -> dict[Path, dict[Path, Hashable]]:
    """Of each file of outlines, the images that it lists, and what tells each one's picture from the others."""
    images = defaultdict(list)
    for path, found in beside.items():
        for label in found:
            images[label].append(path)
    return {label: listed_in(label, own) for label, own in images.items()}


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
    path = files["unfit_label"]
    if is_outlines(path):
        raise Reject(f"{expected} {path.name}: {_outlines_fault(path, pattern)}")
    reason = "JPEG changes label values" if path.suffix.lower() in JPEG else "its kind of file is none that is read"
    raise Reject(f"{expected} {path.name}: {reason}; save the label map as {kinds}")


def _outlines_fault(path: Path, pattern: str) -> str:
    if pattern.lower().endswith(path.suffix.lower()):
        return "it has no outlines of this image; draw them, or name the image as the file does"
    return f"outlines are read where the pattern ends in {path.suffix.lower()}; write it so in label_pattern"


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
