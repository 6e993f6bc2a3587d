"""Label maps as LabelMe's polygons, beside pictures that hold none of it."""

import json
from pathlib import Path

import numpy as np
from skimage.measure import find_contours

from echodiff.labels import LA, LV, MYO

# As somebody draws them: the epicardium contains the cavity, and the wall is what lies between.
DRAWN = {"LV": (LV,), "epicardium": (LV, MYO), "LA": (LA,)}
CENTRE = 0.5  # of a pixel, in LabelMe's coordinates
DECIMALS = 3


def write_labelme(path: Path, picture: str, labels: np.ndarray) -> None:
    """Write the outlines of labels 0..3 (H, W) of the file `picture`, from between the pixels inside and outside.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    shapes = [
        {"label": name, "points": points, "group_id": None, "shape_type": "polygon", "flags": {}}
        for name, values in DRAWN.items()
        for points in _polygons(np.isin(labels, values))
    ]
    height, width = labels.shape
    content = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": picture,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _polygons(region: np.ndarray) -> list[list[list[float]]]:
    """Corners x, y halfway between pixels (H, W) inside and outside; regions of anatomy have no holes."""
    contours = find_contours(np.pad(region, 1).astype(float), 0.5)
    return [(contour[:-1, ::-1] - 1 + CENTRE).round(DECIMALS).tolist() for contour in contours]
