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


class OtherPatients:
    """Draws for each case one of another patient.

    groups: the patient of each of `case_ids`; patients that share a frame count as one (`split.twins`).
    """

    def __init__(self, case_ids: Sequence[str], groups: Sequence[str], *, seed: int):
        self._seed = seed
        order = np.argsort(np.array(case_ids, dtype=object))  # whatever the order of the file
        self._cases = [case_ids[position] for position in order]
        codes = np.unique(np.array(groups, dtype=object), return_inverse=True)[1]
        self._groups = codes[order]
        self._group_of = dict(zip(self._cases, self._groups.tolist(), strict=True))

    def of(self, case_id: str) -> str | None:
        """A case of another patient, the same whenever it is drawn for `case_id`; None where there is no other."""
        others = np.flatnonzero(self._groups != self._group_of[case_id])
        if not len(others):
            return None
        rng = np.random.default_rng(seed_of(self._seed, "another_patient", case_id))
        return self._cases[others[rng.integers(len(others))]]


@dataclass(frozen=True)
class LabelMeans:
    """Mean gray of each tissue over all cases but those of the patient that is painted.

    sums, counts: (N, 4) total gray and number of pixels of each tissue in each case. patients: (N,) a number for each
    case's patient.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    patients: NDArray[np.intp]

    @classmethod
    def of(cls, images: ImageSet, patients: Sequence[str]) -> "LabelMeans":
        """The tissues' grays of an image set; `patients`: as `groups` of `OtherPatients`."""
        sums, counts = np.zeros((2, len(images), TISSUES))
        for i in range(len(images)):
            inside = images.sectors[i].astype(bool) | (images.masks[i] > 0)
            labels = images.masks[i][inside]
            counts[i] = np.bincount(labels, minlength=TISSUES)
            sums[i] = np.bincount(labels, weights=images.images[i][inside], minlength=TISSUES)
        return cls(sums, counts, np.unique(np.array(patients, dtype=object), return_inverse=True)[1])

    def paint(self, index: int, images: ImageSet) -> NDArray[np.uint8] | None:
        """Case `index` painted with the other patients' mean grays, black outside the sector: uint8 (H, W).

        None where all cases are of one patient.
        """
        others = self.patients != self.patients[index]
        if not others.any():
            return None
        counts, sums = self.counts[others].sum(axis=0), self.sums[others].sum(axis=0)
        grays = np.divide(sums, counts, out=np.zeros(TISSUES), where=counts > 0)
        painted = np.rint(grays).astype(np.uint8)[images.masks[index]]
        inside = images.sectors[index].astype(bool) | (images.masks[index] > 0)
        return np.where(inside, painted, 0).astype(np.uint8)
