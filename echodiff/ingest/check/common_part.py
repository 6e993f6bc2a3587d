"""Pairs whose names have a part in common, `image_0.png` and `mask_0.png`, where no image's name begins its map's."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from echodiff.ingest.check.label_content import holds_labels
from echodiff.ingest.check.label_places import Folders
from echodiff.ingest.folder.image_pattern import ID
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.labels.beside import is_map

FIRST_WORD = re.compile(r"([A-Za-z]+[._ -]?)(.+)", re.DOTALL)
LAST_WORD = re.compile(r"(.+?)([._ -]?[A-Za-z]+)", re.DOTALL)
MOST_NAMES = 20  # patterns of a folder, the most frequent ones
MOST_PAIRS = 20  # of patterns, whose content is looked at
ENOUGH = 0.25  # pairs an image, the maps among them
SAMPLE = 5

Named = Mapping[str, Mapping[str, Path]]  # pattern -> what `{id}` stands for -> file


class Pair(NamedTuple):
    """Patterns of images and of their label maps."""

    image: str
    label: str


def common_part(images: Sequence[Path], files: Iterable[Path]) -> dict[str, str]:
    """Options that name most pairs of images and label maps by a part in common; empty where few are such pairs.

    Label maps are some of the `images`, as far as their endings tell, or of all `files` of the folder.
    """
    may_be_images = set(images)
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in sorted(may_be_images | {path for path in files if is_map(path)}):
        by_folder[path.parent].append(path)
    named = {folder: _named(paths) for folder, paths in by_folder.items()}
    pairs: dict[Pair, list[tuple[Path, Path]]] = defaultdict(list)
    folders = Folders()
    for folder, own in named.items():
        for places in (folders.own, folders.inside, folders.beside, folders.alike):
            for way, other in places(folder):
                for pair, found in _pairs(own, named.get(other, {}), way):
                    pairs[pair] += [(image, label) for image, label in found if image in may_be_images]
    for pair in sorted(pairs, key=lambda pair: -len(pairs[pair]))[:MOST_PAIRS]:
        found = pairs[pair]
        if len(found) >= ENOUGH * len(images) and _are_pairs(found):
            return {"image_pattern": pair.image, "label_pattern": pair.label}
    return {}


def _named(paths: Sequence[Path]) -> Named:
    """Patterns that a word in front or behind makes of the names in one folder."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        stem = stem_of_image(path)
        ending = path.name[len(stem) :]
        found[f"{ID}{ending}"][stem] = path
        if match := FIRST_WORD.fullmatch(stem):
            found[f"{match[1]}{ID}{ending}"][match[2]] = path
        if match := LAST_WORD.fullmatch(stem):
            found[f"{ID}{match[2]}{ending}"][match[1]] = path
    return {name: found[name] for name in sorted(found, key=lambda name: -len(found[name]))[:MOST_NAMES]}


def _pairs(own: Named, others: Named, way: str) -> Iterator[tuple[Pair, list[tuple[Path, Path]]]]:
    for image, images in own.items():
        for label, labels in others.items():
            found = [(images[part], labels[part]) for part in images.keys() & labels.keys()]
            found = [(path, other) for path, other in found if path != other]
            if found:
                yield Pair(image, f"{way}{label}"), found


def _are_pairs(found: Sequence[tuple[Path, Path]]) -> bool:
    """Whether the first ones are pictures and the second ones label maps, of some that are looked at."""
    some = sorted(found)[:: -(-len(found) // SAMPLE)]
    return all(holds_labels(label) and not holds_labels(image) for image, label in some)
