"""What a file of outlines says of one picture, whatever program wrote it, and the label map that this makes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.labels.structure_names import NAMES, OTHER, label_map_of, structure_of
from echodiff.ingest.outlines.polygon import WHAT

SHOWN = 5  # names in a sentence
LONGEST = 40  # of a name in it
LARGEST_SIDE = 2**16

Region = Callable[[tuple[int, int]], NDArray[np.bool_]]


class Outline(NamedTuple):
    """A structure's outline, or a part of one."""

    name: str
    region: Region
    """Draws it on a picture of (H, W). Raises Reject where it is malformed: only its own picture is refused then."""


@dataclass(frozen=True)
class Picture:
    """A picture and its outlines."""

    file: str
    """Its name or path as the program wrote it."""
    size: tuple[int, int] | None
    """(rows, columns); None where the file does not say."""
    outlines: tuple[Outline, ...]


def label_map(picture: Picture, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels 0..3 (H, W) by the outlines' names; outlines of one structure are joined, and `label_map_of` says which
    structure lies over which.

    Raises:
        Reject: the picture has another size, there are no outlines, or a name tells no structure.
    """
    if picture.size is not None:
        check_size(picture.size, shape, WHAT)
    structures = {outline.name: structure_of(outline.name) for outline in picture.outlines}
    unknown = [repr(name[:LONGEST]) for name, structure in structures.items() if structure is None]
    if unknown:
        raise Reject(
            f"{WHAT}: expected them to be named {NAMES}, found {', '.join(unknown[:SHOWN])}; rename or remove them"
        )
    regions: dict[str, NDArray[np.bool_]] = {}
    for outline in picture.outlines:
        structure = structures[outline.name]
        if structure != OTHER:
            region = outline.region(shape)
            regions[structure] = regions[structure] | region if structure in regions else region
    if not regions:
        raise Reject(f"{WHAT}: expected some of {NAMES} on the image, found none")
    return label_map_of(regions, WHAT)


def size_of(height: Any, width: Any) -> tuple[int, int] | None:
    """(rows, columns) as a file has them; None where it has neither.

    Raises:
        Reject: something else than two numbers of pixels.
    """
    if height is None and width is None:
        return None
    sides = [side for side in (height, width) if isinstance(side, int | float) and 0 < side <= LARGEST_SIDE]
    if len(sides) != 2 or any(side != int(side) for side in sides):
        raise Reject(f"{WHAT}: expected the picture's height and width in pixels, found others; export them again")
    return int(height), int(width)


def refuse_kind(kind: Any) -> None:
    """Refuse an outline of a kind that does not outline a structure, such as a box.

    Raises:
        Reject: with the kind.
    """
    raise Reject(f"{WHAT}: expected polygons, found {str(kind)[:LONGEST]!r}; outline the structure, or remove it")
