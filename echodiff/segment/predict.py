"""Label maps of frames by a segmenter."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from echodiff.segment.network import resized


def segment(
    network: torch.nn.Module, images: NDArray[np.uint8], *, size: int, device: str, batch_size: int = 8
) -> NDArray[np.uint8]:
    """Label maps (N, H, W) of uint8 frames (N, H, W)."""
    parts = [
        logits.argmax(dim=1).to(torch.uint8).cpu().numpy()
        for logits in _logits(network, images, size=size, device=device, batch_size=batch_size)
    ]
    return np.concatenate(parts)


def label_probabilities(
    network: torch.nn.Module, images: NDArray[np.uint8], *, size: int, device: str, batch_size: int = 8
) -> NDArray[np.float32]:
    """Softmax probabilities (N, 4, H, W) of the labels 0..3 in uint8 frames (N, H, W)."""
    parts = [
        logits.softmax(dim=1).cpu().numpy()
        for logits in _logits(network, images, size=size, device=device, batch_size=batch_size)
    ]
    return np.concatenate(parts)


def _logits(
    network: torch.nn.Module, images: NDArray[np.uint8], *, size: int, device: str, batch_size: int
) -> Iterator[torch.Tensor]:
    """Logits (B, 4, H, W), a batch at a time."""
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            frames = torch.from_numpy(images[start : start + batch_size].copy())
            logits = network(resized(frames, size).to(device))
            yield functional.interpolate(logits, frames.shape[1:], mode="bilinear", align_corners=False)
