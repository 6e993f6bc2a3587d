"""Speckle physics: scatterers -> point spread -> noise -> envelope -> decibel -> gray.

The envelope of many random scatterers in one resolution cell is Rayleigh distributed: mean / standard deviation 1.91
and a log spread of 5.57 dB (Burckhardt 1978; Wagner et al. 1983). Both are tests of this module.
"""

import cv2
import numpy as np

TINY = 1e-6


def scatterers(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Circular complex Gaussian scatterers, float32 (H, W, 2) of (real, imaginary), mean power 1 a sample."""
    return rng.standard_normal((*shape, 2), dtype=np.float32) * np.float32(np.sqrt(0.5))


def blur_power(sigma: float) -> float:
    """Power that is left of white noise after a sampled Gaussian kernel of unit sum, sigma in samples."""
    if sigma <= 0:
        return 1.0
    half = int(np.ceil(4 * sigma)) + 1
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    return float((kernel**2).sum() / kernel.sum() ** 2)


def blur(field: np.ndarray, axial: float, lateral: float) -> np.ndarray:
    """Separable Gaussian of `axial` rows and `lateral` columns (deviations in samples); (H, W) or (H, W, C)."""
    size = tuple(2 * int(np.ceil(4 * max(s, 0.05))) + 1 for s in (lateral, axial))
    return cv2.GaussianBlur(
        field, size, sigmaX=max(lateral, 0.05), sigmaY=max(axial, 0.05), borderType=cv2.BORDER_REFLECT_101
    )


def point_spread(field: np.ndarray, axial: float, lateral: float) -> np.ndarray:
    """The system's point spread on complex scatterers (H, W, 2), scaled so that mean power is kept."""
    return blur(field, axial, lateral) * np.float32(1 / np.sqrt(blur_power(axial) * blur_power(lateral)))


def envelope(signal: np.ndarray) -> np.ndarray:
    """Magnitude of a complex signal (H, W, 2) -> (H, W)."""
    return cv2.magnitude(signal[..., 0], signal[..., 1])


def decibel(amplitude: np.ndarray) -> np.ndarray:
    """20 log10 of an amplitude, float32."""
    return (20 / np.log(10)) * cv2.log(np.maximum(amplitude, TINY).astype(np.float32))


def compress(level_db: np.ndarray, dynamic_range_db: float, gamma: float = 1.0) -> np.ndarray:
    """Decibel below full scale -> gray float32, 0..255: 0 dB is white, -dynamic_range_db black."""
    share = np.clip(level_db / np.float32(dynamic_range_db) + 1, 0, 1)
    return (255 * (share if gamma == 1.0 else cv2.pow(share, gamma))).astype(np.float32)


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], cells: tuple[float, float]) -> np.ndarray:
    """Smooth random field (H, W), mean 0, deviation about 1, with about `cells` (rows, columns) of structure."""
    coarse = rng.standard_normal((int(cells[0]) + 3, int(cells[1]) + 3)).astype(np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return field * np.float32(1.25)
