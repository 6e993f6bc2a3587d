"""Halving and doubling the resolution with the binomial filter [1, 3, 3, 1], the frame surrounded by zeros.

Halving is a depthwise convolution of stride 2. Doubling, its transpose times 4, weighs the two nearest pixels of each
side with 3/4 and 1/4: bilinear interpolation, but for the outermost pixels. Each is the other's derivative, and both
are linear, so derivatives of any order need no stored image and no slow kernel.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.layers import conv3x3


def depthwise_kernel(x: Tensor) -> Tensor:
    """The filter (C, 1, 4, 4), sum 1, for the channels of x (B, C, H, W).

    Computed where x is: numbers from the CPU would let it wait for the GPU at every layer.
    """
    taps = (2 - (torch.arange(4, dtype=x.dtype, device=x.device) - 1.5).abs()) / 4  # 1/8, 3/8, 3/8, 1/8
    return (taps[:, None] * taps[None, :]).expand(x.shape[1], 1, 4, 4)


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return F.conv2d(x, depthwise_kernel(x), stride=2, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _Double.apply(gradient / 4)


class _Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        y = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        # Interpolation repeats the outermost pixels, where the filter meets zeros: 3/4 of them is left.
        for edge in (y[:, :, :1], y[:, :, -1:], y[:, :, :, :1], y[:, :, :, -1:]):
            edge.mul_(0.75)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return 4 * _Halve.apply(gradient)


class FirDown(nn.Module):
    """(B, C, H, W) -> (B, C, H/2, W/2), smoothed."""

    def forward(self, x: Tensor) -> Tensor:
        return _Halve.apply(x)


class FirUp(nn.Module):
    """(B, C, H, W) -> (B, C, 2H, 2W), interpolated."""

    def forward(self, x: Tensor) -> Tensor:
        return _Double.apply(x)


class FirDownConv(nn.Module):
    """(B, C, H, W) -> (B, D, H/2, W/2): smoothed, then a 3x3 convolution of stride 2 without padding."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.conv = conv3x3(in_channels, out_channels, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        smooth = F.conv2d(x, depthwise_kernel(x), padding=2, groups=x.shape[1])
        return self.conv(smooth)
