"""Which picture of a file of outlines an image is, by its name: one file may list the images of many folders."""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.outlines.file import OutlineFile, read_outline_file, written_name
from echodiff.ingest.outlines.picture import Picture, label_map
from echodiff.ingest.outlines.polygon import WHAT


def read_outlines(path: Path, image: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels 0..3 (H, W) of an image of that shape, as the file outlines them.

    Raises:
        Reject: the file cannot be read or does not list the image, or what it says of it cannot be used.
    """
    file = read_outline_file(path)
    picture = picture_of(file, image)
    if picture is None:
        raise Reject(
            f"{WHAT}: expected the image among the {len(file.pictures)} of the file, found none of its name; name it "
            "as the file does, or outline it too"
        )
    return label_map(picture, shape)


def picture_of(file: OutlineFile, image: Path) -> Picture | None:
    """The picture that has the image's name, endings aside; None where none has.

    Of several that have it, the ending counts, then the folders before it.

    Raises:
        Reject: several have it all the same.
    """
    if file.of_one:
        return file.pictures[0]
    found = file.by_stem.get(stem_of_image(image), [])
    found = [picture for picture in found if written_name(picture.file).name == image.name] or found
    most = max((_in_common(picture, image) for picture in found), default=0)
    found = [picture for picture in found if _in_common(picture, image) == most]
    if len(found) > 1:
        raise Reject(
            f"{WHAT}: expected each image once in the file, found this one {len(found)} times; write its folder before "
            "its name, or remove one"
        )
    return found[0] if found else None


def listed_in(path: Path, images: Iterable[Path]) -> dict[Path, Hashable]:
    """Image -> what tells its picture from others of the file, of those images that have outlines there.

    Of images of one name in different folders, those count whose folders have the most in common with the path in the
    file. Where the file cannot be read, or lists an image twice, reading the case says so.
    """
    try:
        file = read_outline_file(path)
    except Reject:
        return {image: image for image in images}
    claims: dict[int, list[Path]] = defaultdict(list)
    pictures: dict[int, Picture] = {}
    found: dict[Path, Hashable] = {}
    for image in images:
        try:
            picture = picture_of(file, image)
        except Reject:
            found[image] = image
            continue
        if picture is not None and picture.outlines:
            claims[id(picture)].append(image)
            pictures[id(picture)] = picture
    for key, claiming in claims.items():
        most = max(_in_common(pictures[key], image) for image in claiming)
        found |= {image: key for image in claiming if _in_common(pictures[key], image) == most}
    return found


def _in_common(picture: Picture, image: Path) -> int:
    """How many parts of both paths are the same, from the last folder on."""
    count = 0
    for ours, theirs in zip(image.parts[-2::-1], written_name(picture.file).parts[-2::-1], strict=False):
        if ours != theirs:
            break
        count += 1
    return count
