"""CVAT for images 1.1: an XML file for many images, with polygons, lines and masks as run lengths.

https://docs.cvat.ai/docs/manual/advanced/formats/format-cvat/; x and y are 0 at the image's upper left corner. Files
are read as a stream of elements by expat; one with a document type, where entities are declared, is refused.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.outlines.picture import Outline, Picture, refuse_kind, size_of
from echodiff.ingest.outlines.polygon import WHAT, polygon_region
from echodiff.ingest.outlines.runs import runs_mask

ROOT = "annotations"
POLYGONS = ("polygon", "polyline")  # an open line is closed by a straight one
OTHERS = ("box", "ellipse", "points", "cuboid", "skeleton")
Attributes = Mapping[str, str]


def pictures_of(content: bytes) -> list[Picture]:
    """The images of a file with their shapes.

    Raises:
        Reject: no XML, one with a document type, or none of CVAT's images.
    """
    images: list[tuple[Attributes, list[Outline]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = partial(_start, images, [])
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter of encodings that are none
        raise Reject(f"{WHAT}: expected XML as CVAT writes it, found it damaged or cut short") from error
    if not images:
        raise Reject(f"{WHAT}: expected images in the XML, found none; export the task as `CVAT for images 1.1`")
    return [Picture(attributes.get("name", ""), _size(attributes), tuple(own)) for attributes, own in images]


def _size(attributes: Attributes) -> tuple[int, int] | None:
    return size_of(*(_number(attributes, side) for side in ("height", "width")))


def _refuse_doctype(*_: Any) -> None:
    raise Reject(f"{WHAT}: expected XML without a document type, found one; export the task again")


def _start(
    images: list[tuple[Attributes, list[Outline]]], opened: list[str], element: str, attributes: Attributes
) -> None:
    """An element begins; `opened` has the root's name, once there is one."""
    if not opened:
        opened.append(element)
        if element != ROOT:
            raise Reject(f"{WHAT}: expected <{ROOT}> as CVAT has it, found another kind of XML")
    if element == "track":
        raise Reject(f"{WHAT}: expected single images, found tracks of a video; export as `CVAT for images 1.1`")
    if element == "image":
        images.append((attributes, []))
    elif images and element in (*POLYGONS, "mask", *OTHERS):
        images[-1][1].append(Outline(attributes.get("label", ""), partial(_region, element, attributes)))


def _region(kind: str, attributes: Attributes, size: tuple[int, int]) -> NDArray[np.bool_]:
    if kind == "mask":
        return _mask(attributes, size)
    if kind not in POLYGONS:
        refuse_kind(kind)
    corners = [corner.split(",") for corner in attributes.get("points", "").split(";")]
    return polygon_region(corners, size)


def _mask(attributes: Attributes, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Run lengths along the rows of a box; what follows the last one is outside."""
    left, top, columns, rows = (_number(attributes, key) for key in ("left", "top", "width", "height"))
    try:
        runs = [int(run) for run in attributes.get("rle", "").split(",")]
    except ValueError:
        runs = []
    if not runs or None in (left, top, columns, rows):
        raise Reject(f"{WHAT}: expected masks with rle, left, top, width and height, found one without; export it")
    if min(left, top, columns, rows) < 0 or top + rows > size[0] or left + columns > size[1]:
        raise Reject(f"{WHAT}: expected a mask inside the image, found one that reaches beyond it; export it again")
    mask = runs_mask(runs, rows * columns, whole=False)
    region = np.zeros(size, bool)
    region[top : top + rows, left : left + columns] = mask.reshape(rows, columns)
    return region


def _number(attributes: Attributes, name: str) -> int | None:
    """A whole number; None where there is no such attribute, or none that is one."""
    try:
        return int(attributes[name])
    except (KeyError, ValueError):
        return None
