"""What a file's place says where no tag or table does: its case's name, whose it is, and whether it is end-systole."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import IMAGE_SUFFIXES, stem_of_image

SYSTOLE = re.compile(r"(?<![A-Za-z0-9])ES(?![A-Za-z0-9])")  # a word of its own in a file's name
LAST_NUMBER = re.compile(r"\d+(?=\D*$)")
MANY = 8  # numbered images in a folder, from which on they are rather frames of a cine
# Names of folders that hold many patients' files: images, imagesTr and imagesTs of nnU-Net, train, val, test.
COLLECTION = re.compile(
    r"(images?|imgs?|frames?|pictures?|volumes?|cines?|videos?|clips?|masks?|labels?|segmentations?|annotations?"
    r"|train(ing)?|val(id|idation)?|test(ing)?)([-_]?(tr|ts|va))?",
    re.I,
)


def names_of(images: Iterable[Path], folder: Path, endings: Sequence[str] = IMAGE_SUFFIXES) -> dict[Path, str]:
    """Names of cases: places in the folder without ending; with it where another has that name, as beside a copy."""
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path in images:
        relative = path.relative_to(folder)
        place = relative.with_name(stem_of_image(path, endings)).as_posix()
        names[path] = place if place not in taken else relative.as_posix()
        taken.add(names[path])
    return names


def patients_of(images: Iterable[Path], folder: Path) -> dict[Path, str]:
    """Whose each image is: the first folder of its place that may be a patient's, else the file itself.

    A folder that all images share is nobody's, and neither is one that is named as a part of a collection.
    """
    places: Mapping[Path, tuple[str, ...]] = {path: path.relative_to(folder).parts for path in images}
    shared = len(os.path.commonprefix([place[:-1] for place in places.values()]))
    found = {}
    for path, place in places.items():
        folders = [name for name in place[shared:-1] if not COLLECTION.fullmatch(name)]
        found[path] = folders[0] if folders else _diastolic(stem_of_image(path)) or stem_of_image(path)
    return found


def stills_of_cines(images: Iterable[Path], patients: Mapping[Path, str]) -> dict[Path, int]:
    """How many images lie in one folder of one patient and differ in their last number alone, if many.

    They are rather the frames of a cine, one of them at end-diastole, than as many examinations.
    """
    series: Mapping[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in images:
        name = LAST_NUMBER.sub("#", path.name)
        if name != path.name and patients[path] in path.parts[:-1]:
            series[path.parent, name].append(path)
    return {path: len(alike) for alike in series.values() if len(alike) >= MANY for path in alike}


def systolic(images: Iterable[Path]) -> set[Path]:
    """Those that are named ES beside one that is named alike with ED."""
    stems = {path: stem_of_image(path) for path in images}
    places = {path.with_name(stem) for path, stem in stems.items()}
    twins = {path: _diastolic(stem) for path, stem in stems.items()}
    return {path for path, twin in twins.items() if twin and path.with_name(twin) in places}


def refuse_systolic(known: Mapping[str, Any], what: str) -> None:
    """Refuse a case that is known to be `systolic`; `what` says what kind of image it is.

    Raises:
        Reject: it is.
    """
    if known.get("systolic"):
        raise Reject(f"expected end-diastole, found {what} named ES beside one that is named alike with ED")


def _diastolic(stem: str) -> str:
    """The name that an image of end-systole has at end-diastole; empty where its name says nothing of the kind."""
    words = SYSTOLE.split(stem)
    return "ED".join(words) if len(words) == 2 else ""
