"""Diversity: how much the samples of one guide differ, against how much real patients do.

A generator that ignores its noise draws one image a guide; its samples are alike where real images of
different patients are not.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from echodiff.evaluate.pixel import SSIM_BORDER, SSIM_C1, SSIM_C2, local_moments

Image = NDArray[np.float64]

# Weights of the scales, fine to coarse: Wang, Simoncelli, Bovik 2003, Section 3.2.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SMALLEST = 2 * SSIM_BORDER + 1  # pixels: the window must lie inside the coarsest scale


def ms_ssim(image: Image, reference: Image) -> float:
    """Multi-scale structural similarity of two (H, W) images in [0, 1]; 1 for identical ones.

    Wang, Simoncelli, Bovik, Asilomar 2003, eq. 7. Frames too small for five scales use as many as fit, with
    their weights scaled to the same sum. Negative contrast terms count as 0.

    Raises:
        ValueError: the images are smaller than the window of 11 x 11.
    """
    scales = _scales(min(image.shape))
    weights = np.array(SCALE_WEIGHTS[:scales]) * sum(SCALE_WEIGHTS) / sum(SCALE_WEIGHTS[:scales])
    product = 1.0
    for scale, weight in enumerate(weights):
        luminance, structure = _terms(image, reference)
        last = scale == scales - 1
        term = (luminance * structure).mean() if last else structure.mean()
        product *= max(float(term), 0.0) ** weight
        image, reference = _halved(image), _halved(reference)
    return product


def _scales(size: int) -> int:
    if size < SMALLEST:
        raise ValueError(f"expected images of at least {SMALLEST} x {SMALLEST} pixels, found {size}")
    return min(len(SCALE_WEIGHTS), int(np.log2(size / SMALLEST)) + 1)


def _terms(x: Image, y: Image) -> tuple[Image, Image]:
    """Luminance and contrast-structure terms where the window lies inside the image."""
    mean_x, mean_y, variance_x, variance_y, covariance = local_moments(x, y)
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variance_x + variance_y + SSIM_C2)
    inner = slice(SSIM_BORDER, -SSIM_BORDER)
    return luminance[inner, inner], structure[inner, inner]


def _halved(image: Image) -> Image:
    """Means of 2 x 2 blocks; an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in image.shape)
    return image[:height, :width].reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))


def pairwise_ms_ssim(images: Sequence[Image]) -> float:
    """Mean MS-SSIM over all pairs; NaN for fewer than two images."""
    values = [ms_ssim(a, b) for a, b in combinations(images, 2)]
    return float(np.mean(values)) if values else float("nan")


def pairwise_distance(features: NDArray[np.float64]) -> float:
    """Mean Euclidean distance over all pairs of rows (K, D); NaN for fewer than two."""
    values = [np.linalg.norm(a - b) for a, b in combinations(features, 2)]
    return float(np.mean(values)) if values else float("nan")


def deviation_map(images: Sequence[Image]) -> Image:
    """Standard deviation of every pixel (H, W) over K images."""
    return np.std(np.stack(images), axis=0)
