"""Label maps of frames by a segmenter."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from echodiff.segment.network import resized


def segment(
    network: torch.nn.Module, images: NDArray[np.uint8], *, size: int, device: str, batch_size: int = 8
) -> NDArray[np.uint8]:
    """Label maps (N, H, W) of uint8 frames (N, H, W)."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            frames = torch.from_numpy(images[start : start + batch_size].copy())
            logits = network(resized(frames, size).to(device))
            full = functional.interpolate(logits, frames.shape[1:], mode="bilinear", align_corners=False)
            parts.append(full.argmax(dim=1).to(torch.uint8).cpu().numpy())
    return np.concatenate(parts)
