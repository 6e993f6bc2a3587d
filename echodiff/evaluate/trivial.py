"""Trivial translators: what a look can be had for without a model, as rows beside the models.

Each turns a case of a source dataset into a frame in the training images' style, deterministically:

- `resector`: the source frame in the training images' common sector, nothing else changed;
- `resector_histogram`: the same with the gray values of the training images' tissue;
- `nearest_mask`: the real training image whose label map overlaps the guide best;
- `label_paint`: the guide painted with the training images' grays of each structure, with speckle.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.comparisons import TISSUES
from echodiff.evaluate.sector import common_sector
from echodiff.labels import STRUCTURES
from echodiff.store.image_set import ImageSet, new_image_set
from echodiff.store.provenance import provenance, seed_of

Frame = NDArray[np.uint8]

SPECKLE_SIGMA = (1.3, 1.6)  # pixels, rows and columns: the width of speckle in CAMUS at 256 x 256
TEXTURE_SIGMA = 4.0  # pixels; what varies more slowly is anatomy and gain, not speckle
EDGE_SIGMA = 1.0  # pixels, softens the painted borders


@dataclass(frozen=True)
class Reference:
    """What the translators know of the training images.

    images, masks: uint8 (N, H, W). sector: bool (H, W), where most training images have tissue. grays: sorted
    gray values of their tissue (quantiles). means, sds: (4,) gray of background in the sector, LV, MYO, LA
    and the spread of its speckle.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    sector: NDArray[np.bool_]
    grays: NDArray[np.float64]
    means: NDArray[np.float64]
    sds: NDArray[np.float64]

    @classmethod
    def of(cls, training: ImageSet) -> "Reference":
        """Summarise the training images."""
        inside = training.sectors.astype(bool)
        means, variances = np.full((2, len(training), TISSUES), np.nan)
        for i in range(len(training)):
            gray = training.images[i].astype(np.float64)
            residual = gray - cv2.GaussianBlur(gray, (0, 0), TEXTURE_SIGMA)
            for label in range(TISSUES):
                chosen = inside[i] & (training.masks[i] == label)
                if chosen.any():
                    means[i, label], variances[i, label] = gray[chosen].mean(), residual[chosen].var()
        return cls(
            training.images,
            training.masks,
            common_sector(training),
            np.quantile(training.images[inside], np.linspace(0, 1, 1024)),
            _known_mean(means),
            np.sqrt(_known_mean(variances)),
        )

    @cached_property
    def labels_by_pixel(self) -> NDArray[np.uint8]:
        """The label of every image at each pixel, (H * W, N): those of few pixels lie together."""
        return np.ascontiguousarray(self.masks.reshape(len(self.masks), -1).T)

    @cached_property
    def areas(self) -> dict[int, NDArray[np.int64]]:
        """Label of a structure -> its pixels in each image (N,)."""
        return {label: (self.masks == label).sum(axis=(1, 2)) for label in STRUCTURES.values()}


def _known_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the images that have the tissue; 0 for a tissue that none has."""
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def resector(image: Frame, sector: Frame, reference: Reference) -> Frame:
    """The tissue of `image` (H, W) stretched row by row from its own sector into the common one."""
    columns, rows = _maps(sector.astype(bool), reference.sector)
    warped = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(reference.sector, warped, 0).astype(np.uint8)


def _maps(source: NDArray[np.bool_], target: NDArray[np.bool_]) -> tuple[NDArray, NDArray]:
    """For every target pixel the (column, row) in the source that lies at the same share of its extents."""
    height, width = target.shape
    source_rows, target_rows = (np.flatnonzero(region.any(axis=1)) for region in (source, target))
    if not len(source_rows) or not len(target_rows):
        raise ValueError("expected a sector with tissue, found an empty one")
    share = (np.arange(height) - target_rows[0]) / max(target_rows[-1] - target_rows[0], 1)
    row_of = source_rows[0] + np.clip(share, 0, 1) * (source_rows[-1] - source_rows[0])
    left_s, right_s = _extents(source)
    left_t, right_t = _extents(target)
    nearest = np.rint(row_of).astype(int)
    across = (np.arange(width) - left_t[:, None]) / np.maximum(right_t - left_t, 1)[:, None]
    columns = left_s[nearest, None] + across * (right_s - left_s)[nearest, None]
    rows = np.repeat(row_of[:, None], width, axis=1)
    return columns.astype(np.float32), rows.astype(np.float32)


def _extents(region: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last column of the region in each row; rows without any take those of the nearest row."""
    rows = np.flatnonzero(region.any(axis=1))
    nearest = rows[np.abs(np.arange(len(region))[:, None] - rows).argmin(axis=1)]
    left = region.argmax(axis=1)[nearest]
    right = region.shape[1] - 1 - region[:, ::-1].argmax(axis=1)[nearest]
    return left, right


