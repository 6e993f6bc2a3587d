"""Halving and doubling the resolution with the binomial filter [1, 3, 3, 1], as depthwise convolutions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.layers import conv3x3

TAPS = (1.0, 3.0, 3.0, 1.0)


def fir_kernel() -> Tensor:
    """The separable filter (4, 4) with sum 1."""
    taps = torch.tensor(TAPS)
    kernel = taps[:, None] * taps[None, :]
    return kernel / kernel.sum()


class _Fir(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", fir_kernel(), persistent=False)

    def _depthwise(self, channels: int) -> Tensor:
        return self.kernel.expand(channels, 1, 4, 4)


class FirDown(_Fir):
    """(B, C, H, W) -> (B, C, H/2, W/2), smoothed."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self._depthwise(x.shape[1]), stride=2, padding=1, groups=x.shape[1])


class FirUp(_Fir):
    """(B, C, H, W) -> (B, C, 2H, 2W), interpolated. Each pixel is one of four, hence the factor."""

    def forward(self, x: Tensor) -> Tensor:
        kernel = 4 * self._depthwise(x.shape[1])
        return F.conv_transpose2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


class FirDownConv(_Fir):
    """(B, C, H, W) -> (B, D, H/2, W/2): smoothed, then a 3x3 convolution of stride 2 without padding."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = conv3x3(in_channels, out_channels, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        smooth = F.conv2d(x, self._depthwise(x.shape[1]), padding=2, groups=x.shape[1])
        return self.conv(smooth)
