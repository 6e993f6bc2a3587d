"""The table of memory: every synthetic and every held-out image with its nearest training image in three
spaces.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate import memory as m
from echodiff.evaluate.features import FeatureSet, check_same_extractor
from echodiff.evaluate.registration import Registration
from echodiff.evaluate.sector import common_sector
from echodiff.store.image_set import ImageSet

SYNTHETIC, HELD_OUT = "synthetic", "held_out"
MOTION = "moved_"  # before the name of each part of a motion
MINIMUM = 10  # training images; with fewer there is no rate to speak of


@dataclass(frozen=True)
class Part:
    """Images with their features, case by case."""

    images: ImageSet
    features: FeatureSet

    def select(self, case_ids: list[str]) -> "Part":
        """The cases of `case_ids`, in that order."""
        return Part(self.images.select(case_ids), self.features.select(case_ids))


@dataclass(frozen=True)
class Known:
    """The real images that translations are compared with, and what follows from them alone.

    registration: the training images, then the held-out ones. spaces: what is compared in the spaces without
    registration, of the training and of the held-out images. between: for each space the distance of every training
    image to the nearest of another patient, (n,). alarm_rate: share of different patients that raise an alarm in any
    of the three spaces.
    """

    training: Part
    held_out: Part
    registration: Registration
    spaces: dict[str, tuple[m.Vectors, m.Vectors]]
    between: dict[str, m.Vectors]
    alarm_rate: float

    @classmethod
    def of(cls, reference: Part, split: pd.DataFrame, *, alarm_rate: float) -> "Known":
        """The training dataset, divided by `split` (case_id, group, subset), in which some are held out.

        Raises:
            InputError: fewer than ten training images.
        """
        divided = split.sort_values("case_id")
        is_training = divided["subset"] == "train"
        training = reference.select(divided.loc[is_training, "case_id"].tolist())
        held_out = reference.select(divided.loc[divided["subset"] == "validation", "case_id"].tolist())
        if len(training.images) < MINIMUM:
            raise InputError(
                f"{_dataset(reference)}: expected at least {MINIMUM} training images to say how far patients lie "
                f"apart, found {len(training.images)}; switch evaluate.memory.enabled off"
            )
        frames = np.concatenate([training.images.images, held_out.images.images])
        registration = Registration(frames, common_sector(training.images))
        spaces = {space: tuple(_vectors(space, part) for part in (training, held_out)) for space in m.UNMOVED}
        groups = divided.loc[is_training, "group"].to_numpy()
        between = {space: m.nearest_other(base, groups) for space, (base, _) in spaces.items()}
        between[m.CORRELATION] = registration.nearest_other(groups)
        return cls(training, held_out, registration, spaces, between, alarm_rate)

    @cached_property
    def limits(self) -> dict[str, float]:
        """The threshold of each space."""
        return {space: m.threshold(self.between[space], self.alarm_rate / len(m.SPACES)) for space in m.SPACES}

    @cached_property
    def alarms(self) -> pd.DataFrame:
        """The rows of the held-out images, without the name of a model."""
        return _rows(self, self.held_out, HELD_OUT)

    def nearest(self, part: Part, *, held_out: bool) -> list[dict[str, m.Nearest]]:
        """For each space the nearest training image of each one of `part`; with `held_out` the nearest of these too."""
        n = len(self.training.images)
        sides = [slice(n), slice(n, None)] if held_out else [slice(n)]
        found = [{m.CORRELATION: nearest} for nearest in self.registration.nearest(part.images.images, sides)]
        for space, known in self.spaces.items():
            own = _vectors(space, part)
            for side, others in zip(found, known, strict=False):
                side[space] = m.nearest(own, others)
        return found


def memory_table(known: Known, synthetic: Part, *, model: str) -> pd.DataFrame:
    """Nearest training and nearest held-out image of every synthetic image; the same for held-out real
    images.

    Args:
        synthetic: a translation.
        model: name written into the rows.

    Returns:
        One row an image: `dataset`, `model`, `kind` (synthetic, held_out), `case_id`, and for each space
        `<space>_training` (the nearest training case), `<space>_distance`, `<space>_held_out`,
        `<space>_held_out_distance` (synthetic only), `<space>_threshold`; `moved_<name>`: the motion of that training
        image in the space correlation (`Motion`); `flagged`: below the threshold in at least one space. Held-out
        images are of the training dataset, whichever one was translated.

    Raises:
        InputError: features of different extractors.
    """
    check_same_extractor({"training": known.training.features, "synthetic": synthetic.features})
    result = pd.concat([_rows(known, synthetic, SYNTHETIC), known.alarms], ignore_index=True)
    result.insert(1, "model", model)
    return result


def _rows(known: Known, part: Part, kind: str) -> pd.DataFrame:
    """The rows of one set of images; a held-out image is not compared with the held-out ones, of which it is one."""
    training, *held_out = known.nearest(part, held_out=kind == SYNTHETIC)
    table = pd.DataFrame({"dataset": _dataset(part), "kind": kind, "case_id": part.images.case_id})
    flagged = np.zeros(len(table), bool)
    for space in m.SPACES:
        found, limit = training[space], known.limits[space]
        table[f"{space}_training"] = np.array(known.training.images.case_id)[found.position]
        table[f"{space}_distance"] = found.distance
        table[f"{space}_threshold"] = limit
        for other in held_out:
            table[f"{space}_held_out"] = np.array(known.held_out.images.case_id)[other[space].position]
            table[f"{space}_held_out_distance"] = other[space].distance
        flagged |= found.distance <= limit
    motion = training[m.CORRELATION].motion
    table = table.assign(**{MOTION + name: values for name, values in vars(motion).items()})
    return table.assign(flagged=flagged)


def _dataset(part: Part) -> str:
    return part.images.attributes.get("dataset", "")


def _vectors(space: str, part: Part) -> m.Vectors:
    if space == m.FEATURES:
        return part.features.features.astype(np.float64)
    return m.thumbnails(part.images.images)
