"""ED by labels of several frames: the one with the largest left ventricle, CAMUS's own definition."""

import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice
from echodiff.labels import LV

FULL_RANGE = 0.2  # share by which the ventricle shrinks in a whole cycle at least; less is a part of one


def by_largest_ventricle(labels: NDArray[np.uint8] | None) -> Choice | None:
    """The frame whose LV has the largest area; the first of equals.

    The confidence falls where the areas hardly differ, as the cine then shows too little of a cycle. None without a
    map for each frame.

    Args:
        labels: (F, H, W) labels 0..3; frames that nobody labelled are empty.
    """
    if labels is None or len(labels) < 2:
        return None
    areas = (labels == LV).sum(axis=(1, 2))
    if not areas.any():
        return None
    largest, smallest = areas.max(), areas[areas > 0].min()
    if smallest == largest and (areas > 0).sum() > 1:
        return None
    change = 1 - smallest / largest
    labelled_alone = (areas > 0).sum() == 1
    return Choice(int(areas.argmax()), 1.0 if labelled_alone else float(min(change / FULL_RANGE, 1)))
