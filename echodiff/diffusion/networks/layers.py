"""Layers that several networks share: convolutions, embeddings of time and latent, attention."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.conv import Conv2d


def variance_scaled(layer: nn.Module, scale: float) -> nn.Module:
    """Initialise a layer: uniform weights of variance scale / mean(fan in, fan out), no bias.

    `scale` 0 gives zeros: a residual branch that starts as nothing, an image that starts as zero.
    """
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(layer.weight)
    bound = math.sqrt(3 * scale / ((fan_in + fan_out) / 2))
    nn.init.uniform_(layer.weight, -bound, bound)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def conv3x3(in_channels: int, out_channels: int, *, stride: int = 1, padding: int = 1, scale: float = 1.0) -> nn.Module:
    """A 3x3 convolution."""
    layer = Conv2d(in_channels, out_channels, 3, stride=stride, padding=padding)
    return variance_scaled(layer, scale)


def conv1x1(in_channels: int, out_channels: int, *, bias: bool = True, scale: float = 1.0) -> nn.Module:
    """A convolution of single pixels."""
    return variance_scaled(Conv2d(in_channels, out_channels, 1, bias=bias), scale)


def linear(in_features: int, out_features: int, *, scale: float = 1.0) -> nn.Module:
    """A dense layer."""
    return variance_scaled(nn.Linear(in_features, out_features), scale)


def norm_groups(channels: int) -> int:
    """Groups of a group norm: the most, up to 32, that divide the channels with at least four in each."""
    return max(groups for groups in range(1, min(max(channels // 4, 1), 32) + 1) if channels % groups == 0)


def positional_embedding(t: Tensor, features: int) -> Tensor:
    """Sines and cosines (B, features) of step numbers (B,), frequencies 1 to 1e-4 (Vaswani et al. 2017)."""
    half = features // 2
    rates = torch.exp(torch.arange(half, device=t.device) * (-math.log(10_000) / (half - 1)))
    angles = t.float()[:, None] * rates[None, :]
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """Step number t (B,) -> (B, features), by two dense layers behind the positional embedding."""

    def __init__(self, positional: int, features: int, activation: nn.Module):
        super().__init__()
        self.positional = positional
        self.layers = nn.Sequential(linear(positional, features), activation, linear(features, features))

    def forward(self, t: Tensor) -> Tensor:
        return self.layers(positional_embedding(t, self.positional))


class LatentMapping(nn.Module):
    """z (B, latent) ~ N(0, I) -> w (B, features): pixel norm, then dense layers, each with an activation."""

    def __init__(self, latent: int, features: int, layers: int):
        super().__init__()
        widths = [latent] + [features] * layers
        self.layers = nn.Sequential()
        for width, following in zip(widths, widths[1:], strict=False):
            self.layers.extend([linear(width, following), nn.SiLU()])

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8))


class SelfAttention(nn.Module):
    """Residual attention of one head over the pixels of (B, C, H, W); starts as nothing but the residual."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(norm_groups(channels), channels, eps=1e-6)
        self.query_key_value = conv1x1(channels, 3 * channels)
        self.out = conv1x1(channels, channels, scale=0)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        # (B, 3C, H, W) -> three of (B, pixels, C)
        q, k, v = self.query_key_value(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, dim=2)
        h = F.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        h = h.transpose(1, 2).reshape(batch, channels, height, width)
        return (x + self.out(h)).mul_(math.sqrt(0.5))
