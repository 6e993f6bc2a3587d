"""The rules that need the picture alone, for every source of cines."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.cascade import Rules
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.motion import motion
from echodiff.ingest.ed.persistence import persistence
from echodiff.ingest.ed.segmented_area import by_segmented_area
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, Pace
from echodiff.ingest.predicted import Predictor


def picture_rules(
    frames: NDArray[np.uint8], sector: NDArray[np.bool_], pace: Pace, predictor: Predictor | None
) -> Rules:
    """Motion, and with a segmenter the ventricle's area, in the order of trust: frames (F, H, W), sector (H, W)."""
    rules: Rules = {"self_similarity": lambda: by_self_similarity(frames, sector, pace)}
    if predictor:
        rules["segmented_area"] = partial(_by_segmented_area, frames, sector, pace, predictor)
    return rules


def _by_segmented_area(
    frames: NDArray[np.uint8], sector: NDArray[np.bool_], pace: Pace, predictor: Predictor
) -> Choice | None:
    frames = frames[:MOST_FRAMES]
    moved = motion(frames, sector) if len(frames) > 1 else None
    areas_of = partial(predictor.ventricle_areas, sector=sector)
    return by_segmented_area(frames, areas_of, pace, persistence(frames, sector), moved.measures if moved else ())
