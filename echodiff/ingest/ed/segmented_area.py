"""ED by predicted labels: the frame with the largest left ventricle, CAMUS's own definition."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.volume_curve import Measure, fit_volume_curve, nearest_frame

Areas = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

MOST_SEGMENTED = 64  # frames; a fitted beat has quarters of the steps between them
OUTLIERS = 3  # frames of the median that single badly segmented frames do not pass
SMALLEST_FIT = 0.96  # correlation of areas and volume curve; on phantoms it parts large errors from the rest


def by_segmented_area(cine: Cine, areas_of: Areas) -> Choice | None:
    """The frame at the top of the LV's area over the cine.

    At most 64 of the first 256 frames are segmented, at even distances. The course of the areas, of which a median
    takes single outliers, is fitted by beats of the volume curve; where they follow one, they and the cine's motion
    are fitted together, and the confidence is the squared correlation of that fit. None where the areas do not follow
    such a curve, as with frames that are segmented badly, where there are fewer than eight, or where the place stays
    unsure.

    Args:
        cine: whose motion and persistence are those of all frames that are looked at.
        areas_of: gives the area (N,) of the LV in frames (N, H, W), 0 where it finds none.
    """
    frames = cine.seen
    step = max(len(frames) / MOST_SEGMENTED, 1.0)
    chosen = np.rint(np.arange(0, len(frames) - 0.5, step)).astype(int)
    areas = Measure(median_filter(areas_of(frames[chosen]), OUTLIERS, mode="nearest"))
    delay = cine.persistence / (1 - cine.persistence) / step
    share = delay / (1 + delay)  # that delays as much among the chosen frames
    pace = cine.pace._replace(frame_ms=cine.pace.frame_ms * step if cine.pace.frame_ms else None)
    alone = fit_volume_curve([areas], pace, share)
    if alone is None or alone.correlation < SMALLEST_FIT:
        return None
    moved = cine.motion.measures if cine.motion else ()
    beside = [measure._replace(course=measure.course[chosen]) for measure in moved]
    fit = fit_volume_curve([areas, *beside], pace, share)
    if fit is None or not fit.sure:
        return None
    return Choice(nearest_frame(fit.place * step, len(frames)), fit.correlation**2)
