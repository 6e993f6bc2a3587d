"""Contours of wall and atrium -> a label map that is anatomically possible."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from echodiff.ingest.completion.contour import Ventricle
from echodiff.labels import LA, LV, MYO

THINNEST_WALL = 0.05  # of the ventricle's length; a healthy wall has about 0.12
SUBPIXEL_BITS = 6


def draw(
    lv_mask: NDArray[np.bool_],
    sector: NDArray[np.bool_],
    spacing_mm: tuple[float, float],
    lv: Ventricle,
    epicardium: NDArray[np.float64],
    atrium: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Label map (H, W) of a ventricle with an epicardium (P, 2) and an atrium (Q, 2) in mm.

    The wall is nowhere thinner than `THINNEST_WALL` but at the base, which stays open.
    """
    around = fill(np.concatenate([epicardium, lv.base]), lv_mask.shape, spacing_mm)
    below = fill(np.concatenate([atrium, lv.base]), lv_mask.shape, spacing_mm)
    return compose(lv_mask, sector, around | even_wall(lv_mask, lv, spacing_mm, THINNEST_WALL), below)


def compose(
    lv_mask: NDArray[np.bool_], sector: NDArray[np.bool_], around: NDArray[np.bool_], below: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Label map of a ventricle, which is never changed, with what is around and below it.

    Wall and atrium are one region each, do not overlap, and end at the sector.
    """
    wall = largest_region(around & ~lv_mask & sector)
    atrium = largest_region(below & ~lv_mask & ~wall & sector)
    labels = np.zeros(lv_mask.shape, np.uint8)
    labels[atrium], labels[wall], labels[lv_mask] = LA, MYO, LV
    return labels


def even_wall(
    lv_mask: NDArray[np.bool_], lv: Ventricle, spacing_mm: tuple[float, float], share: float
) -> NDArray[np.bool_]:
    """Pixels within `share` of the ventricle's length of it, on the apex's side of the mitral plane."""
    distance = distance_transform_edt(~lv_mask, sampling=spacing_mm)
    return (distance <= share * lv.length) & above_annulus(lv, lv_mask.shape, spacing_mm)


def above_annulus(lv: Ventricle, shape: tuple[int, ...], spacing_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Pixels on the apex's side of the line through both ends of the annulus."""
    rows, columns = np.indices(shape)
    points = np.stack([columns * spacing_mm[1], rows * spacing_mm[0]], -1)
    along = lv.right - lv.left
    normal = np.array([along[1], -along[0]])
    return ((points - lv.left) @ normal) * np.sign((lv.apex - lv.left) @ normal) > 0


def fill(points: NDArray[np.float64], shape: tuple[int, ...], spacing_mm: tuple[float, float]) -> NDArray[np.bool_]:
    """Pixels inside a closed contour in mm."""
    pixels = np.rint(points / (spacing_mm[1], spacing_mm[0]) * 2**SUBPIXEL_BITS)
    canvas = np.zeros(shape, np.uint8)
    cv2.fillPoly(canvas, [np.clip(pixels, -(2**24), 2**24).astype(np.int32)], 1, shift=SUBPIXEL_BITS)
    return canvas > 0


def largest_region(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected region (4 neighbours)."""
    count, regions, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    return regions == 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA]))
