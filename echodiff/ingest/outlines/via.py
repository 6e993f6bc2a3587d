"""VGG Image Annotator, versions 1 and 2: a JSON or CSV file for many images, with polygons and lines.

https://www.robots.ox.ac.uk/~vgg/software/via/docs/face_track_annotation.html and its source; x and y are 0 at the
image's upper left corner. What a region is called is one of its attributes, whose own name everybody chooses.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.labels.structure_names import structure_of
from echodiff.ingest.outlines.picture import Outline, Picture, refuse_kind
from echodiff.ingest.outlines.polygon import WHAT, polygon_region

PROJECT = "_via_img_metadata"
COLUMNS = ("filename", "region_shape_attributes", "region_attributes")
POLYGONS = ("polygon", "polyline")  # an open line is closed by a straight one


def pictures_of(content: Mapping[str, Any]) -> list[Picture]:
    """The images of a project or of exported annotations.

    Raises:
        Reject: no images with regions.
    """
    images = content.get(PROJECT, content)
    entries = list(images.values()) if isinstance(images, dict) else [images]
    if not all(isinstance(entry, dict) and isinstance(entry.get("regions"), dict | list) for entry in entries):
        raise _no_regions()
    return [Picture(str(entry.get("filename", "")), None, _outlines(entry["regions"])) for entry in entries]


def pictures_of_table(text: str) -> list[Picture]:
    """The images of a CSV file, which has a row for each region.

    Raises:
        Reject: other columns, or cells that are no JSON.
    """
    regions: dict[str, list[Any]] = {}
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
        for row in rows:
            shape, attributes = (json.loads(row[name]) for name in COLUMNS[1:])
            own = regions.setdefault(row["filename"], [])
            own += [{"shape_attributes": shape, "region_attributes": attributes}] if shape else []
    except (csv.Error, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Reject(f"{WHAT}: expected the columns {', '.join(COLUMNS)} with JSON, found others; export it") from error
    return [Picture(name, None, _outlines(own)) for name, own in regions.items()]


def _outlines(regions: Mapping[str, Any] | Iterable[Any]) -> tuple[Outline, ...]:
    """Version 1 has regions by number."""
    found = list(regions.values() if isinstance(regions, Mapping) else regions)
    if not all(isinstance(region, dict) for region in found):
        raise _no_regions()
    return tuple(Outline(_name(region.get("region_attributes")), partial(_region, region)) for region in found)


def _name(attributes: Any) -> str:
    """The attribute that tells a structure, else the first one."""
    if not isinstance(attributes, dict):
        return ""
    texts: list[str] = []
    for value in attributes.values():
        # A checkbox has those that are ticked.
        texts += [str(key) for key in value if value[key]] if isinstance(value, dict) else [str(value)]
    return next((text for text in texts if structure_of(text) is not None), texts[0] if texts else "")


def _region(region: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    shape = region.get("shape_attributes")
    if not isinstance(shape, dict):
        raise _no_regions()
    if shape.get("name") not in POLYGONS:
        refuse_kind(shape.get("name"))
    xs, ys = shape.get("all_points_x"), shape.get("all_points_y")
    if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
        raise Reject(f"{WHAT}: expected as many all_points_x as all_points_y, found others; draw it again")
    return polygon_region(list(zip(xs, ys, strict=True)), size)


def _no_regions() -> Reject:
    return Reject(
        f"{WHAT}: expected images with regions as VGG Image Annotator has them, found others; export it again"
    )
