"""Random changes of a frame and its label map while the segmenter learns."""

import torch
from torch.nn import functional

MAX_ROTATION = 0.2  # radians
MAX_SCALE = 0.15
MAX_SHIFT = 0.08  # of half the frame
MAX_GAMMA = 0.4  # of the logarithm


def augment(frames: torch.Tensor, masks: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random gamma, rotation, scale and shift, one a frame, the same for frame and label map (B, 1, S, S)."""
    count = len(frames)
    draw = torch.rand(count, 5, generator=generator) * 2 - 1
    gamma = torch.exp(MAX_GAMMA * draw[:, 0]).view(-1, 1, 1, 1)
    angle, scale = MAX_ROTATION * draw[:, 1], 1 + MAX_SCALE * draw[:, 2]
    shift = MAX_SHIFT * draw[:, 3:]
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(frames.shape), align_corners=False)
    unit = ((frames + 1) / 2).clamp(0, 1) ** gamma
    moved = functional.grid_sample(unit, grid, padding_mode="zeros", align_corners=False)
    return moved * 2 - 1, functional.grid_sample(masks, grid, mode="nearest", align_corners=False)
