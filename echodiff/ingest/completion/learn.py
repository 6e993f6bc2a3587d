"""Learning the shape model from complete label maps."""

import numpy as np
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.ingest.completion.contour import NoContour, Ventricle, arc, outline, resample, ventricle
from echodiff.ingest.completion.shape_model import ENDO, EPI, LA, PLACE, ShapeModel
from echodiff.labels import LA as LA_LABEL
from echodiff.labels import LV, MYO
from echodiff.store.image_set import ImageSet

FEWEST_HEARTS = 8
FOLDS = 10
RIDGES = 10.0 ** np.arange(-5, 0.5, 0.5)  # of the mean variance of a given number
LONGEST_ROOM, ROOM_STEP = 2.0, 0.01  # in lengths of the ventricle


def learn_shape_model(images: ImageSet) -> tuple[ShapeModel, int]:
    """The shape model of an image set's label maps, and how many of them were without all three structures.

    Raises:
        InputError: too few hearts.
    """
    hearts = []
    for mask, sector, spacing in zip(images.masks, images.sectors, images.spacing_mm, strict=True):
        try:
            hearts.append(heart_of(mask, sector > 0, usable_spacing(tuple(spacing))))
        except NoContour:
            continue
    if len(hearts) < FEWEST_HEARTS:
        raise InputError(
            f"shape model: expected at least {FEWEST_HEARTS} label maps with LV, MYO and LA, found {len(hearts)}"
        )
    given, rest = (np.stack(part) for part in zip(*hearts, strict=True))
    return fit(given, rest), len(images) - len(hearts)


def heart_of(
    mask: NDArray[np.uint8], sector: NDArray[np.bool_], spacing_mm: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What is given of a label map (2 ENDO + PLACE,), and what is to be predicted (2 EPI + 2 LA,).

    Raises:
        NoContour: a structure is missing.
    """
    lv = ventricle(mask == LV, spacing_mm)
    rest = [lv.to_frame(points).ravel() for points in true_contours(mask, lv, spacing_mm)]
    return given_of(lv, sector, spacing_mm), np.concatenate(rest)


def true_contours(mask: NDArray[np.uint8], lv: Ventricle, spacing_mm: tuple[float, float]) -> tuple[NDArray, NDArray]:
    """Epicardium (EPI, 2) and atrium (LA, 2) of a label map in mm.

    Raises:
        NoContour: a structure is missing.
    """
    if not (mask == MYO).any():
        raise NoContour("expected a myocardium")
    whole = ventricle((mask == LV) | (mask == MYO), spacing_mm)
    atrium = outline(mask == LA_LABEL, spacing_mm)
    middle = (lv.left + lv.right) / 2
    far = atrium[np.argmax(np.linalg.norm(atrium - middle, axis=1))]
    return resample(whole.wall, EPI), resample(arc(atrium, lv.left, lv.right, far), LA)


def given_of(lv: Ventricle, sector: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """What the model is told of a ventricle, (2 ENDO + PLACE,): its endocardium in its own frame, and its place."""
    endocardium = lv.to_frame(resample(lv.wall, ENDO))
    return np.concatenate([endocardium.ravel(), place(lv, sector, spacing_mm)])


def place(lv: Ventricle, sector: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Where the ventricle lies, (PLACE,): tilt of its axis in radians, room for the atrium, depth of the apex.

    The latter two are in lengths of the ventricle: how far its axis runs on below the annulus before it leaves the
    sector, and how far the apex lies below the sector's top.
    """
    axis = (lv.left + lv.right) / 2 - lv.apex
    steps = np.arange(0, LONGEST_ROOM, ROOM_STEP)
    rows, columns = (
        np.rint(((lv.left + lv.right)[i] / 2 + steps * axis[i]) / size).astype(int)
        for i, size in ((1, spacing_mm[0]), (0, spacing_mm[1]))
    )
    height, width = sector.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    inside &= sector[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    room = LONGEST_ROOM if inside.all() else steps[int(np.argmin(inside))]
    top = int(np.argmax(sector.any(1))) * spacing_mm[0]
    return np.array([np.arctan2(axis[0], axis[1]), room, (lv.apex[1] - top) / lv.length])


def usable_spacing(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Square pixels of 1 where the source does not say: the model knows no size, only shape."""
    return spacing_mm if np.isfinite(spacing_mm).all() else (1.0, 1.0)


def fit(given: NDArray[np.float64], rest: NDArray[np.float64]) -> ShapeModel:
    """The affine map with the ridge that predicts left-out hearts best, and the covariance of those predictions.

    Args:
        given: (N, 2 ENDO + PLACE).
        rest: (N, 2 EPI + 2 LA).
    """
    fold = np.arange(len(given)) % min(FOLDS, len(given))
    errors = {ridge: _left_out(given, rest, fold, ridge) for ridge in RIDGES}
    ridge = min(errors, key=lambda key: float((errors[key] ** 2).sum()))
    residual = errors[ridge]
    places = given[:, -PLACE:]
    return ShapeModel(
        *_affine(given, rest, ridge),
        covariance=residual.T @ residual / len(residual),
        place_range=np.stack([places.min(0), places.max(0)]),
        cases=len(given),
    )


def _affine(given: NDArray, rest: NDArray, ridge: float) -> tuple[NDArray, NDArray, NDArray]:
    """Means, and S21 (S11 + r I)^-1."""
    mean_given, mean_rest = given.mean(0), rest.mean(0)
    x, y = given - mean_given, rest - mean_rest
    s11 = x.T @ x / len(x)
    r = ridge * np.trace(s11) / len(s11)
    gain = np.linalg.solve(s11 + r * np.eye(len(s11)), x.T @ y / len(x)).T
    return mean_given, mean_rest, gain


def _left_out(given: NDArray, rest: NDArray, fold: NDArray, ridge: float) -> NDArray:
    """Errors (N, 2 EPI + 2 LA) of predicting each heart by a model of the other folds."""
    error = np.empty_like(rest)
    for number in np.unique(fold):
        out = fold == number
        mean_given, mean_rest, gain = _affine(given[~out], rest[~out], ridge)
        error[out] = rest[out] - mean_rest - (given[out] - mean_given) @ gain.T
    return error
