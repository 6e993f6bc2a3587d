"""The table of mask fidelity: the segmenter's label map of every image against the label map it should
show.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.evaluate.clinical import clinical_measures
from echodiff.evaluate.overlap import overlap_of
from echodiff.store.image_set import ImageSet


def fidelity_table(images: ImageSet, predicted: NDArray[np.uint8]) -> pd.DataFrame:
    """Overlap and clinical measures of predicted label maps (N, H, W) against the masks of `images`.

    Returns:
        One row an image: dataset, kind, model, case_id, Dice and border distances of `overlap_of`, and each
        clinical measure twice, `<measure>_guide` from the mask and `<measure>_segmented`.
    """
    rows = []
    for case, own, truth, spacing in zip(images.case_id, predicted, images.masks, images.spacing_mm, strict=True):
        row = {key: images.attributes.get(key, "") for key in ("dataset", "kind", "model")} | {"case_id": case}
        row |= overlap_of(own, truth, spacing.astype(np.float64))
        for source, mask in (("guide", truth), ("segmented", own)):
            measures = clinical_measures(mask, spacing)
            row |= {f"{name}_{source}": value for name, value in measures.items()}
        rows.append(row)
    return pd.DataFrame(rows)
