"""The rules that need the picture alone, for every source of cines."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.cascade import Rules
from echodiff.ingest.ed.persistence import delay
from echodiff.ingest.ed.segmented_area import by_segmented_area
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.ed.volume_curve import Pace
from echodiff.ingest.predicted import Predictor


def picture_rules(
    frames: NDArray[np.uint8], sector: NDArray[np.bool_], pace: Pace, predictor: Predictor | None
) -> Rules:
    """Motion, and with a segmenter the ventricle's area, in the order of trust: frames (F, H, W), sector (H, W)."""
    rules: Rules = {"self_similarity": lambda: by_self_similarity(frames, sector, pace)}
    if predictor:
        areas_of = partial(predictor.ventricle_areas, sector=sector)
        rules["segmented_area"] = lambda: by_segmented_area(frames, areas_of, pace, delay(frames, sector))
    return rules
