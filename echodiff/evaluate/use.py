"""Use: is a segmenter that learns from synthetic images any good on real patients?

Three arms learn from real images only, synthetic images only, or both, and all are tested on the same real held-out
patients. The real part is a share of the training patients; smaller shares are contained in larger ones. All arms take
the same number of steps, so that more images are not more training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.store.image_set import ImageSet

REAL, SYNTHETIC, BOTH = "real", "synthetic", "both"
ARMS = (REAL, SYNTHETIC, BOTH)
ALL_PERCENT = 100


@dataclass(frozen=True)
class Arm:
    """What a segmenter learns from: the images, and how many of them are real and synthetic."""

    images: ImageSet
    n_real: int
    n_synthetic: int


def part_of_patients(split: pd.DataFrame, percent: int, *, seed: int) -> list[str]:
    """Case ids of `percent` % of the training patients (at least one), sorted; a smaller share is part of a larger one.

    Args:
        split: case_id, patient, subset.
        seed: of the order in which patients are taken.
    """
    training = split[split["subset"] == "train"]
    patients = np.array(sorted(training["patient"].unique()))
    taken = np.random.default_rng(seed).permutation(patients)[: max(1, round(len(patients) * percent / ALL_PERCENT))]
    return sorted(training.loc[training["patient"].isin(taken), "case_id"])


def arm_of(
    name: str, real: ImageSet, synthetic: Sequence[ImageSet], split: pd.DataFrame, *, percent: int, seed: int
) -> Arm:
    """The images of an arm.

    Args:
        real: the training dataset. synthetic: translations by one model; none for the arm of real images.
        percent: share of the training patients; label maps of the others are not used either, unless the arm has no
            real images at all: then those of all training patients guide synthetic images.

    Raises:
        InputError: a synthetic image has a held-out patient's label map as guide, or there are no synthetic images.
    """
    chosen = part_of_patients(split, ALL_PERCENT if name == SYNTHETIC else percent, seed=seed)
    if name == REAL:
        return Arm(real.select(chosen), len(chosen), 0)
    held_out = set(split.loc[split["subset"] == "validation", "case_id"])
    parts = []
    for images in synthetic:
        if images.attributes.get("dataset") == real.attributes.get("dataset"):
            leaked = sorted(held_out & set(images.case_id))
            if leaked:
                raise InputError(
                    f"use: expected synthetic images with guides of training patients only, found {leaked[0]}, which "
                    "is held out; give the translation of the training subset"
                )
            images = images.select([case for case in chosen if case in set(images.case_id)])
        parts.append(images)
    drawn = sum(map(len, parts))
    if not drawn:
        raise InputError(f"use: expected synthetic images for the arm '{name}', found none; translate a dataset first")
    own = [real.select(chosen)] if name == BOTH else []
    return Arm(_together([*own, *parts]), len(chosen) if own else 0, drawn)


def _together(sets: Sequence[ImageSet]) -> ImageSet:
    """All images of several sets in one, for training; ids are told apart by their set's number."""
    planes = (
        np.concatenate([getattr(images, key) for images in sets])
        for key in ("images", "masks", "sectors", "spacing_mm")
    )
    return ImageSet(*planes, [f"{i}.{case}" for i, images in enumerate(sets) for case in images.case_id])


def epochs_of(steps: int, n: int, batch_size: int) -> int:
    """Passes through `n` images that come nearest to `steps` steps; at least one."""
    return max(1, round(steps / -(-n // batch_size)))
