"""Structures by the names that people give to masks, segments and polygons, and a label map of masks that overlap."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject
from echodiff.labels import LA, LV, MYO, STRUCTURES

EPI: Final = "EPI"  # all within the epicardium: wall and cavity
OTHER: Final = ""  # a structure that models do not draw, or none
FILLERS = {"mask", "masks", "label", "labels", "seg", "segmentation", "gt", "roi", "segment"}
SPELLINGS = {
    "LV": "lv, leftventricle, leftventricular, lvcavity, leftventriclecavity, leftventricularcavity, lvbloodpool, "
    "lvendo, endolv, endo, endocardium, endocardial, lvendocardium, lvendocardial, lvcav, lvc",
    "MYO": "myo, myocardium, myocardial, lvmyo, lvm, lvmyocardium, leftventricularmyocardium, "
    "leftventriclemyocardium, lvwall, leftventricularwall, wall",
    EPI: "epi, epicardium, epicardial, lvepi, epilv, lvepicardium, lvepicardial",
    "LA": "la, leftatrium, leftatrial, atrium, lacavity, leftatrialcavity, laendo",
    OTHER: "background, bg, rv, rightventricle, ra, rightatrium, ao, aorta, pericardium, sector, other",
}
KNOWN: Mapping[str, str] = {
    spelling.strip(): structure for structure, spellings in SPELLINGS.items() for spelling in spellings.split(",")
}
NAMES = "LV (or endo), MYO, EPI (the ventricle with its wall) and LA"  # as sentences list them
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # `LVendo` is LV and endo, `leftVentricle` left and ventricle


def structure_of(name: str) -> str | None:
    """ "LV", "MYO", "LA", `EPI` or `OTHER` of a name; None of one that says nothing of the kind.

    Capitals, signs, digits and words such as `mask` do not count: `LV_endo-mask.1` is the LV's cavity.
    """
    words = [word.lower() for word in WORD.findall(name)]
    return KNOWN.get("".join(word for word in words if word not in FILLERS))


def numbering(names: Mapping[int, str]) -> dict[int, int] | None:
    """Value in a label map -> its label 0..3 by the names of the values; None unless all three are told, each once."""
    known = {value: structure_of(name) for value, name in names.items()}
    labels = {value: STRUCTURES.get(structure, 0) for value, structure in known.items() if structure is not None}
    once = sorted(label for label in labels.values() if label) == sorted(STRUCTURES.values())
    return labels if once and len(labels) == len(names) and EPI not in known.values() else None


def label_map_of(regions: Mapping[str, NDArray[np.bool_]], what: str) -> NDArray[np.uint8]:
    """Labels of regions (..., H, W) by structure, which may overlap: the LV lies over the LA, and both over the wall.

    So an epicardium that contains the cavity becomes the wall around it.

    Raises:
        Reject: nothing is marked, or an epicardium without the cavity in it.
    """
    if EPI in regions and "LV" not in regions:
        raise Reject(
            f"{what}: expected the LV's cavity beside its epicardium, found none; the wall is what lies between"
        )
    first = next(iter(regions.values()))
    labels = np.zeros(first.shape, np.uint8)
    for structure, label in ((EPI, MYO), ("MYO", MYO), ("LA", LA), ("LV", LV)):
        if structure in regions:
            labels[regions[structure]] = label
    if not labels.any():
        raise Reject(f"{what}: expected labelled structures, found background alone")
    return labels
