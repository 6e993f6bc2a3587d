"""Ultrasound physics of a frame: speckle, resolution, contrast, gain over depth and the shape of the sector.

Frames are log-compressed. Decibels are gray * dynamic range / 255; the dynamic range of a frame is rarely
known, so that values in dB compare datasets and say nothing absolute. Depth runs along the rows, and the
beams of the middle
of a sector run along them nearly: correlation along rows is axial, across them lateral.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.polar import LEAK_GRAY, tissue_hull
from echodiff.labels import LV, MYO

Frame = NDArray[np.uint8]

HELD_OUT = "held_out"  # kind of the rows of real images that the models have not learned from

PATCH = 20  # pixels
USABLE_GRAYS = (16.0, 224.0)  # mean gray of a patch; outside, speckle is clipped
DEPTH_THIRDS = ("near", "mid", "far")
GAIN_BANDS = 8
NO_SPREAD = 1e-9  # of an envelope of mean 1, which rounding alone gives
HISTOGRAM = np.arange(0, 257, 4)  # edges of gray classes for the contrast


@dataclass(frozen=True)
class Patches:
    """Square patches of one frame without their trend. gray: (n, P, P); mean: (n,); depth: (n,) in 0..1."""

    gray: NDArray[np.float64]
    mean: NDArray[np.float64]
    depth: NDArray[np.float64]


def speckle_patches(image: Frame, sector: Frame) -> Patches:
    """The patches of a grid that lie inside the sector's middle half and are neither black nor saturated.

    A plane is fitted to each patch and taken away, so that gain and borders of tissue count little.
    """
    inside = sector.astype(bool)
    height, width = inside.shape
    rows, columns = np.mgrid[:PATCH, :PATCH] - (PATCH - 1) / 2
    plane = np.stack([np.ones(PATCH * PATCH), rows.ravel(), columns.ravel()], axis=1)
    fit = plane @ np.linalg.pinv(plane)
    grays, means, depths = [], [], []
    used = np.flatnonzero(inside.any(axis=1))
    for top in range(0, height - PATCH + 1, PATCH):
        for left in range(0, width - PATCH + 1, PATCH):
            place = (slice(top, top + PATCH), slice(left, left + PATCH))
            if not inside[place].all() or not _central(inside[top + PATCH // 2], left + PATCH / 2):
                continue
            gray = image[place].astype(np.float64).ravel()
            if USABLE_GRAYS[0] <= gray.mean() <= USABLE_GRAYS[1]:
                grays.append((gray - fit @ gray).reshape(PATCH, PATCH))
                means.append(gray.mean())
                depths.append((top + PATCH / 2 - used[0]) / max(used[-1] - used[0], 1))
    if not grays:
        return Patches(np.empty((0, PATCH, PATCH)), np.empty(0), np.empty(0))
    return Patches(np.stack(grays), np.array(means), np.array(depths))


def _central(row: NDArray[np.bool_], column: float) -> bool:
    columns = np.flatnonzero(row)
    middle, quarter = (columns[0] + columns[-1]) / 2, (columns[-1] - columns[0]) / 4
    return abs(column - middle) <= quarter


def log_spread_db(patches: Patches, dynamic_range_db: float) -> float:
    """Median over patches of the standard deviation in dB; 5.57 for fully developed speckle."""
    if not len(patches.mean):
        return float("nan")
    return float(np.median(patches.gray.std(axis=(1, 2)))) * dynamic_range_db / 255


def envelope_snr(patches: Patches, dynamic_range_db: float) -> float:
    """Median over patches of mean / standard deviation of the decompressed envelope; 1.91 for a Rayleigh
    one, NaN where most patches have no speckle at all.
    """
    if not len(patches.mean):
        return float("nan")
    envelope = 10 ** (patches.gray * dynamic_range_db / 255 / 20)
    spread = envelope.std(axis=(1, 2))
    ratios = np.divide(envelope.mean(axis=(1, 2)), spread, out=np.full_like(spread, np.inf), where=spread > NO_SPREAD)
    median = float(np.median(ratios))
    return median if np.isfinite(median) else float("nan")


def correlation_widths(patches: Patches, spacing_mm: NDArray[np.float64]) -> dict[str, float]:
    """Full width at half maximum of speckle's autocorrelation, in mm, along rows (axial) and columns
    (lateral).

    Keys `axial_near_mm` to `lateral_far_mm`, over the thirds of the depth; NaN for a third without patches, where the
    correlation does not fall to one half within the lags, and where the size of a pixel is unknown.
    """
    result = {}
    third = np.minimum((patches.depth * len(DEPTH_THIRDS)).astype(int), len(DEPTH_THIRDS) - 1)
    for number, name in enumerate(DEPTH_THIRDS):
        chosen = patches.gray[third == number]
        for direction, axis in (("axial", 0), ("lateral", 1)):
            width = half_width(_autocorrelation(chosen, axis)) if len(chosen) else float("nan")
            result[f"{direction}_{name}_mm"] = 2 * width * float(spacing_mm[axis])
    return result


def _autocorrelation(patches: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Mean autocorrelation of (n, P, P) patches along one axis at lags 0..P/2 - 1, 1 at lag 0."""
    moved = np.moveaxis(patches, axis + 1, -1)
    lags = range(PATCH // 2)
    products = [(moved[..., : PATCH - lag] * moved[..., lag:]).mean() for lag in lags]
    return np.array(products) / max(products[0], 1e-12)


def half_width(correlation: NDArray[np.float64]) -> float:
    """Lag at which a correlation, 1 at lag 0, first falls to one half, interpolated; NaN where it never
    does.
    """
    below = np.flatnonzero(correlation <= 0.5)
    if not len(below) or below[0] == 0:
        return float("nan")
    lag = below[0]
    high, low = correlation[lag - 1], correlation[lag]
    return float(lag - 1 + (high - 0.5) / (high - low))


def gcnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Generalised contrast-to-noise ratio of two regions' grays: 1 less the overlap of their histograms.

    Rodriguez-Molares et al., IEEE TUFFC 67(4):745-759, 2020. 0: alike, 1: told apart by a threshold. NaN
    where a region is empty.
    """
    if not len(first) or not len(second):
        return float("nan")
    shares = [np.histogram(values, HISTOGRAM)[0] / len(values) for values in (first, second)]
    return float(1 - np.minimum(*shares).sum())


def depth_gain(image: Frame, sector: Frame) -> list[float]:
    """Mean gray inside the sector in eight bands of equal depth, from the probe downwards; NaN in empty
    ones.
    """
    rows = np.flatnonzero(sector.any(axis=1))
    result = []
    for band in np.array_split(rows, GAIN_BANDS):
        values = image[band][sector[band] > 0]
        result.append(float(values.mean()) if len(values) else float("nan"))
    return result


def leakage(image: Frame, sector: Frame) -> float:
    """Share of the pixels outside the sector of a gray of `LEAK_GRAY` or more; NaN where the sector fills the frame."""
    outside = image[sector == 0]
    return float((outside >= LEAK_GRAY).mean()) if len(outside) else float("nan")


def sector_overlap(image: Frame, sector: Frame) -> float:
    """Intersection over union of the convex hull of the tissue seen in the image with the sector."""
    hull, inside = tissue_hull(image), sector > 0
    both, either = (hull & inside).sum(), (hull | inside).sum()
    return float(both / either) if either else float("nan")


def physics_of(
    image: Frame, mask: Frame, sector: Frame, spacing_mm: NDArray[np.float64], *, dynamic_range_db: float
) -> dict[str, float]:
    """All measures of one frame, (H, W) planes and the pixel's (row, column) size in mm."""
    patches = speckle_patches(image, sector)
    return {
        "log_spread_db": log_spread_db(patches, dynamic_range_db),
        "envelope_snr": envelope_snr(patches, dynamic_range_db),
        **correlation_widths(patches, spacing_mm),
        "gcnr_lv_myo": gcnr(image[mask == LV], image[mask == MYO]),
        "mean_gray": float(image[sector > 0].mean()) if sector.any() else float("nan"),
        "leakage": leakage(image, sector),
        "sector_overlap": sector_overlap(image, sector),
        **{f"gain_{band + 1}": value for band, value in enumerate(depth_gain(image, sector))},
        "patches": float(len(patches.mean)),
    }
