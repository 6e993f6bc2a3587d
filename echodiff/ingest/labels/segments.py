"""Segmentations of 3D Slicer (`.seg.nrrd`): segments have names, and layers where they overlap.

https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.ingest.labels.size import check_size
from echodiff.ingest.labels.structure_names import NAMES, OTHER, label_map_of, structure_of
from echodiff.ingest.readers.itk import read_itk

ENDING = ".seg.nrrd"
FIELD = re.compile(r"Segment(\d+)_(Name|LabelValue|Layer)")
OFFSET = "Segmentation_ReferenceImageExtentOffset"  # of a segmentation that was cropped to its segments, (x, y, z)


class Segment(NamedTuple):
    """A structure of a segmentation."""

    name: str
    value: int
    layer: int


def is_segments(path: Path) -> bool:
    """Whether the file's name ends as 3D Slicer has it."""
    return path.name.lower().endswith(ENDING)


def read_segments(path: Path, shape: tuple[int, int] | None, what: str, *, by_name: bool) -> NDArray:
    """Labels 0..3 by the segments' names (F, H, W), or the values of one layer where names are not told or not asked.

    `shape` is the image's: a segmentation that was cropped to its segments is put back into its place.

    Raises:
        Reject: as `read_itk`, or several layers of segments whose names tell no structure.
    """
    image = read_itk(path, what, layers=True)
    layers = _layers(image, shape, what)
    segments = _segments({key: image.GetMetaData(key) for key in image.GetMetaDataKeys()})
    structures = {segment: structure_of(segment.name) for segment in segments}
    if by_name and segments and None not in structures.values() and any(structures.values()):
        return _named(layers, structures, what)
    if len(layers) > 1:
        unknown = [segment.name for segment, structure in structures.items() if structure is None]
        raise Reject(
            f"{what}: expected segments in several layers to be named {NAMES}, found "
            f"{', '.join(repr(name) for name in unknown) or 'label_values, which tell no layers apart'}; "
            "rename the segments in 3D Slicer and leave out label_values"
        )
    return layers[0]


def _named(layers: NDArray, structures: Mapping[Segment, str | None], what: str) -> NDArray[np.uint8]:
    regions: dict[str, NDArray[np.bool_]] = {}
    for segment, structure in structures.items():
        if segment.layer >= len(layers):
            raise Reject(f"{what}: expected layers up to {segment.layer}, found {len(layers)}; save it again")
        if structure == OTHER:
            continue
        if structure in regions:
            raise Reject(f"{what}: expected one segment a structure, found a second one of {structure}; remove one")
        regions[structure] = layers[segment.layer] == segment.value
    return label_map_of(regions, what)


def _segments(fields: Mapping[str, str]) -> list[Segment]:
    """Those that the header describes, in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for key, text in fields.items():
        if match := FIELD.fullmatch(key):
            found.setdefault(int(match[1]), {})[match[2]] = text.strip()
    return [
        Segment(own.get("Name", ""), int(own.get("LabelValue", number + 1)), int(own.get("Layer", 0)))
        for number, own in sorted(found.items())
        if all(own.get(key, "0").isdigit() for key in ("LabelValue", "Layer"))
    ]


def _layers(image: sitk.Image, shape: tuple[int, int] | None, what: str) -> NDArray:
    """(L, F, H, W), as large as the image where a corner is known."""
    values = sitk.GetArrayFromImage(image)
    values = np.moveaxis(values, -1, 0) if image.GetNumberOfComponentsPerPixel() > 1 else values[None]
    values = values[:, None] if values.ndim == 3 else values
    if values.ndim != 4:
        raise Reject(f"{what}: expected a plane or a stack of planes, found {values.ndim - 1} dimensions")
    offset = image.GetMetaData(OFFSET).split() if image.HasMetaDataKey(OFFSET) else []
    if shape is None or not all(part.isdigit() for part in offset[:2]) or len(offset) < 2:
        return values
    column, row = (int(part) for part in offset[:2])
    rows, columns = values.shape[2:]
    if (rows, columns) == shape or row + rows > shape[0] or column + columns > shape[1]:
        check_size((rows, columns), shape, what)
        return values
    whole = np.zeros((*values.shape[:2], *shape), values.dtype)
    whole[..., row : row + rows, column : column + columns] = values
    return whole
