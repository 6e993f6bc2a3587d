"""Files of annotation programs with known outlines."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from echodiff.phantom.writers.labelme import _polygons

Parts = Mapping[str, Sequence[Sequence[Sequence[float]]]]  # name -> polygons (P, 2), x and y from the corner
ORDER = {"LV": (1,), "LVepi": (1, 2), "LA": (3,)}


def outlines_of(labels: np.ndarray) -> Parts:
    """The polygons of a label map, which drawn again are exactly the map."""
    return {name: _polygons(np.isin(labels, values)) for name, values in ORDER.items()}


def labelme(labels: np.ndarray, name: str = "a.png") -> str:
    shapes = [
        {"label": structure, "points": points, "shape_type": "polygon"}
        for structure, parts in outlines_of(labels).items()
        for points in parts
    ]
    height, width = labels.shape
    return json.dumps({"shapes": shapes, "imagePath": name, "imageHeight": height, "imageWidth": width}, indent=1)


def labelme_mask(labels: np.ndarray) -> str:
    """Version 5.3 and later: masks in boxes."""
    shapes = []
    for structure, values in ORDER.items():
        region = np.isin(labels, values)
        (top, bottom), (left, right) = (np.flatnonzero(region.any(axis))[[0, -1]].tolist() for axis in (1, 0))
        png = cv2.imencode(".png", region[top : bottom + 1, left : right + 1] * np.uint8(255))[1].tobytes()
        points = [[left, top], [right, bottom]]
        mask = base64.b64encode(png).decode()
        shapes.append({"label": structure, "points": points, "shape_type": "mask", "mask": mask})
    return json.dumps({"shapes": shapes}, indent=1)


def runs(region: np.ndarray, order: str) -> list[int]:
    """Run lengths, the first of what is outside."""
    values = np.concatenate([[False], region.ravel(order), [not region.ravel(order)[-1]]])
    changes = np.flatnonzero(values[1:] != values[:-1])
    return np.diff(np.concatenate([[0], changes])).tolist()


def compressed(counts: Sequence[int]) -> str:
    """`rleToString` of COCO's maskApi.c."""
    text = ""
    for place, count in enumerate(counts):
        value, more = int(count) - (int(counts[place - 2]) if place > 2 else 0), True
        while more:
            group, value = value & 0x1F, value >> 5
            more = value != -1 if group & 0x10 else value != 0
            text += chr((group | 0x20 if more else group) + 48)
    return text


def coco(images: Mapping[str, np.ndarray], kind: str = "polygon") -> str:
    """`kind` is "polygon", "runs" or "compressed"."""
    listed, annotations = [], []
    for number, (name, labels) in enumerate(images.items(), start=1):
        listed.append({"id": number, "file_name": name, "height": labels.shape[0], "width": labels.shape[1]})
        for category, (structure, parts) in enumerate(outlines_of(labels).items(), start=1):
            segmentation: object = [[float(value) for corner in points for value in corner] for points in parts]
            if kind != "polygon":
                counts = runs(np.isin(labels, ORDER[structure]), "F")
                segmentation = {"size": list(labels.shape), "counts": counts if kind == "runs" else compressed(counts)}
            annotations.append({"image_id": number, "category_id": category, "segmentation": segmentation})
    categories = [{"id": number, "name": name} for number, name in enumerate(ORDER, start=1)]
    return json.dumps({"images": listed, "annotations": annotations, "categories": categories}, indent=1)


def _via_regions(labels: np.ndarray) -> list[dict]:
    return [
        {
            "shape_attributes": {
                "name": "polygon",
                "all_points_x": [x for x, _ in points],
                "all_points_y": [y for _, y in points],
            },
            "region_attributes": {"quality": "good", "structure": structure},
        }
        for structure, parts in outlines_of(labels).items()
        for points in parts
    ]


def via(images: Mapping[str, np.ndarray], *, project: bool = True) -> str:
    entries = {f"{name}9": {"filename": name, "size": 9, "regions": _via_regions(own)} for name, own in images.items()}
    return json.dumps({"_via_settings": {}, "_via_img_metadata": entries} if project else entries, indent=1)


def via_table(images: Mapping[str, np.ndarray]) -> str:
    lines = ["filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"]
    for name, labels in images.items():
        for number, region in enumerate(_via_regions(labels)):
            cells = [json.dumps(region[key]).replace('"', '""') for key in ("shape_attributes", "region_attributes")]
            lines.append(f'{name},9,"{{}}",3,{number},"{cells[0]}","{cells[1]}"')
    return "\n".join(lines) + "\n"


def cvat(images: Mapping[str, np.ndarray], kind: str = "polygon") -> str:
    """`kind` is "polygon" or "mask"."""
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "<version>1.1</version>", "<meta></meta>"]
    for number, (name, labels) in enumerate(images.items()):
        height, width = labels.shape
        lines.append(f'<image id="{number}" name="{name}" width="{width}" height="{height}">')
        for structure, parts in outlines_of(labels).items():
            if kind == "mask":
                rle = ", ".join(map(str, runs(np.isin(labels, ORDER[structure])[10:], "C")))
                place = f'left="0" top="10" width="{width}" height="{height - 10}"'
                lines.append(f'<mask label="{structure}" rle="{rle}" {place} z_order="0"></mask>')
            for points in parts if kind == "polygon" else ():
                text = ";".join(f"{x:.2f},{y:.2f}" for x, y in points)
                lines.append(f'<polygon label="{structure}" points="{text}" z_order="0"></polygon>')
        lines.append("</image>")
    return "\n".join([*lines, "</annotations>"]) + "\n"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
