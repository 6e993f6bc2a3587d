"""LabelMe: a JSON file for each image, with polygons, and since version 5.3 masks.

https://github.com/wkentaro/labelme; x and y are 0 at the image's upper left corner.
"""

import base64
import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from echodiff.ingest.case import Reject
from echodiff.ingest.outlines.picture import Outline, Picture, refuse_kind, size_of
from echodiff.ingest.outlines.polygon import WHAT, polygon_region

POLYGONS = ("polygon", "linestrip", None)  # an open line is closed by a straight one; versions before 4 name no kind


def picture_of(content: Mapping[str, Any]) -> Picture:
    """The one picture of a file.

    Raises:
        Reject: no list of shapes with labels, or a size that is none.
    """
    shapes = content["shapes"]
    if not isinstance(shapes, list) or not all(isinstance(shape, dict) for shape in shapes):
        raise Reject(f"{WHAT}: expected a list of shapes as LabelMe has it, found something else; save it again")
    outlines = tuple(Outline(str(shape.get("label", "")), partial(_region, shape)) for shape in shapes)
    size = size_of(content.get("imageHeight"), content.get("imageWidth"))
    return Picture(str(content.get("imagePath", "")), size, outlines)


def _region(shape: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    kind = shape.get("shape_type")
    if kind == "mask":
        return _mask(shape, size)
    if kind not in POLYGONS:
        refuse_kind(kind)
    return polygon_region(shape.get("points"), size)


def _mask(shape: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A PNG in base64 that covers the pixels from the first point on; its size is looked at before it is decoded."""
    try:
        (left, top), _ = shape["points"]
        left, top = round(left), round(top)
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"], validate=True)), formats=["PNG"]) as picture:
            if min(left, top) < 0 or top + picture.height > size[0] or left + picture.width > size[1]:
                raise Reject(f"{WHAT}: expected a mask inside the image, found one that reaches beyond it")
            mask = np.asarray(picture.convert("L")) > 0
    except Reject:
        raise
    except Exception as error:  # damaged pictures fail in many ways
        raise Reject(f"{WHAT}: expected a mask with its place as LabelMe has it, found it damaged") from error
    region = np.zeros(size, bool)
    region[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return region
