"""A label map drawn as the guide that the model sees."""

import numpy as np
from numpy.typing import NDArray

from echodiff.labels import GUIDE_GRAYS


def draw_guide(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels 0..3 (H, W) as gray values: LV white, MYO light gray, LA dark gray, background black."""
    return np.asarray(GUIDE_GRAYS, dtype=np.uint8)[mask]
