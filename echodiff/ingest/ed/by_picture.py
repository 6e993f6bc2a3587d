"""The rules that need the picture alone, for every source of cines."""

from functools import partial

from echodiff.ingest.ed.cascade import Rules
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.segmented_area import by_segmented_area
from echodiff.ingest.ed.self_similarity import by_self_similarity
from echodiff.ingest.labels.predicted import Predictor


def picture_rules(cine: Cine, predictor: Predictor | None) -> Rules:
    """Motion, and with a segmenter the ventricle's area, in the order of trust."""
    rules: Rules = {"self_similarity": lambda: by_self_similarity(cine)}
    if predictor:
        areas_of = partial(predictor.ventricle_areas, sector=cine.sector)
        rules["segmented_area"] = lambda: by_segmented_area(cine, areas_of)
    return rules
