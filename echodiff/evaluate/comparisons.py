"""Floors and ceilings of the pixel metrics: images that know nothing of the patient, or everything.

A comparison takes the place of the synthetic image of a case. Each depends on the case, the original images
and the seed alone, never on the order or the number of the cases that are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echodiff.labels import LABELS
from echodiff.store.image_set import ImageSet
from echodiff.store.provenance import seed_of

SYNTHETIC = "synthetic"
ALL_BLACK = "all_black"
ANOTHER_PATIENT = "another_patient"
LABEL_MEAN = "label_mean"
REAL_ITSELF = "real_itself"
COMPARISONS = (SYNTHETIC, ALL_BLACK, ANOTHER_PATIENT, LABEL_MEAN, REAL_ITSELF)

TISSUES = len(LABELS)  # background inside the sector, LV, MYO, LA


def another_patient(case_id: str, case_ids: Sequence[str], groups: Sequence[str], *, seed: int) -> str | None:
    """A case of another patient, drawn for `case_id`; None where all cases are of one patient.

    `groups`: each case's patient; patients that share a frame count as one (`split.twins`).
    """
    own = groups[list(case_ids).index(case_id)]
    others = sorted(case for case, group in zip(case_ids, groups, strict=True) if group != own)
    if not others:
        return None
    rng = np.random.default_rng(seed_of(seed, "another_patient", case_id))
    return others[rng.integers(len(others))]


@dataclass(frozen=True)
class LabelMeans:
    """Mean gray of each tissue over all cases but the one that is painted.

    sums, counts: (N, 4) total gray and number of pixels of each tissue in each case.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, images: ImageSet) -> "LabelMeans":
        """The tissues' grays of an image set."""
        sums, counts = np.zeros((2, len(images), TISSUES))
        for i in range(len(images)):
            inside = images.sectors[i].astype(bool) | (images.masks[i] > 0)
            labels = images.masks[i][inside]
            counts[i] = np.bincount(labels, minlength=TISSUES)
            sums[i] = np.bincount(labels, weights=images.images[i][inside], minlength=TISSUES)
        return cls(sums, counts)

    def paint(self, index: int, images: ImageSet) -> NDArray[np.uint8]:
        """Case `index` painted with the others' mean grays, black outside the sector: uint8 (H, W)."""
        counts = self.counts.sum(axis=0) - self.counts[index]
        sums = self.sums.sum(axis=0) - self.sums[index]
        grays = np.divide(sums, counts, out=np.zeros(TISSUES), where=counts > 0)
        painted = np.rint(grays).astype(np.uint8)[images.masks[index]]
        inside = images.sectors[index].astype(bool) | (images.masks[index] > 0)
        return np.where(inside, painted, 0).astype(np.uint8)
