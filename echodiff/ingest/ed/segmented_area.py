"""ED by predicted labels: the frame with the largest left ventricle, CAMUS's own definition."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.volume_curve import MOST_FRAMES, UNKNOWN, Pace, fit_volume_curve, nearest_frame

Areas = Callable[[NDArray[np.uint8]], NDArray[np.float64]]

MOST_SEGMENTED = 64  # frames; a fitted beat has quarters of the steps between them
OUTLIERS = 3  # frames of the median that single badly segmented frames do not pass
SMALLEST_FIT = 0.96  # correlation of areas and volume curve; on phantoms it parts large errors from the rest


def by_segmented_area(
    frames: NDArray[np.uint8],
    areas_of: Areas,
    pace: Pace = UNKNOWN,
    late: float = 0.0,
) -> Choice | None:
    """The frame at the top of the LV's area over the cine.

    At most 64 of the first 256 frames are segmented, at even distances. The course of the areas, of which a median
    takes single outliers, is fitted by beats of the volume curve; the confidence is the squared correlation. None
    where the areas do not follow such a curve, as with frames that are segmented badly, or with fewer than eight.

    Args:
        frames: (F, H, W).
        areas_of: gives the area (N,) of the LV in frames (N, H, W), 0 where it finds none.
        pace: as far as known.
        late: frames by which the scanner's persistence delays the picture.
    """
    frames = frames[:MOST_FRAMES]
    step = max(len(frames) / MOST_SEGMENTED, 1.0)
    chosen = np.rint(np.arange(0, len(frames) - 0.5, step)).astype(int)
    course = median_filter(areas_of(frames[chosen]), OUTLIERS, mode="nearest")
    fit = fit_volume_curve(course, pace._replace(frame_ms=pace.frame_ms * step if pace.frame_ms else None))
    if fit is None or fit.correlation < SMALLEST_FIT:
        return None
    fit = fit._replace(place=fit.place * step, beat=fit.beat * step)
    return Choice(nearest_frame(fit, len(frames), late), fit.correlation**2)
