"""Where label maps lie and how they are named: beside the images, in a folder inside, in a folder beside theirs, or in
folders like theirs below another one.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from echodiff.ingest.check.label_content import holds_labels, is_image_dicom
from echodiff.ingest.folder.listings import Listings
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.beside import FOLDERS, STRUCTURE, is_map, repeated, stem_of_labels
from echodiff.ingest.labels.structure_names import structure_of
from echodiff.ingest.outlines.file import is_outlines
from echodiff.ingest.readers.itk import is_itk

MOST_FOLDERS = 50  # inside a folder, among which label maps are looked for: of more each is one patient's
MOST_IMAGES = 1000  # evenly spread, whose label maps are looked for in other folders
SAMPLE = 5  # files of a pattern whose content is looked at
MOST_PATTERNS = 100  # whose content is looked at, the most frequent ones
MOST_UP = 4  # levels above an image's folder up to which folders like it are looked for
MOST_BESIDE = 10  # files in a folder of one image, its label map and notes
ENOUGH = 0.25  # label maps an image from which no farther folders are searched
# What follows the stem is a word of its own: image_1 is no label map of image.
WORD = re.compile(r"[._-]?[A-Za-z]")

Places = Callable[[Path], list[tuple[str, Path]]]  # a folder of images -> folders and how a pattern leads there


def most_frequent_pattern(images: Sequence[Path]) -> str | None:
    """The pattern by which most images have a label map; None where none has one.

    It has `{stem}`, but where folders of one image each have a label map of one name, which is the pattern then. Other
    folders are searched where the images' own have few label maps or none, and for some of the images.
    """
    listings, folders = Listings(), Folders()
    some = images[:: -(-len(images) // MOST_IMAGES)] if images else images
    best, most = None, 0.0
    searched = ((images, folders.own), (some, folders.by_structure), (some, folders.inside), (some, folders.beside))
    if structures := _structures_in_common(some, listings):
        return structures
    for asked, places in (*searched, (some, folders.alike)):
        pattern, maps = _most_frequent(_named_after(asked, places, listings), listings)
        if maps > most * len(asked):
            best, most = pattern, maps / len(asked)
        if most >= ENOUGH:
            break
    return best or _name_in_common(some, listings)


class Folders:
    """Folders near those of images, each listed once."""

    def __init__(self) -> None:
        self._names: dict[Path, list[str]] = {}
        self._beside: dict[Path, list[tuple[str, Path]]] = {}

    def own(self, folder: Path) -> list[tuple[str, Path]]:
        return [("", folder)]

    def by_structure(self, folder: Path) -> list[tuple[str, Path]]:
        """Folders that are named after structures, in the folder itself, beside it or in one of these."""
        if structure_of(folder.name) is not None:
            return []
        near = [("", folder), ("../", folder.parent), *self.inside(folder), *self.beside(folder)]
        return [
            (f"{way}{STRUCTURE}/", place / name)
            for way, place in near
            for name in self._inside(place)
            if structure_of(name) is not None
        ]

    def inside(self, folder: Path) -> list[tuple[str, Path]]:
        return [(f"{name}/", folder / name) for name in self._inside(folder)]

    def beside(self, folder: Path) -> list[tuple[str, Path]]:
        if folder not in self._beside:
            parent, own = Path(os.path.normpath(folder / "..")), os.path.realpath(folder)
            names = [name for name in self._inside(parent) if os.path.realpath(parent / name) != own]
            self._beside[folder] = [(f"../{name}/", parent / name) for name in names]
        return self._beside[folder]

    def alike(self, folder: Path) -> list[tuple[str, Path]]:
        """Folders that lie in another one as `folder` does in its own: masks/p1 for images/p1."""
        above = list(Path(os.path.abspath(folder)).parents)[: MOST_UP - 1]
        return [
            (f"{'../' * up}{other.name}/{FOLDERS}/", other / repeated(folder, up))
            for up, top in enumerate(above, start=2)
            if top.name
            for _, other in self.beside(top)
        ]

    def _inside(self, folder: Path) -> list[str]:
        """Names of the folders in a folder; none where there are too many, or where it cannot be listed."""
        if folder not in self._names:
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries if entry.name[0] != "." and entry.is_dir())
            except OSError:
                names = []
            self._names[folder] = names if len(names) <= MOST_FOLDERS else []
        return self._names[folder]


def _named_after(images: Sequence[Path], places: Places, listings: Listings) -> dict[str, dict[Path, str]]:
    """Pattern -> the files that may be label maps by their names, each with the stem of its image."""
    found: dict[str, dict[Path, str]] = defaultdict(dict)
    for path in images:
        stem = stem_of_labels(path)
        for way, folder in places(path.parent):
            for name in listings.beginning(folder, stem):
                rest = name.removeprefix(stem)
                if not (WORD.match(rest) or (way and not rest)):
                    continue
                other = folder / name
                if other != path and (is_map(other) or is_outlines(other)):
                    found[f"{way}{{stem}}{_ending(rest)}"][other] = stem
    return found


def _ending(rest: str) -> str:
    """What follows the stem in a pattern: after a word of its own any ending will do; a structure's stands for all."""
    word = rest.split(".", maxsplit=1)[0]
    if structure_of(word) is not None:
        return f"{word[: len(word) - len(word.lstrip('_-'))]}{STRUCTURE}.*"
    return rest if rest.startswith(".") or not rest else re.split(r"\.", rest, maxsplit=1)[0] + ".*"


