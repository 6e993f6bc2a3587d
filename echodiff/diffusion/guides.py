"""Label maps drawn as the guide that the generator sees."""

import torch
from torch import Tensor

from echodiff.labels import GUIDE_GRAYS, STRUCTURES
from echodiff.store.intensity import to_model


def guide_channels(style: str, sector: bool) -> int:
    """Number of channels of a guide: one for "gray", one a structure for "planes"; the sector is one more."""
    return {"gray": 1, "planes": len(STRUCTURES)}[style] + sector


def draw_guide(masks: Tensor, sectors: Tensor, *, style: str, sector: bool) -> Tensor:
    """Draw label maps as a guide, float32 (B, guide_channels, H, W) in [-1, 1].

    Args:
        masks: uint8 (B, 1, H, W), labels as in `echodiff.labels`.
        sectors: uint8 (B, 1, H, W), 1 inside the tissue sector.
        style: "gray", one image with the grays of the paper; "planes", -1 or 1, a channel for each structure.
        sector: add the tissue sector as a channel of -1 and 1.
    """
    if style == "gray":
        grays = torch.tensor(GUIDE_GRAYS, dtype=torch.uint8).to(masks.device, non_blocking=True)
        channels = [to_model(grays[masks.long()])]
    else:
        channels = [(masks == label).float().mul_(2).sub_(1) for label in STRUCTURES.values()]
    if sector:
        channels.append((sectors > 0).float().mul_(2).sub_(1))
    return torch.cat(channels, dim=1)
