"""Pixel metrics of one image pair: MSE, PSNR and SSIM, whole, in the sector and per structure.

Images are float64 in [0, 1] (data range 1). The two legacy columns take uint8 images, because what they
reproduce is a fault of that type: see `psnr_uint8_wrap_db`.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from echodiff.labels import STRUCTURES

Image = NDArray[np.float64]
Region = NDArray[np.bool_]

SSIM_SIGMA = 1.5  # pixels, Wang et al. 2004, Section III-C
SSIM_BORDER = 5  # pixels whose window reaches over the edge: it is 11 x 11
SSIM_WINDOW = np.exp(-0.5 * (np.arange(-SSIM_BORDER, SSIM_BORDER + 1) / SSIM_SIGMA) ** 2)
SSIM_WINDOW /= SSIM_WINDOW.sum()
SSIM_C1 = 0.01**2
SSIM_C2 = 0.03**2


def mse(image: Image, reference: Image, region: Region | None = None) -> float:
    """Mean squared difference of two (H, W) images in [0, 1]; NaN where `region` is empty."""
    squared = (image - reference) ** 2
    if region is not None:
        squared = squared[region]
    return float(squared.mean()) if squared.size else float("nan")


def psnr_db(mean_squared_error: float) -> float:
    """Peak signal-to-noise ratio, 10 log10(1 / MSE), in dB; infinite for identical images."""
    if mean_squared_error == 0:
        return float("inf")
    return float(-10 * np.log10(mean_squared_error))


def ssim_map(image: Image, reference: Image) -> Image:
    """Structural similarity at every pixel of two (H, W) images in [0, 1].

    Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4):600-612, 2004, eq. 13, Gaussian window of sigma 1.5.
    Identical images give 1 everywhere.
    """
    mean_x, mean_y, variance_x, variance_y, covariance = local_moments(image, reference)
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x**2 + mean_y**2 + SSIM_C1)
    structure = (2 * covariance + SSIM_C2) / (variance_x + variance_y + SSIM_C2)
    return luminance * structure


def local_moments(x: Image, y: Image) -> tuple[Image, Image, Image, Image, Image]:
    """Means, variances and covariance of two (H, W) images under SSIM's Gaussian window."""
    mean_x, mean_y = _smooth(x), _smooth(y)
    variance_x = _smooth(x * x) - mean_x**2
    variance_y = _smooth(y * y) - mean_y**2
    return mean_x, mean_y, variance_x, variance_y, _smooth(x * y) - mean_x * mean_y


def _smooth(image: Image) -> Image:
    return cv2.sepFilter2D(image, cv2.CV_64F, SSIM_WINDOW, SSIM_WINDOW, borderType=cv2.BORDER_REFLECT)


def mean_ssim(similarity: Image, region: Region | None = None) -> float:
    """Mean of an SSIM map: over `region`, or over all pixels whose window lies inside the frame.

    NaN where `region` is empty.
    """
    inner = slice(SSIM_BORDER, -SSIM_BORDER)
    chosen = similarity[inner, inner] if region is None else similarity[region]
    return float(chosen.mean()) if chosen.size else float("nan")


def psnr_uint8_wrap_db(image: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """Legacy PSNR: the square is taken in uint8 and wraps modulo 256, so that it is blind to large
    differences.

    For unrelated images this is 27.90 - 10 log10(f) dB, f the share of pixels that differ. Here only to set
    the published column beside its floor; never a measure of quality.
    """
    difference = image - reference  # wraps
    wrapped = difference * difference  # wraps again
    mean = float(wrapped.mean(dtype=np.float64))
    return float("inf") if mean == 0 else float(10 * np.log10(255.0**2 / mean))


def pair_metrics(
    image: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    *,
    mask: NDArray[np.uint8],
    sector: NDArray[np.uint8],
) -> dict[str, float]:
    """All pixel metrics of an image against the reference of the same case.

    Args:
        image, reference: uint8 (H, W).
        mask: labels 0..3 (H, W) of the reference; a structure that is absent has NaN in its columns.
        sector: 1 inside the tissue sector (H, W).

    Returns:
        `mse`, `psnr_db`, `ssim` of the whole image; the same with `_sector`, `_lv`, `_myo`, `_la` before the
        unit; `legacy_psnr_uint8_wrap_db`, `legacy_mse_1e3` (the correct MSE in units of 1e-3) and
        `differing`, the share of pixels that differ.
    """
    x, y = image / 255.0, reference / 255.0
    similarity = ssim_map(x, y)
    regions: dict[str, Region | None] = {"": None, "_sector": sector.astype(bool)}
    regions |= {f"_{name.lower()}": mask == label for name, label in STRUCTURES.items()}
    row: dict[str, float] = {}
    for suffix, region in regions.items():
        error = mse(x, y, region)
        row[f"mse{suffix}"] = error
        row[f"psnr{suffix}_db"] = psnr_db(error)
        row[f"ssim{suffix}"] = mean_ssim(similarity, region)
    row["legacy_psnr_uint8_wrap_db"] = psnr_uint8_wrap_db(image, reference)
    row["legacy_mse_1e3"] = row["mse"] * 1e3
    row["differing"] = float((image != reference).mean())
    return row
