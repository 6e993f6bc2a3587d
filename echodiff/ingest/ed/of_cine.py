"""All rules for the end-diastolic frame of a cine or still in 2D, in the order of trust, whatever file it is from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.by_picture import picture_rules
from echodiff.ingest.ed.cascade import Rules
from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.ecg_trace import by_ecg_trace
from echodiff.ingest.ed.explicit import by_table
from echodiff.ingest.ed.label_agreement import by_label_agreement
from echodiff.ingest.ed.largest_ventricle import by_largest_ventricle
from echodiff.ingest.ed.r_wave import by_r_wave
from echodiff.ingest.labels.predicted import Predictor


class Recorded(NamedTuple):
    """What a scanner wrote into tags."""

    position: Choice | None
    """ED by Cardiac Cycle Position."""
    times_ms: NDArray[np.float64] | None
    r_waves_ms: NDArray[np.float64]


def cine_rules(
    cine: Cine,
    labels: NDArray[np.uint8] | None,
    predictor: Predictor | None,
    *,
    chosen: int | None = None,
    stills: int = 1,
    recorded: Recorded | None = None,
) -> Rules:
    """The rules that can be asked.

    Args:
        labels: (1, H, W) or (F, H, W), labels 0..3.
        chosen: the frame of a user's table, from 0.
        stills: how many stills were exported of the cine of which this is one.
        recorded: None for files without such tags, of which the two rules are left out.
    """
    count = len(cine.frames)
    single = labels[0] if labels is not None and len(labels) == 1 else None
    # A stack with labels on some frames was drawn on the frames that somebody took for ED and ES.
    annotated = labels is not None and count > 1 and len(labels) == count and not labels.any(axis=(1, 2)).all()
    rules: Rules = {
        "table": lambda: by_table(chosen, count),
        "explicit": lambda: recorded.position,
        # A cine that was exported as one file a frame: each of its stills may be end-diastole, and one of them is.
        "still": lambda: Choice(0, 1 / stills) if count == 1 else None,
        "labelled": lambda: by_largest_ventricle(labels) if annotated else None,
        "r_wave": lambda: by_r_wave(recorded.times_ms, recorded.r_waves_ms),
        "ecg": lambda: by_ecg_trace(cine.frames, cine.sector),
        "largest_lv": lambda: by_largest_ventricle(labels),
        "label": lambda: by_label_agreement(cine, single) if single is not None else None,
        **picture_rules(cine, predictor),
    }
    return rules if recorded else {name: rule for name, rule in rules.items() if name not in ("explicit", "r_wave")}
