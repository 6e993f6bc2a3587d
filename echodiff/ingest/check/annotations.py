"""Outlines in files of annotation programs, which are not read: what they are and how they become label maps."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

LARGEST_BYTES = 2**24  # of a file that is looked into
LOOKED_AT = 20


class Program(NamedTuple):
    """A program's files of outlines."""

    name: str
    remedy: str


LABELME = Program("LabelMe", "export PNG masks with `labelme_export_json` or its script labelme2voc.py")
COCO = Program("COCO", "draw PNG masks with annToMask of pycocotools, or export masks from the program that wrote it")
VIA = Program("VGG Image Annotator", "draw its polygons into PNG masks, for example with skimage.draw.polygon")
CVAT = Program("CVAT", "export the task again as `Segmentation mask`")


def annotations_in(files: Iterable[Path]) -> list[tuple[Program, Path]]:
    """A file of each program that is found among the first few that may be one."""
    found: dict[Program, Path] = {}
    for path in [path for path in files if path.suffix.lower() in (".json", ".xml")][:LOOKED_AT]:
        if program := _program(path):
            found.setdefault(program, path)
    return list(found.items())


def _program(path: Path) -> Program | None:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return None
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".xml":
            return CVAT if "<annotations>" in text[:1000] else None
        content = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if "shapes" in content and "imagePath" in content:
        return LABELME
    if "annotations" in content and "images" in content:
        return COCO
    regions = [entry for entry in content.values() if isinstance(entry, dict) and "regions" in entry]
    return VIA if "_via_img_metadata" in content or regions else None
