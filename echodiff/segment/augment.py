"""Random changes of a frame and its label map while the segmenter learns."""

import torch
from torch.nn import functional

MAX_ROTATION = 0.2  # radians
MAX_SCALE = 0.15
MAX_SHIFT = 0.08  # of half the frame
MAX_GAMMA = 0.4  # of the logarithm

# As other scanners show the same heart; each change befalls half of the frames.
MAX_CONTRAST = 0.6  # of the logarithm of the factor on all grays
MAX_GAIN = 0.25  # of white, added to the grays of the sector
MAX_CURVE = 0.8  # of the logarithm of the gray curve's exponent
MAX_BLUR = 1.8  # pixels, standard deviation


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


def as_other_scanners(frames: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Frames (B, 1, S, S) in [-1, 1] blurred, with another gain and contrast, and with another gray curve, at random.

    Labels stay as they are. Black stays black, so that the sector keeps its outline, unless it is blurred.
    """
    unit = ((frames + 1) / 2).clamp(0, 1)
    blur, levels, curve = (torch.rand(3, len(frames), generator=generator) < 0.5).view(3, -1, 1, 1, 1)
    draw = torch.rand(4, len(frames), generator=generator)
    unit = torch.where(blur, blurred(unit, MAX_BLUR * draw[0]), unit)
    contrast, gain, exponent = (2 * draw[1:] - 1).view(3, -1, 1, 1, 1)
    shown = (unit > 0).to(unit.dtype)
    changed = (torch.exp(MAX_CONTRAST * contrast) * unit + MAX_GAIN * gain * shown).clamp(0, 1)
    unit = torch.where(levels, changed, unit)
    unit = torch.where(curve, unit ** torch.exp(MAX_CURVE * exponent), unit)
    return unit * 2 - 1


def blurred(frames: torch.Tensor, deviations: torch.Tensor) -> torch.Tensor:
    """Frames (B, 1, S, S), each by a Gaussian of its own standard deviation (B,) in pixels."""
    reach = int(3 * MAX_BLUR) + 1
    place = torch.arange(-reach, reach + 1, dtype=frames.dtype)
    kernels = torch.exp(-0.5 * (place / deviations.clamp(min=1e-3)[:, None]) ** 2)
    kernels = (kernels / kernels.sum(dim=1, keepdim=True))[:, None]  # (B, 1, K)
    lines = frames.transpose(0, 1)  # (1, B, S, S): a channel a frame
    for kernel, pad in ((kernels[..., None], (0, 0, reach, reach)), (kernels[:, :, None], (reach, reach, 0, 0))):
        lines = functional.conv2d(functional.pad(lines, pad, mode="replicate"), kernel, groups=len(frames))
    return lines.transpose(0, 1)