def match_histogram(image: Frame, region: NDArray[np.bool_], grays: NDArray[np.float64]) -> Frame:
    """`image` with the ranks of its gray values in `region` replaced by the quantiles `grays`."""
    levels, index, counts = np.unique(image[region], return_inverse=True, return_counts=True)
    if not len(levels):
        return image
    rank = (np.cumsum(counts) - counts / 2) / counts.sum()
    matched = np.interp(rank, np.linspace(0, 1, len(grays)), grays)
    result = image.copy()
    result[region] = np.rint(matched).astype(np.uint8)[index]
    return result


def nearest_mask(mask: Frame, reference: Reference) -> int:
    """Position of the training image with the highest mean Dice of LV, MYO and LA with `mask`; first of
    equals.
    """
    scores = np.zeros(len(reference.masks))
    for label in STRUCTURES.values():
        own = np.flatnonzero(mask == label)
        both = (reference.labels_by_pixel[own] == label).sum(axis=0)
        scores += 2 * both / np.maximum(len(own) + reference.areas[label], 1)
    return int(scores.argmax())


def label_paint(mask: Frame, sector: Frame, reference: Reference, *, seed: int) -> Frame:
    """The guide in the training images' grays, mean and spread of each structure, with correlated speckle."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=mask.shape), (0, 0), SPECKLE_SIGMA[1], sigmaY=SPECKLE_SIGMA[0])
    noise /= noise.std()
    means, sds = (cv2.GaussianBlur(v[mask], (0, 0), EDGE_SIGMA) for v in (reference.means, reference.sds))
    painted = np.clip(np.rint(means + sds * noise), 0, 255)
    return np.where((sector > 0) | (mask > 0), painted, 0).astype(np.uint8)


def _resector(images: ImageSet, i: int, reference: Reference, _seed: int) -> Frame:
    return resector(images.images[i], images.sectors[i], reference)


def _resector_histogram(images: ImageSet, i: int, reference: Reference, seed: int) -> Frame:
    return match_histogram(_resector(images, i, reference, seed), reference.sector, reference.grays)


def _nearest_mask(images: ImageSet, i: int, reference: Reference, _seed: int) -> Frame:
    return reference.images[nearest_mask(images.masks[i], reference)]


def _label_paint(images: ImageSet, i: int, reference: Reference, seed: int) -> Frame:
    case_seed = seed_of(seed, "label_paint", images.case_id[i])
    return label_paint(images.masks[i], images.sectors[i], reference, seed=case_seed)


Translator = Callable[[ImageSet, int, Reference, int], Frame]
TRANSLATORS: Final[dict[str, Translator]] = {
    "resector": _resector,
    "resector_histogram": _resector_histogram,
    "nearest_mask": _nearest_mask,
    "label_paint": _label_paint,
}
TRANSLATOR_TITLES: Final[dict[str, str]] = {
    "resector": "trivial: re-sector",
    "resector_histogram": "trivial: re-sector, histogram",
    "nearest_mask": "trivial: nearest training mask",
    "label_paint": "trivial: painted labels, speckle",
}


def translate_trivially(images: ImageSet, translator: str, reference: Reference, *, seed: int, output: Path) -> None:
    """Write the frames that a translator makes of `images`, as a translation by a model of its name.

    Raises:
        OutputError: the file cannot be written.
    """
    attributes = {
        "kind": "translation",
        "dataset": images.attributes["dataset"],
        "model": translator,
        "model_fingerprint": translator,
        "provenance": provenance("evaluate trivial", {"translator": translator, "seed": seed}),
    }
    size = images.images.shape[1]
    with new_image_set(output, size=size, attributes=attributes, with_seed=True) as writer:
        for i, case in enumerate(images.case_id):
            frame = TRANSLATORS[translator](images, i, reference, seed)
            rest = (images.masks[i], images.sectors[i], images.spacing_mm[i], case)
            writer.append(frame, *rest, seed=seed_of(seed, translator, case))
