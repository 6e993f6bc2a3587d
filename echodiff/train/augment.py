"""Random changes of training images, on the device, the same for frame, label map and sector.

The numbers come in from outside, uniform in [-1, 1], so that they belong to the step and not to the device.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from echodiff.config.models import Augmentation
from echodiff.store.intensity import to_model
from echodiff.train.data import Planes

NUMBERS = 6  # rotation, scale, shift right, shift down, gain, gamma
ELASTIC_GRID = 6  # nodes along each side of the smooth displacement


def augment(planes: Planes, options: Augmentation, uniform: Tensor, normal: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Frames in [-1, 1], masks and sectors, each (B, 1, H, W), changed by the batch's random numbers.

    Args:
        uniform: (B, NUMBERS) in [-1, 1].
        normal: (B, 2, ELASTIC_GRID, ELASTIC_GRID), displacements of the elastic change.
    """
    images, masks, sectors = to_model(planes.images), planes.masks, planes.sectors
    if options.moves_pixels:
        grid = sampling_grid(options, uniform, normal, images.shape[-1])
        # Outside the frame is black, background and no sector; F.grid_sample fills with 0, hence the shift by 1.
        images = F.grid_sample(images + 1, grid, mode="bilinear", align_corners=False) - 1
        masks = F.grid_sample(masks.float(), grid, mode="nearest", align_corners=False).byte()
        sectors = F.grid_sample(sectors.float(), grid, mode="nearest", align_corners=False).byte()
    if options.gain or options.gamma:
        gain, log_gamma = (uniform[:, i].view(-1, 1, 1, 1) for i in (4, 5))
        unit = ((images + 1) / 2).clamp_(0, 1)
        unit = unit.pow(torch.exp(options.gamma * log_gamma)) * (1 + options.gain * gain)
        images = unit.clamp_(0, 1) * 2 - 1
    return images, masks, sectors


def sampling_grid(options: Augmentation, uniform: Tensor, normal: Tensor, size: int) -> Tensor:
    """Where each pixel is taken from, (B, H, W, 2) of (x, y) in [-1, 1] as F.grid_sample has it."""
    angle = uniform[:, 0] * math.radians(options.rotation_degrees)
    scale = 1 / (1 + options.scale * uniform[:, 1])
    cos, sin = angle.cos() * scale, angle.sin() * scale
    shift = 2 * options.shift * uniform[:, 2:4]  # the grid's unit is half the image's size
    matrix = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, [len(uniform), 1, size, size], align_corners=False)
    if options.elastic:
        moved = F.interpolate(normal, size=(size, size), mode="bicubic", align_corners=True)
        grid = grid + 2 * options.elastic * moved.permute(0, 2, 3, 1)
    return grid
