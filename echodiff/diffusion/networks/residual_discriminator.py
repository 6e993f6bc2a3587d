"""The paper's discriminator: time-dependent residual blocks to a few pixels (Xiao et al. 2022, App. C)."""

import math

import torch
from torch import Tensor, nn

from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.layers import TimeEmbedding, conv1x1, conv3x3, linear
from echodiff.diffusion.networks.penalised import SLOPE, leaky
from echodiff.diffusion.networks.resample import FirDown

VARIANCE_FLOOR = 1e-8  # added to the variance within a group


class DownBlock(nn.Module):
    """x (B, in, H, W), time (B, time) -> (B, out, H/2, W/2)."""

    def __init__(self, in_channels: int, out_channels: int, time: int):
        super().__init__()
        self.conv1 = conv3x3(in_channels, out_channels)
        self.time = linear(time, out_channels)
        self.conv2 = conv3x3(out_channels, out_channels, scale=0)
        self.skip = conv1x1(in_channels, out_channels, bias=False)
        self.down = FirDown()

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        h = self.conv1(leaky(x)).add_(self.time(time)[:, :, None, None])
        h = self.conv2(self.down(leaky(h, inplace=True)))
        return (self.skip(self.down(x)) + h).mul_(math.sqrt(0.5))


def minibatch_deviation(x: Tensor, group: int) -> Tensor:
    """x (B, C, H, W) with one more channel: the mean deviation within each group of neighbours in the batch.

    Karras et al. 2018, Section 3. Groups are runs of `group` images, so that a batch that is divided among
    devices at multiples of `group` gives the same numbers.
    """
    batch, channels, height, width = x.shape
    if group == 1:  # nothing deviates, and no derivative need be led back
        return torch.cat([x, x.new_full((batch, 1, height, width), math.sqrt(VARIANCE_FLOOR))], dim=1)
    grouped = x.view(batch // group, group, channels, height, width)
    deviation = (grouped.var(dim=1, unbiased=False) + VARIANCE_FLOOR).sqrt().mean(dim=(1, 2, 3))
    plane = deviation.repeat_interleave(group).view(batch, 1, 1, 1).expand(batch, 1, height, width)
    return torch.cat([x, plane], dim=1)


class ResidualDiscriminator(Discriminator):
    """D(x_t, x_{t+1}, t) -> logits (B, 1).

    steps: nothing depends on T here, as the number of the step is embedded. channels: base width; six blocks halve the
    size. group: images of the minibatch deviation. time: length of the embedding.
    """

    def __init__(self, size: int, *, steps: int = 4, channels: int = 64, group: int = 1, time: int = 256):
        super().__init__()
        self.group = group
        widths = [2 * channels, 4 * channels] + [8 * channels] * 5
        blocks = min(6, int(math.log2(size)) - 2)  # to 4x4 pixels; smaller images need fewer blocks
        widths = widths[: blocks + 1]
        self.time = TimeEmbedding(time, time, nn.LeakyReLU(SLOPE))
        self.stem = conv1x1(2, widths[0])
        self.blocks = nn.ModuleList(
            DownBlock(width, following, time) for width, following in zip(widths, widths[1:], strict=False)
        )
        last = widths[-1]
        self.final = conv3x3(last + 1, last)
        self.logit = linear(last, 1)

    def forward(self, x_t: Tensor, x_tp1: Tensor, t: Tensor) -> Tensor:
        time = leaky(self.time(t))
        h = self.stem(torch.cat([x_t, x_tp1], dim=1))
        for block in self.blocks:
            h = block(h, time)
        h = minibatch_deviation(leaky(h), self.group)
        h = leaky(self.final(h))
        return self.logit(h.sum(dim=(2, 3)))
