"""Halving and doubling the resolution with the binomial filter [1, 3, 3, 1], the frame surrounded by zeros.

Halving is a depthwise convolution of stride 2. Doubling, its transpose times 4, weighs the two nearest pixels of each
side with 3/4 and 1/4: bilinear interpolation, but for the outermost pixels. Each is the other's derivative, and both
are linear, so derivatives of any order need no stored image and no slow kernel.

A compiler cannot fuse a depthwise convolution with what is around it, and on a GPU the speed of one whose channels are
innermost is cuDNN's affair. There the filter is the mean of two means, over four pixels and the two in the middle.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.layers import conv3x3


def smoothed(x: Tensor, *, stride: int, padding: int) -> Tensor:
    """x (B, C, H, W) filtered, every `stride`th pixel, after `padding` pixels of zeros, 1 or 2, on each side."""
    if x.device.type == "cuda" or torch.compiler.is_compiling():
        return mean_of_means(x, stride=stride, padding=padding)
    return F.conv2d(x, depthwise_kernel(x), stride=stride, padding=padding, groups=x.shape[1])


def mean_of_means(x: Tensor, *, stride: int, padding: int) -> Tensor:
    """The same by means over rows, then over columns: [1, 3, 3, 1] / 8 = ([1, 1, 1, 1] / 4 + [0, 1, 1, 0] / 2) / 2."""
    for side in ((1, 0), (0, 1)):
        along = [stride if own else 1 for own in side]
        four, two = (
            F.avg_pool2d(x, [length if own else 1 for own in side], along, [reach if own else 0 for own in side])
            for length, reach in ((4, padding), (2, padding - 1))
        )
        x = torch.lerp(four, two, 0.5)
    return x


def depthwise_kernel(x: Tensor) -> Tensor:
    """The filter (C, 1, 4, 4), sum 1, for the channels of x (B, C, H, W)."""
    taps = (2 - (torch.arange(4, dtype=x.dtype, device=x.device) - 1.5).abs()) / 4  # 1/8, 3/8, 3/8, 1/8
    return (taps[:, None] * taps[None, :]).expand(x.shape[1], 1, 4, 4)


class _Halve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        return smoothed(x, stride=2, padding=1)

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
        return self.conv(smoothed(x, stride=1, padding=2))
