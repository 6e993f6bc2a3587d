"""Files of outlines: a pattern that leads to those that list many images, and what is said of those that are left."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from echodiff.ingest.case import Reject
from echodiff.ingest.outlines.file import OutlineFile, is_outlines, read_outline_file
from echodiff.ingest.outlines.listed import listed_in

LOOKED_AT = 20  # files that may be outlines
MOST_IMAGES = 1000  # evenly spread, that are looked for in them
ENOUGH = 0.25  # images with outlines, of all


def holds_outlines(path: Path) -> bool:
    """Whether a file is an annotation program's."""
    return is_outlines(path) and _content(path) is not None


def pattern_of_lists(images: Sequence[Path], files: Iterable[Path]) -> str | None:
    """The pattern of files that list images, by which most of the images have outlines; None where few have any.

    Several files of one folder, as those of the subsets for training and validation, are told by their ending.
    """
    some = images[:: -(-len(images) // MOST_IMAGES)] if images else images
    lists = [path for path in _few(files) if (content := _content(path)) is not None and not content.of_one]
    ways: dict[str, set[Path]] = defaultdict(set)  # how a pattern leads to a folder -> images with outlines there
    names: dict[str, set[str]] = defaultdict(set)
    for path in lists:
        for image in listed_in(path, some):
            way = os.path.relpath(path.parent, image.parent)
            ways[way].add(image)
            names[way].add(path.name)
    if not ways:
        return None
    way, listed = max(ways.items(), key=lambda item: len(item[1]))
    found = sorted(names[way])
    if len(listed) < ENOUGH * len(some) or len({Path(name).suffix for name in found}) > 1:
        return None
    name = found[0] if len(found) == 1 else f"*{Path(found[0]).suffix}"
    return name if way == "." else f"{Path(way).as_posix()}/{name}"


def unused_outlines(folder: Path, files: Iterable[Path]) -> list[str]:
    """A remark for each program whose files the entry does not use."""
    found: dict[str, Path] = {}
    for path in _few(files):
        content = _content(path)
        if content is not None:
            found.setdefault(content.program, path)
    return [
        f"found outlines of {program} in {path.relative_to(folder).as_posix()}, which the entry does not use; a "
        "`label_pattern` that ends in their ending reads them, of images that are named as in the file "
        "(docs/formats.md)"
        for program, path in found.items()
    ]


def _few(files: Iterable[Path]) -> list[Path]:
    """Of each folder's files that may be outlines one of each ending before its others, as tables lie among them."""
    found = [path for path in files if is_outlines(path)]
    counts: Counter[tuple[Path, str]] = Counter()
    ranks = {}
    for path in found:
        counts[path.parent, path.suffix] += 1
        ranks[path] = counts[path.parent, path.suffix]
    return sorted(found, key=lambda path: ranks[path])[:LOOKED_AT]


def _content(path: Path) -> OutlineFile | None:
    try:
        return read_outline_file(path)
    except Reject:
        return None
