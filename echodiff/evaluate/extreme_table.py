"""The table of extreme guides: do the images still show what their guides say, and what do they add?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.evaluate.extreme import UNCHANGED, parts_of
from echodiff.evaluate.overlap import overlap_of
from echodiff.evaluate.physics import leakage
from echodiff.labels import STRUCTURES
from echodiff.store.image_set import ImageSet


def extreme_table(synthetic: ImageSet, predicted: NDArray[np.uint8]) -> pd.DataFrame:
    """Overlap of predicted label maps (N, H, W) with the guides of `synthetic`, the translation of `extreme_guides`.

    Returns:
        One row an image: dataset, model, case_id, deformation, Dice and border distances of `overlap_of`, `leakage`
        (share of the pixels outside the sector of a gray of 8 or more), and for each structure that the guide lacks and
        the unchanged guide has, `invented_<structure>`: segmented pixels over those of the unchanged guide.
    """
    parts = parts_of(synthetic.case_id)
    unchanged = {case: mask for (case, name), mask in zip(parts, synthetic.masks, strict=True) if name == UNCHANGED}
    rows = []
    for i, (case, deformation) in enumerate(parts):
        row = {key: synthetic.attributes.get(key, "") for key in ("dataset", "model")}
        row |= {"case_id": case, "deformation": deformation}
        row |= overlap_of(predicted[i], synthetic.masks[i], synthetic.spacing_mm[i].astype(np.float64))
        row["leakage"] = leakage(synthetic.images[i], synthetic.sectors[i])
        row |= _invented(predicted[i], synthetic.masks[i], unchanged[case])
        rows.append(row)
    return pd.DataFrame(rows)


def _invented(predicted: NDArray[np.uint8], guide: NDArray[np.uint8], whole: NDArray[np.uint8]) -> dict[str, float]:
    row = {}
    for name, label in STRUCTURES.items():
        known = int((whole == label).sum())
        absent = known and not (guide == label).any()
        row[f"invented_{name.lower()}"] = float((predicted == label).sum()) / known if absent else float("nan")
    return row
