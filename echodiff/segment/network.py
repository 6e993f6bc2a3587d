"""The segmenter's network, and the frames as it takes them."""

import torch
from monai.networks.nets import UNet
from torch.nn import functional

from echodiff.labels import LABELS
from echodiff.store.intensity import to_model

CHANNELS = (16, 32, 64, 128, 128)


def build_network() -> UNet:
    """MONAI's residual U-Net: (B, 1, S, S) in [-1, 1] to (B, len(LABELS), S, S) logits."""
    return UNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=len(LABELS),
        channels=CHANNELS,
        strides=(2, 2, 2, 2),
        num_res_units=1,
    )


def resized(frames: torch.Tensor, size: int) -> torch.Tensor:
    """uint8 (N, H, W) to float32 (N, 1, S, S) in [-1, 1], antialiased."""
    frames = to_model(frames)[:, None]
    return functional.interpolate(frames, (size, size), mode="bilinear", antialias=True, align_corners=False)


def resized_labels(masks: torch.Tensor, size: int) -> torch.Tensor:
    """uint8 (N, H, W) to float32 (N, 1, S, S): each pixel has the label that covers most of it.

    The nearest pixel's label would lie up to half a pixel off the frames, whose pixels keep their centres.
    """
    planes = (functional.one_hot(mask.long(), len(LABELS)).movedim(2, 0).float() for mask in masks)
    covered = [functional.interpolate(plane[None], (size, size), mode="area") for plane in planes]
    return torch.cat(covered).argmax(dim=1, keepdim=True).float()
