"""COCO instances: a JSON file for many images, with polygons or masks as run lengths.

https://cocodataset.org/#format-data; x and y are 0 at the image's upper left corner, as pycocotools draws them.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.outlines.picture import LONGEST, Outline, Picture, refuse_kind, size_of
from echodiff.ingest.outlines.polygon import WHAT, polygon_region
from echodiff.ingest.outlines.runs import runs_mask, runs_of_text


def pictures_of(content: Mapping[str, Any]) -> list[Picture]:
    """The images of a file with their annotations; one without any has no outlines.

    Raises:
        Reject: no lists of images, annotations and categories with what belongs to each.
    """
    names = {_key(category, "id"): str(category.get("name", "")) for category in _list(content, "categories")}
    outlines: dict[str, list[Outline]] = defaultdict(list)
    for annotation in _list(content, "annotations"):
        category = _key(annotation, "category_id")
        name = names.get(category, f"category {category[:LONGEST]}")
        region = partial(_region, annotation.get("segmentation"))
        outlines[_key(annotation, "image_id")].append(Outline(name, region))
    return [
        Picture(
            str(image.get("file_name", "")),
            size_of(image.get("height"), image.get("width")),
            tuple(outlines[_key(image, "id")]),
        )
        for image in _list(content, "images")
    ]


def _list(content: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = content.get(name)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise Reject(f"{WHAT}: expected lists of images, annotations and categories as COCO has them, found no {name}")
    return found


def _key(entry: Mapping[str, Any], name: str) -> str:
    """An id as text: programs write 7 and "7"."""
    if not isinstance(entry.get(name), int | str):
        raise Reject(f"{WHAT}: expected {name} in each entry as COCO has it, found one without; export them again")
    return str(entry[name])


def _region(segmentation: Any, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Several polygons of one annotation are its parts."""
    if isinstance(segmentation, dict):
        return _mask(segmentation, size)
    if not isinstance(segmentation, list) or not segmentation:
        refuse_kind("bbox")
    region = np.zeros(size, bool)
    for part in segmentation:
        if not isinstance(part, list) or len(part) % 2:
            raise Reject(f"{WHAT}: expected polygons as lists x, y, x, y, ..., found something else; export them again")
        region |= polygon_region(list(zip(part[::2], part[1::2], strict=True)), size)
    return region


def _mask(segmentation: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Run lengths down the columns."""
    sides, counts = segmentation.get("size"), segmentation.get("counts")
    if not isinstance(sides, list) or len(sides) != 2 or (found := size_of(*sides)) is None:
        raise Reject(f"{WHAT}: expected the size of each mask, found one without; export them again")
    check_size(found, size, WHAT)
    runs = runs_of_text(counts) if isinstance(counts, str) else counts
    return runs_mask(runs, size[0] * size[1]).reshape(size, order="F")
