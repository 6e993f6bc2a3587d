"""The one place where gray values change their range: uint8 at rest, [-1, 1] in models, [0, 1] in metrics."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


def to_model(images: "torch.Tensor") -> "torch.Tensor":
    """Turn uint8 gray values 0..255 into float32 in [-1, 1]; any shape, same device."""
    return images.float().mul_(2 / 255).sub_(1)


def to_uint8(images: "torch.Tensor") -> "torch.Tensor":
    """Turn [-1, 1] into the nearest uint8 gray value; what lies outside the range is clipped."""
    return images.float().add(1).mul_(127.5).round_().clamp_(0, 255).byte()


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Turn uint8 gray values 0..255 into float64 in [0, 1], the range of every metric (data_range 1)."""
    if images.dtype != np.uint8:
        raise TypeError(f"expected uint8 gray values, found {images.dtype}")
    return images.astype(np.float64) / 255.0
