"""From a frame of any size to the square frame of all later stages: crop to the sector, resample, blank the outside."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.ingest.case import Reject, SourceFrame
from echodiff.labels import BACKGROUND, LABELS, STRUCTURES

SMALLEST_SECTOR = 16  # rows and columns that a tissue sector has at least


@dataclass(frozen=True)
class FittedFrame:
    """A square frame of S x S pixels."""

    image: NDArray[np.uint8]
    """(S, S) gray values, 0 outside the sector."""

    mask: NDArray[np.uint8]
    """(S, S) labels 0..3."""

    sector: NDArray[np.uint8]
    """(S, S) 1 inside the tissue sector."""

    spacing_mm: tuple[float, float]
    """(row, column) size of a pixel after resampling; NaN where the source does not say."""


def fit_frame(frame: SourceFrame, size: int, fit: Literal["stretch", "pad"]) -> FittedFrame:
    """Crop a frame to its sector's bounding box and resample it to `size` x `size`.

    `stretch` fills the frame with the bounding box; `pad` keeps its physical aspect and centres it. The box also
    holds labels that reach beyond the sector, as CAMUS's do at the atrium's end, so that no area is lost.

    Raises:
        Reject: the sector is empty or tiny.
    """
    box = bounding_box(frame.sector, frame.mask)
    rows, columns = (slice(None), slice(None)) if frame.cropped else box
    sector = frame.sector[rows, columns]
    image = np.where(sector, frame.image[rows, columns], 0).astype(np.uint8)
    height, width = sector.shape
    spacing = _square_where_unknown(frame.spacing_mm)
    target = (size, size) if fit == "stretch" else _padded_size((height * spacing[0], width * spacing[1]), size)
    image = np.clip(np.rint(shrink_or_grow(image, target)), 0, 255).astype(np.uint8)
    mask, sector = majority(frame.mask[rows, columns], target), nearest(sector.astype(np.uint8), target)
    if fit == "pad":
        image, mask, sector = (_centred(part, size) for part in (image, mask, sector))
    return FittedFrame(
        image * sector,
        mask,
        sector,
        (frame.spacing_mm[0] * height / target[0], frame.spacing_mm[1] * width / target[1]),
    )


def bounding_box(sector: NDArray[np.bool_], mask: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Rows and columns that hold the sector and every label.

    Raises:
        Reject: the sector is empty or tiny.
    """
    shown = np.asarray(sector, bool)
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if len(rows) < SMALLEST_SECTOR or len(columns) < SMALLEST_SECTOR:
        raise Reject(
            f"expected a tissue sector of at least {SMALLEST_SECTOR} x {SMALLEST_SECTOR} pixels, "
            f"found {len(rows)} x {len(columns)}"
        )
    shown = shown | (mask > 0)
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def nearest(image: NDArray, target: tuple[int, int]) -> NDArray:
    """Nearest-neighbour resampling of (H, W) to `target`, pixel centres at half numbers, so that nothing shifts."""
    index = [
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for old, new in zip(image.shape, target, strict=True)
    ]
    return image[np.ix_(*index)]


def majority(mask: NDArray[np.uint8], target: tuple[int, int]) -> NDArray[np.uint8]:
    """Labels (H, W) resampled to `target`: the label that covers most of a new pixel, with areas kept.

    The nearest neighbour changes the area of small structures by more than 1 %, and so does the majority where an
    edge runs along the pixels. Pixels on a border therefore change sides, those nearest to a tie first, until each
    structure has the area that it had, to within half a pixel: first the LV, then MYO, then LA (the order of
    `STRUCTURES`), each at the cost of those that follow and of the background.
    """
    cover = np.stack([shrink_or_grow(mask == label, target).ravel() for label in LABELS])
    labels = np.argmax(cover, axis=0).astype(np.uint8)
    order = (*STRUCTURES.values(), BACKGROUND)
    for place, label in enumerate(order[:-1], start=1):
        others = order[place:]
        wanted = round(np.count_nonzero(mask == label) * labels.size / mask.size)
        surplus = np.count_nonzero(labels == label) - wanted
        rival = np.array(others)[np.argmax(cover[list(others)], axis=0)]
        if surplus > 0:
            new, gain = rival, cover[list(others)].max(0)
            undecided = np.flatnonzero((labels == label) & (gain > 0))
        else:
            new, gain = np.full_like(labels, label), cover[label]
            undecided = np.flatnonzero(np.isin(labels, others) & (gain > 0))
        nearest_tie = undecided[np.argsort(-gain[undecided], kind="stable")[: abs(surplus)]]
        labels[nearest_tie] = new[nearest_tie]
    return labels.reshape(target)


def shrink_or_grow(image: NDArray, target: tuple[int, int]) -> NDArray[np.float32]:
    """Each axis by itself: mean over the area that a new pixel covers when shrinking, linear when growing."""
    values = image.astype(np.float32)
    for axis, new in enumerate(target):
        method = cv2.INTER_AREA if new < image.shape[axis] else cv2.INTER_LINEAR
        shape = (new, values.shape[1]) if axis == 0 else (values.shape[0], new)
        values = cv2.resize(values, shape[::-1], interpolation=method)
    return values


def _square_where_unknown(spacing_mm: tuple[float, float]) -> tuple[float, float]:
    return spacing_mm if np.isfinite(spacing_mm).all() else (1.0, 1.0)


def _padded_size(extent_mm: tuple[float, float], size: int) -> tuple[int, int]:
    """Rows and columns of a box of that physical extent whose longer side is `size`."""
    longest = max(extent_mm)
    return tuple(max(round(size * side / longest), 1) for side in extent_mm)


def _centred(part: NDArray, size: int) -> NDArray:
    height, width = part.shape
    top, left = (size - height) // 2, (size - width) // 2
    return np.pad(part, ((top, size - height - top), (left, size - width - left)))
