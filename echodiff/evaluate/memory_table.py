"""The table of memory: every synthetic and every held-out image with its nearest training image in three
spaces.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate import memory as m
from echodiff.evaluate.features import FeatureSet, check_same_extractor
from echodiff.evaluate.sector import common_sector
from echodiff.store.image_set import ImageSet

SYNTHETIC, HELD_OUT = "synthetic", "held_out"
MINIMUM = 10  # training images; with fewer there is no rate to speak of


@dataclass(frozen=True)
class Part:
    """Images with their features, case by case."""

    images: ImageSet
    features: FeatureSet

    def select(self, case_ids: list[str]) -> "Part":
        """The cases of `case_ids`, in that order."""
        return Part(self.images.select(case_ids), self.features.select(case_ids))


def memory_table(
    reference: Part, split: pd.DataFrame, synthetic: Part, *, model: str, alarm_rate: float
) -> pd.DataFrame:
    """Nearest training and nearest held-out image of every synthetic image; the same for held-out real
    images.

    Args:
        reference: the training dataset; `split` (case_id, group, subset) divides it.
        synthetic: a translation.
        model: name written into the rows.
        alarm_rate: share of different patients that raise an alarm in any of the three spaces.

    Returns:
        One row an image: `kind` (synthetic, held_out), `case_id`, and for each space `<space>_training` (the
        nearest training case), `<space>_distance`, `<space>_held_out`, `<space>_held_out_distance` (synthetic
        only), `<space>_threshold`; `flagged`: below the threshold in at least one space.

    Raises:
        InputError: features of different extractors, or fewer than ten training images.
    """
    check_same_extractor({"training": reference.features, "synthetic": synthetic.features})
    divided = split.sort_values("case_id")
    training = reference.select(divided.loc[divided["subset"] == "train", "case_id"].tolist())
    held_out = reference.select(divided.loc[divided["subset"] == "validation", "case_id"].tolist())
    if len(training.images) < MINIMUM:
        raise InputError(
            f"{model}: expected at least {MINIMUM} training images to say how far patients lie apart, "
            f"found {len(training.images)}; switch evaluate.memory.enabled off"
        )
    groups = divided.loc[divided["subset"] == "train", "group"].to_numpy()
    sector = common_sector(training.images)
    known, drawn, beside = (
        {space: _vectors(space, part, sector) for space in m.SPACES if len(part.images)}
        for part in (training, synthetic, held_out)
    )
    limits = {
        space: m.threshold(m.nearest_other(base, groups), alarm_rate / len(m.SPACES)) for space, base in known.items()
    }
    tables = []
    for kind, part, vectors in ((SYNTHETIC, synthetic, drawn), (HELD_OUT, held_out, beside)):
        if not vectors:
            continue
        table = pd.DataFrame({"kind": kind, "case_id": part.images.case_id})
        flagged = np.zeros(len(table), bool)
        for space in m.SPACES:
            found, limit = m.nearest(vectors[space], known[space]), limits[space]
            table[f"{space}_training"] = np.array(training.images.case_id)[found.position]
            table[f"{space}_distance"] = found.distance
            table[f"{space}_threshold"] = limit
            if kind == SYNTHETIC and beside:
                other = m.nearest(vectors[space], beside[space])
                table[f"{space}_held_out"] = np.array(held_out.images.case_id)[other.position]
                table[f"{space}_held_out_distance"] = other.distance
            flagged |= found.distance <= limit
        table["flagged"] = flagged
        tables.append(table)
    result = pd.concat(tables, ignore_index=True)
    result.insert(0, "dataset", synthetic.images.attributes.get("dataset", ""))
    result.insert(1, "model", model)
    return result


def _vectors(space: str, part: Part, sector: np.ndarray) -> m.Vectors:
    if space == m.FEATURES:
        return part.features.features.astype(np.float64)
    if space == m.THUMBNAIL:
        return m.thumbnails(part.images.images)
    return m.sector_patterns(part.images.images, sector)
