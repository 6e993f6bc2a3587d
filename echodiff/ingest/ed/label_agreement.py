"""ED by the label map: the frame on which the drawn outlines lie best."""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.ed.choice import Choice
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.motion import unit
from echodiff.ingest.ed.volume_curve import Measure, fit_volume_curve, nearest_frame
from echodiff.labels import BACKGROUND, LV, MYO

BAND_SHARE = 0.012  # width of the bands on either side of the outline, of the frame's shorter side
SMALLEST_CHANGE = 1e-6  # of the contrast over a cine; less is a cine that stands still
SMALLEST_AGREEMENT = 0.7  # correlation of contrast and motion; below it, shadows or haze decide on the contrast


def by_label_agreement(cine: Cine, mask: NDArray[np.uint8]) -> Choice | None:
    """The frame whose blood and wall the LV's outline divides best, for a map that was drawn on the ED frame.

    Compared is the mean gray in a band outside the endocardium with that in a band inside, in units of their
    deviation: an outline drawn on another frame has blood outside or wall inside. The contrast falls as the ventricle
    contracts; its course and those of the heart's motion are fitted together by beats of the volume curve, averaged by
    the scanner's persistence; in very short cines their highest place decides. The confidence is the squared
    correlation of that fit times the correlation of contrast and motion. None where there is no LV outline, where these
    two do not agree, or where the place stays unsure.

    Args:
        cine: to look at.
        mask: (H, W) labels 0..3 of its ED frame.
    """
    cavity = mask == LV
    if len(cine.frames) < 2 or not cavity.any():
        return None
    inside, outside = _bands(cavity, mask)
    if min(inside.sum(), outside.sum()) < 20:
        return None
    contrast = np.array([_contrast(frame, inside, outside) for frame in cine.seen])
    moved = cine.motion if np.ptp(contrast) > SMALLEST_CHANGE else None
    if moved is None:
        return None
    contrast = unit(contrast)
    agreement = float(contrast @ moved.course)
    if agreement < SMALLEST_AGREEMENT:
        return None
    fit = fit_volume_curve([Measure(contrast), *moved.measures], cine.pace, cine.persistence)
    if fit is None:
        return Choice(int((contrast + moved.course).argmax()), agreement / 2)
    if not fit.sure:
        return None
    return Choice(nearest_frame(fit.place, len(cine.seen)), fit.correlation**2 * agreement)


def _bands(cavity: NDArray[np.bool_], mask: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    width = max(2, round(BAND_SHARE * min(cavity.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    grown = cv2.dilate(cavity.astype(np.uint8), kernel).astype(bool)
    shrunk = cv2.erode(cavity.astype(np.uint8), kernel).astype(bool)
    wall = mask == MYO
    # Without a labelled wall all that is no atrium counts: the valve plane is left out by the labels below it.
    return cavity & ~shrunk, grown & ~cavity & (wall if wall.any() else mask == BACKGROUND)


def _contrast(frame: NDArray[np.uint8], inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> float:
    blood, wall = frame[inside].astype(np.float64), frame[outside].astype(np.float64)
    return float((wall.mean() - blood.mean()) / np.sqrt(blood.var() + wall.var() + 1))