def _most_frequent(found: dict[str, dict[Path, str]], listings: Listings) -> tuple[str | None, int]:
    """The pattern that most files have, of those whose content is labels, and how many have it."""
    # Of equally many, label maps before outlines, of which they may have been made.
    order = sorted(found, key=lambda pattern: (-len(found[pattern]), is_outlines(Path(pattern))))
    for pattern in order[:MOST_PATTERNS]:
        maps = list(found[pattern].items())
        verdicts = [
            _is_map_of_image(path, stem, elsewhere="/" in pattern, listings=listings)
            for path, stem in maps[:: -(-len(maps) // SAMPLE)]
        ]
        told = [verdict for verdict in verdicts if verdict is not None]
        if not told or 2 * sum(told) > len(told):
            return pattern, len(maps)
    return None, 0


def _structures_in_common(images: Sequence[Path], listings: Listings) -> str | None:
    """The pattern of folders of one image each with masks that are named after structures alone."""
    folders, fitting = {path.parent for path in images}, 0
    for folder in folders:
        files = [path for name in listings.beginning(folder, "") if is_map(path := folder / name)]
        masks = [path for path in files if structure_of(stem_of_image(path)) is not None]
        others = [path for path in images if path.parent == folder and path not in masks]
        if masks and len(files) <= MOST_BESIDE and len(others) == 1 and holds_labels(masks[0]):
            fitting += 1
    return f"{STRUCTURE}.*" if fitting and fitting >= ENOUGH * len(folders) else None


def _name_in_common(images: Sequence[Path], listings: Listings) -> str | None:
    """The name that label maps have in most folders of one image and one label map."""
    found: dict[str, list[Path]] = defaultdict(list)
    asked, folders = set(images), {path.parent for path in images}
    for folder in sorted(folders):
        files = [folder / name for name in listings.beginning(folder, "")]
        pair = [path for path in files if path in asked or is_map(path)] if len(files) <= MOST_BESIDE else []
        if len(pair) == 2:
            for path in pair:
                found[path.name].append(path)
    for name, maps in found.items():
        some = maps[:: -(-len(maps) // SAMPLE)]
        if len(maps) >= ENOUGH * len(folders) and all(is_map(path) and holds_labels(path) for path in some):
            return name
    return None


def _is_map_of_image(path: Path, stem: str, *, elsewhere: bool, listings: Listings) -> bool | None:
    """Whether a file holds labels; None where its content does not tell, and its name and place have to do.

    In another folder than the image's that is not enough, and neither is a map with an image of its own there: names
    such as IM_0001 are many patients'.
    """
    if not elsewhere:
        return holds_labels(path)
    beside = (path.with_name(name) for name in listings.beginning(path.parent, stem))
    own = any(stem_of_image(other) == stem and other != path and _is_image(other) for other in beside)
    return not own and holds_labels(path) is True


def _is_image(path: Path) -> bool:
    """Whether a file is a frame, cine or volume of its own; pictures may be copies of it."""
    return (is_itk(path) or is_image_dicom(path)) and holds_labels(path) is False
