"""Guides of extreme shape, made from label maps of real patients: what a model does where it has seen nothing alike.

Each deformation takes a label map (H, W) with values 0..3 and its sector and gives another label map, which is then cut
at the sector's edge. Lengths are shares of the frame's height, so that they do not depend on its size.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from echodiff.errors import InputError
from echodiff.labels import BACKGROUND, LA, LV, MYO
from echodiff.store.image_set import ImageSet

Mask = NDArray[np.uint8]

CAVITY_SCALE, WALL_SCALE = 1.4, 1.2  # of a dilated ventricle: the cavity grows more than its wall, which thins
THICKENING = 0.025  # of the height, on either side of the wall; 6 pixels of 256
TINY_SCALE = 0.5
ROTATION_DEG = 40.0
LEAVES_SECTOR = 0.4  # share of the LV that a cut guide loses

UNCHANGED = "unchanged"
REAL_IMAGE = "real_image"  # in the place of a deformation: the patient's own image beside the unchanged guide


def moved(mask: Mask, *, scale: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> Mask:
    """The label map scaled and turned about the LV's centre, then shifted by (row, column) pixels."""
    row, column = np.argwhere(mask == LV).mean(axis=0)
    matrix = cv2.getRotationMatrix2D((float(column), float(row)), degrees, scale)
    matrix[:, 2] += shift[1], shift[0]
    return cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)


def dilated_lv(mask: Mask, sector: Mask) -> Mask:
    """The cavity 1.4 times, the outer border of its wall 1.2 times as wide: a thin wall around a large ventricle."""
    outer = moved(((mask == LV) | (mask == MYO)).astype(np.uint8) * LV, scale=WALL_SCALE) == LV
    centred = np.where(mask == LV, LV, BACKGROUND).astype(np.uint8)
    cavity = (moved(centred, scale=CAVITY_SCALE) == LV) & (distance_transform_edt(outer) > 1)
    grown = np.where(mask == LA, LA, BACKGROUND).astype(np.uint8)
    grown[outer & ~_behind_the_valve(mask)] = MYO
    grown[cavity & ~_behind_the_valve(mask)] = LV
    return grown


def hypertrophied_myo(mask: Mask, sector: Mask) -> Mask:
    """The wall thicker by 5 % of the height, half of it into the cavity."""
    distance = distance_transform_edt(mask != MYO)
    near = distance <= THICKENING * len(mask)
    return np.where(near & ((mask == LV) | (mask == BACKGROUND)), MYO, mask).astype(np.uint8)


def tiny(mask: Mask, sector: Mask) -> Mask:
    """The whole heart at half its size."""
    return moved(mask, scale=TINY_SCALE)


def rotated(mask: Mask, sector: Mask) -> Mask:
    """The whole heart turned by 40 degrees."""
    return moved(mask, degrees=ROTATION_DEG)


def cut_at_the_edge(mask: Mask, sector: Mask) -> Mask:
    """The heart shifted to the right until 40 % of the LV lies beyond the sector's edge."""
    inside, lv = sector > 0, mask == LV
    rows, columns = np.nonzero(lv)
    for shift in range(mask.shape[1]):
        beyond = columns + shift >= mask.shape[1]
        left = ~beyond & inside[rows, np.minimum(columns + shift, mask.shape[1] - 1)]
        if left.mean() <= 1 - LEAVES_SECTOR:
            break
    return moved(mask, shift=(0.0, float(shift)))


def without_la(mask: Mask, sector: Mask) -> Mask:
    """No left atrium."""
    return np.where(mask == LA, BACKGROUND, mask).astype(np.uint8)


def without_myo(mask: Mask, sector: Mask) -> Mask:
    """No wall around the cavity."""
    return np.where(mask == MYO, BACKGROUND, mask).astype(np.uint8)


def _behind_the_valve(mask: Mask) -> NDArray[np.bool_]:
    """Where the LA is, and the rows below the ventricle's lowest one."""
    rows = np.flatnonzero((mask == LV).any(axis=1))
    return (mask == LA) | (np.arange(len(mask)) > rows[-1])[:, None]


DEFORMATIONS: Final[dict[str, Callable[[Mask, Mask], Mask]]] = {
    UNCHANGED: lambda mask, sector: mask,
    "dilated_lv": dilated_lv,
    "hypertrophied_myo": hypertrophied_myo,
    "tiny": tiny,
    "rotated": rotated,
    "cut_at_the_edge": cut_at_the_edge,
    "without_la": without_la,
    "without_myo": without_myo,
}
TITLES: Final[dict[str, str]] = {
    REAL_IMAGE: "Ceiling: the patients' real images",
    UNCHANGED: "Unchanged",
    "dilated_lv": "Dilated LV",
    "hypertrophied_myo": "Hypertrophied MYO",
    "tiny": "Half the size",
    "rotated": "Turned by 40°",
    "cut_at_the_edge": "Cut at the sector's edge",
    "without_la": "Without LA",
    "without_myo": "Without MYO",
}


def held_out_cases(split: pd.DataFrame) -> list[str]:
    """The first case of each held-out patient, in the order of ids.

    Args:
        split: case_id, group (patients that share a frame are one), subset.
    """
    held_out = split[split["subset"] == "validation"].sort_values("case_id")
    return held_out.drop_duplicates("group")["case_id"].tolist()


def extreme_guides(images: ImageSet) -> ImageSet:
    """Every deformation of every case, unchanged first: the cases' images with other label maps.

    Case ids are `<case>.<deformation>` (`parts_of`).

    Raises:
        InputError: a label map has no LV.
    """
    masks, ids, rows = [], [], []
    for row, case in enumerate(images.case_id):
        if not (images.masks[row] == LV).any():
            raise InputError(
                f"case {case}: expected a label map with an LV to deform, found none; choose another split"
            )
        for name, deform in DEFORMATIONS.items():
            mask = deform(images.masks[row], images.sectors[row])
            masks.append(np.where(images.sectors[row] > 0, mask, BACKGROUND).astype(np.uint8))
            ids.append(f"{case}.{name}")
            rows.append(row)
    planes = {key: getattr(images, key)[rows] for key in ("images", "sectors", "spacing_mm")}
    return replace(images, masks=np.stack(masks), case_id=ids, seed=None, **planes)


def real_images(drawn: ImageSet, images: ImageSet) -> ImageSet:
    """The images of all cases in the place of those drawn from their unchanged guides, as the ceiling.

    Args:
        drawn: a translation of `extreme_guides(images)`, whose guides and sectors are kept.

    Returns:
        A case each of `images`, under the id of its unchanged guide.
    """
    unchanged = drawn.select([f"{case}.{UNCHANGED}" for case in images.case_id])
    return replace(unchanged, images=images.images)


def parts_of(case_ids: Sequence[str]) -> list[tuple[str, str]]:
    """(case, deformation) of the ids that `extreme_guides` gave."""
    return [tuple(case.rsplit(".", 1)) for case in case_ids]
