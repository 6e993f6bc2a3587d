"""Learning the shape model from complete label maps."""

import numpy as np
from numpy.typing import NDArray

from echodiff.errors import InputError
from echodiff.ingest.labels.contour import NoContour, Ventricle, arc, outline, resample, ventricle
from echodiff.ingest.labels.shape_model import ENDO, EPI, LA, ShapeModel
from echodiff.labels import LA as LA_LABEL
from echodiff.labels import LV, MYO
from echodiff.store.image_set import ImageSet

FEWEST_HEARTS = 8
FOLDS = 10
RIDGES = 10.0 ** np.arange(
    -6, 0.5, 0.5
)  # of the mean variance of an endocardial coordinate, times the hearts


def learn_shape_model(images: ImageSet) -> tuple[ShapeModel, int]:
    """The shape model of an image set's label maps, and how many of them were without all three structures.

    Raises:
        InputError: too few hearts.
    """
    hearts = []
    for mask, spacing in zip(images.masks, images.spacing_mm, strict=True):
        try:
            hearts.append(polylines(mask, usable_spacing(tuple(spacing))))
        except NoContour:
            continue
    if len(hearts) < FEWEST_HEARTS:
        raise InputError(
            f"shape model: expected at least {FEWEST_HEARTS} label maps with LV, MYO and LA, found {len(hearts)}"
        )
    endo = np.stack([heart[0].ravel() for heart in hearts])
    rest = np.stack([np.concatenate([heart[1].ravel(), heart[2].ravel()]) for heart in hearts])
    return fit(endo, rest), len(images) - len(hearts)


def polylines(mask: NDArray[np.uint8], spacing_mm: tuple[float, float]) -> tuple[NDArray, NDArray, NDArray]:
    """Endocardium (ENDO, 2), epicardium (EPI, 2) and atrium (LA, 2) of a label map, in the ventricle's frame.

    Raises:
        NoContour: a structure is missing.
    """
    lv = ventricle(mask == LV, spacing_mm)
    return endocardium(lv), *(lv.to_frame(points) for points in true_contours(mask, lv, spacing_mm))


def true_contours(
    mask: NDArray[np.uint8], lv: Ventricle, spacing_mm: tuple[float, float]
) -> tuple[NDArray, NDArray]:
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


def endocardium(lv: Ventricle) -> NDArray[np.float64]:
    """(ENDO, 2) in the ventricle's frame."""
    return lv.to_frame(resample(lv.wall, ENDO))


def usable_spacing(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    """Square pixels of 1 where the source does not say: the model knows no size, only shape."""
    return spacing_mm if np.isfinite(spacing_mm).all() else (1.0, 1.0)


def fit(endo: NDArray[np.float64], rest: NDArray[np.float64]) -> ShapeModel:
    """The affine map with the ridge that predicts left-out hearts best, and the covariance of those predictions.

    Args:
        endo: (N, 2 ENDO).
        rest: (N, 2 EPI + 2 LA).
    """
    fold = np.arange(len(endo)) % min(FOLDS, len(endo))
    errors = {ridge: _left_out(endo, rest, fold, ridge) for ridge in RIDGES}
    ridge = min(errors, key=lambda key: float((errors[key] ** 2).sum()))
    residual = errors[ridge]
    mean_endo, mean_rest, gain = _affine(endo, rest, ridge)
    return ShapeModel(mean_endo, mean_rest, gain, residual.T @ residual / len(residual), len(endo))


def _affine(endo: NDArray, rest: NDArray, ridge: float) -> tuple[NDArray, NDArray, NDArray]:
    """Means, and S21 (S11 + r I)^-1."""
    mean_endo, mean_rest = endo.mean(0), rest.mean(0)
    x, y = endo - mean_endo, rest - mean_rest
    s11 = x.T @ x / len(x)
    r = ridge * np.trace(s11) / len(s11)
    gain = np.linalg.solve(s11 + r * np.eye(len(s11)), x.T @ y / len(x)).T
    return mean_endo, mean_rest, gain


def _left_out(endo: NDArray, rest: NDArray, fold: NDArray, ridge: float) -> NDArray:
    """Errors (N, 2 EPI + 2 LA) of predicting each heart by a model of the other folds."""
    error = np.empty_like(rest)
    for number in np.unique(fold):
        out = fold == number
        mean_endo, mean_rest, gain = _affine(endo[~out], rest[~out], ridge)
        error[out] = rest[out] - mean_rest - (endo[out] - mean_endo) @ gain.T
    return error
