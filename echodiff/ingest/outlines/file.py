"""A file of outlines: which program wrote it, and its pictures by name; kept for the images that share it."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from echodiff.config.datasets import OUTLINES
from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.folder.walk import refuse_unreadable
from echodiff.ingest.outlines import coco, cvat, labelme, via
from echodiff.ingest.outlines.picture import Picture
from echodiff.ingest.outlines.polygon import WHAT

LARGEST_BYTES = 2**27
KEPT = 4  # files: one for all images, or one for the images of each subset
LABELME: Final = "LabelMe"
COCO: Final = "COCO"
VIA: Final = "VGG Image Annotator"
CVAT: Final = "CVAT"
PROGRAMS = f"{LABELME}, {COCO}, {VIA} or {CVAT}"


@dataclass(frozen=True)
class OutlineFile:
    """What is in a file."""

    program: str
    pictures: tuple[Picture, ...]
    by_stem: Mapping[str, list[Picture]]
    """By their names without folders and endings, as pictures may have been saved in another format since."""

    @property
    def of_one(self) -> bool:
        """Whether it is about the image beside it, whatever name it has in the file."""
        return self.program == LABELME


def is_outlines(path: Path) -> bool:
    """Whether a file's name ends as these have it, and is no `._` note of macOS."""
    return path.suffix.lower() in OUTLINES and not path.name.startswith("._")


def read_outline_file(path: Path) -> OutlineFile:
    """What is in a file, read once for many images.

    Raises:
        Reject: closed, empty, damaged, too large, or of none of the programs.
    """
    refuse_unreadable(path, WHAT)
    state = path.stat()
    found = _read(path, state.st_size, state.st_mtime_ns)
    if isinstance(found, str):
        raise Reject(found)
    return found


def written_name(file: str) -> PurePosixPath:
    """A picture's name or path as the program wrote it, perhaps on Windows."""
    return PurePosixPath(file.replace("\\", "/"))


@lru_cache(maxsize=KEPT)
def _read(path: Path, size: int, time: int) -> OutlineFile | str:
    """The content of a file of that size and time, or the sentence by which it is refused."""
    try:
        if size > LARGEST_BYTES:
            raise Reject(
                f"{WHAT}: expected a file of at most {LARGEST_BYTES >> 20} MiB, found {size >> 20} MiB; divide it"
            )
        program, pictures = _parsed(path)
    except Reject as reject:
        return str(reject)
    by_stem: dict[str, list[Picture]] = defaultdict(list)
    for picture in pictures:
        by_stem[stem_of_image(Path(written_name(picture.file).name))].append(picture)
    return OutlineFile(program, tuple(pictures), dict(by_stem))


def _parsed(path: Path) -> tuple[str, list[Picture]]:
    content = path.read_bytes()
    if path.suffix.lower() == ".xml":
        return CVAT, cvat.pictures_of(content)
    try:
        text = content.decode("utf-8-sig")
        if path.suffix.lower() == ".csv":
            return VIA, via.pictures_of_table(text)
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Reject(f"{WHAT}: expected JSON or CSV in UTF-8, found it damaged or cut short") from error
    return _of_json(found)


def _of_json(content: object) -> tuple[str, list[Picture]]:
    if isinstance(content, dict):
        if "shapes" in content:
            return LABELME, [labelme.picture_of(content)]
        if "images" in content and "annotations" in content:
            return COCO, coco.pictures_of(content)
        if via.PROJECT in content or any(isinstance(own, dict) and "regions" in own for own in content.values()):
            return VIA, via.pictures_of(content)
    raise Reject(f"{WHAT}: expected a file of {PROGRAMS}, found JSON of another kind")
