"""The paper's generator: a U-Net with an input pyramid whose norms are steered by a latent.

NCSN++ of Song et al. 2021, Appendix H; the latent of Xiao et al. 2022, Appendix C.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.layers import (
    LatentMapping,
    SelfAttention,
    TimeEmbedding,
    conv1x1,
    conv3x3,
    linear,
    norm_groups,
)
from echodiff.diffusion.networks.norm import AdaptiveNormSilu
from echodiff.diffusion.networks.resample import FirDown, FirDownConv, FirUp


class ResidualBlock(nn.Module):
    """Norm, activation, convolution, twice, around an optional resampling (Brock et al. 2019, Fig. 15).

    x (B, in, H, W), time (B, time), style w (B, style) -> (B, out, H', W').
    """

    def __init__(self, in_channels: int, out_channels: int, time: int, style: int, resample: nn.Module | None = None):
        super().__init__()
        self.norm1 = AdaptiveNormSilu(in_channels, style)
        self.conv1 = conv3x3(in_channels, out_channels)
        self.time = linear(time, out_channels)
        self.norm2 = AdaptiveNormSilu(out_channels, style)
        self.conv2 = conv3x3(out_channels, out_channels, scale=0)
        self.resample = resample or nn.Identity()
        same = in_channels == out_channels and resample is None
        self.skip = nn.Identity() if same else conv1x1(in_channels, out_channels)

    def forward(self, x: Tensor, time: Tensor, w: Tensor) -> Tensor:
        h = self.conv1(self.resample(self.norm1(x, w)))
        h = h.add_(self.time(F.silu(time))[:, :, None, None])
        h = self.conv2(self.norm2(h, w))
        return (self.skip(self.resample(x)) + h).mul_(math.sqrt(0.5))


class NCSNpp(Generator):
    """G(x_{t+1}, guide, t, z) -> estimate of x_0, in [-1, 1], or of any range where it is not `bounded`.

    steps: nothing depends on T here, as the number of the step is embedded.
    pack: pixels a side that are packed into channels before all else, 1 for none. channels: width at full
    resolution. multipliers: of the width, one a level, each level half the size of the one before. blocks: residual
    blocks a level. attention: sizes, of the packed image, at which attention is applied.
    """

    def __init__(
        self,
        size: int,
        *,
        guide_channels: int = 1,
        steps: int = 4,
        bounded: bool = True,
        channels: int = 64,
        multipliers: Sequence[int] = (1, 1, 2, 2, 4, 4),
        blocks: int = 2,
        attention: Sequence[int] = (16,),
        latent: int = 100,
        style: int = 256,
        style_layers: int = 4,
        pack: int = 1,
    ):
        super().__init__()
        self.latent, self.pack = latent, pack
        time = 4 * channels
        widths = [channels * multiplier for multiplier in multipliers]
        sizes = [size // pack >> level for level in range(len(widths))]
        self.time = TimeEmbedding(channels, time, nn.SiLU())
        self.mapping = LatentMapping(latent, style, style_layers)
        packed = pack**2 * (1 + guide_channels)
        self.stem = conv3x3(packed, channels)

        self.down = nn.ModuleList()
        skips, width, pyramid = [channels], channels, packed
        for level, out in enumerate(widths):
            stage = nn.ModuleDict({"blocks": nn.ModuleList(), "attention": nn.ModuleList()})
            for _ in range(blocks):
                stage["blocks"].append(ResidualBlock(width, out, time, style))
                stage["attention"].append(SelfAttention(out) if sizes[level] in attention else nn.Identity())
                width = out
                skips.append(width)
            if level < len(widths) - 1:
                stage["resample"] = ResidualBlock(width, width, time, style, FirDown())
                stage["pyramid"] = FirDownConv(pyramid, width)
                pyramid = width
                skips.append(width)
            self.down.append(stage)

        self.middle = nn.ModuleList(
            [
                ResidualBlock(width, width, time, style),
                SelfAttention(width),
                ResidualBlock(width, width, time, style),
            ]
        )

        self.up = nn.ModuleList()
        for level, out in reversed(list(enumerate(widths))):
            stage = nn.ModuleDict({"blocks": nn.ModuleList()})
            for _ in range(blocks + 1):
                stage["blocks"].append(ResidualBlock(width + skips.pop(), out, time, style))
                width = out
            stage["attention"] = SelfAttention(width) if sizes[level] in attention else nn.Identity()
            if level > 0:
                stage["resample"] = ResidualBlock(width, width, time, style, FirUp())
            self.up.append(stage)

        self.head = nn.Sequential(
            nn.GroupNorm(norm_groups(width), width, eps=1e-6),
            nn.SiLU(),
            conv3x3(width, pack**2, scale=0),
            nn.Tanh() if bounded else nn.Identity(),
        )

    def latent_shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        return {"z": (self.latent,)}

    def forward(self, x_tp1: Tensor, guide: Tensor, t: Tensor, z: dict[str, Tensor]) -> Tensor:
        time, w = self.time(t), self.mapping(z["z"])
        pyramid = F.pixel_unshuffle(torch.cat([x_tp1, guide], dim=1), self.pack)
        h = self.stem(pyramid)
        skips = [h]
        for stage in self.down:
            for block, attention in zip(stage["blocks"], stage["attention"], strict=True):
                h = attention(block(h, time, w))
                skips.append(h)
            if "resample" in stage:
                h = stage["resample"](h, time, w)
                pyramid = h = (stage["pyramid"](pyramid) + h).mul_(math.sqrt(0.5))
                skips.append(h)
        first, attention, second = self.middle
        h = second(attention(first(h, time, w)), time, w)
        for stage in self.up:
            for block in stage["blocks"]:
                h = block(torch.cat([h, skips.pop()], dim=1), time, w)
            h = stage["attention"](h)
            if "resample" in stage:
                h = stage["resample"](h, time, w)
        return F.pixel_shuffle(self.head(h), self.pack)
