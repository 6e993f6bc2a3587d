"""A small generator for minutes of training on a CPU: a coarse U-Net for anatomy, a fine head for speckle.

G(x_{t+1}, guide, t, z) -> x_0. Pixels are packed 4 x 4 into channels, so that the U-Net works on a sixteenth of
the places; only the head (`echodiff.diffusion.networks.speckle`) sees single pixels, and while the model
learns it sees them in a window of each image. What makes it learn in minutes:

- x_{t+1} enters multiplied by signal[t+1], the share of the image in it: at the last steps, where it is nearly
  all noise, the network is not kept busy by unlearning that noise.
- The mean training image is where the brightness starts from: the tissue sector is there before the first step.
- How bright an image is, over its depth and its width, is a trait, its gain. Left to be guessed it would be the same in
  all images, because the L1 distance asks for the median where x_{t+1} does not tell.
- Sines and cosines of the place: a convolution alone would find the place out from the border inwards.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.exact import exact
from echodiff.diffusion.networks.conv import Conv2d
from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.layers import norm_groups
from echodiff.diffusion.networks.norm import norm_silu
from echodiff.diffusion.networks.speckle import HeadMaps, SpeckleHead
from echodiff.diffusion.networks.windows import cut, pad_edges
from echodiff.diffusion.schedule import Schedule

PACK = 4  # pixels a side that are packed into channels
MARGIN = 8  # pixels computed around a window, a multiple of PACK and at least the head's reach
FREQUENCIES = (1, 2, 4, 8)  # of the place's sines and cosines, in quarter turns a half image
BRIGHTEST = 0.995  # the mean image is clipped to this before the inverse of tanh
GAIN_DEGREE = 2  # of the polynomials in row and column that an image's gain is made of
LARGEST_GAIN = 3.0  # images of other machines may lie further from those that were learned from
LEAST_DEVIATION = 1e-3  # of the polynomials' coefficients, for training images that are all as bright


class ModulatedBlock(nn.Module):
    """Norm, activation, convolution, twice; the second norm's scale and shift come from time and latent.

    x (B, in, h, w), style (B, style) -> (B, out, h, w). Starts close to its shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, style: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(norm_groups(in_channels), in_channels)
        self.conv1 = Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(norm_groups(out_channels), out_channels)
        self.conv2 = Conv2d(out_channels, out_channels, 3, padding=1)
        self.style = nn.Linear(style, 2 * out_channels)
        same = in_channels == out_channels
        self.skip = nn.Identity() if same else Conv2d(in_channels, out_channels, 1)
        nn.init.zeros_(self.style.weight)
        nn.init.zeros_(self.style.bias)
        with torch.no_grad():
            self.conv2.weight.mul_(0.3)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        h = self.conv1(modulated(self.norm1, x))
        scale, shift = self.style(style)[:, :, None, None].chunk(2, dim=1)
        h = self.conv2(modulated(self.norm2, h, 1 + scale, shift))
        return self.skip(x) + h


def modulated(norm: nn.GroupNorm, x: Tensor, scale: Tensor | float = 1.0, shift: Tensor | float = 0.0) -> Tensor:
    """silu(scale * norm(x) + shift), in one pass: x (B, C, H, W), scale and shift (B, C, 1, 1) or numbers."""
    weight, bias = (own.view(1, -1, 1, 1).expand(len(x), -1, -1, -1) for own in (norm.weight, norm.bias))
    return norm_silu(x, weight * scale, bias * scale + shift, norm.num_groups)


class CoarseTrunk(nn.Module):
    """U-Net on packed pixels: (B, in, h, w) and a style -> (B, widths[0], h, w); one block a level each way."""

    def __init__(self, in_channels: int, widths: Sequence[int], style: int):
        super().__init__()
        self.stem = Conv2d(in_channels, widths[0], 3, padding=1)
        befores = [widths[0], *widths[:-1]]
        self.down = nn.ModuleList(
            ModulatedBlock(before, width, style) for before, width in zip(befores, widths, strict=True)
        )
        self.middle = ModulatedBlock(widths[-1], widths[-1], style)
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.up = nn.ModuleList(ModulatedBlock(low + skip, skip, style) for skip, low in reversed(pairs))
        self.norm = nn.GroupNorm(norm_groups(widths[0]), widths[0])

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        h, skips = self.stem(x), []
        for level, block in enumerate(self.down):
            h = block(F.avg_pool2d(h, 2) if level else h, style)
            skips.append(h)
        h = self.middle(skips.pop(), style)
        for block in self.up:
            h = block(torch.cat([F.interpolate(h, scale_factor=2), skips.pop()], dim=1), style)
        return modulated(self.norm, h)


class FastGenerator(Generator):
    """G(x_{t+1}, guide, t, z) -> estimate of x_0, in [-1, 1].

    size: pixels a side, a multiple of 4 * 2^(levels - 1). steps: T. bounded: its head draws gray values and nothing
    else, so that its output always is. widths: channels of the U-Net, one a level.
    features: channels from the U-Net to the head. kernels, kernel_size: of the speckle's point spread.
    latent: length of the latent that is one for the whole image. style: width that steers the norms.
    window: pixels a side of the window that is learned from in each image; 0 for whole images.
    """

    def __init__(
        self,
        size: int,
        *,
        guide_channels: int = 1,
        steps: int = 4,
        bounded: bool = True,
        widths: Sequence[int] = (32, 64, 96, 128),
        features: int = 12,
        kernels: int = 6,
        kernel_size: int = 11,
        latent: int = 32,
        style: int = 128,
        window: int = 96,
    ):
        super().__init__()
        self.window, self.latent = min(window, size), latent
        self.time = nn.Embedding(steps, style)
        self.mapping = nn.Sequential(nn.Linear(latent, style), nn.SiLU(), nn.Linear(style, style))
        packed = PACK**2 * (2 + guide_channels)
        place = _place(size // PACK)
        self.trunk = CoarseTrunk(packed + place.shape[1] + 1, widths, style)
        self.to_brightness = Conv2d(widths[0], 1 + guide_channels, 3, padding=1)
        self.to_features = Conv2d(widths[0], features, 3, padding=1)
        self.to_mixture = Conv2d(widths[0] + 2, kernels + 1, 1)
        for layer in (self.to_brightness, self.to_mixture):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.head = SpeckleHead(
            kernels=kernels, kernel_size=kernel_size, features=features, guide_channels=guide_channels
        )
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("mean", torch.zeros(1, 1, size, size))  # of the training images
        polynomials = _polynomials(size, GAIN_DEGREE)
        terms = len(polynomials)
        self.register_buffer("polynomials", polynomials, persistent=False)
        self.register_buffer("slope", torch.zeros(terms, 1, size, size))  # of an image on the terms of its gain
        self.register_buffer("level", torch.zeros(terms))  # mean of the training images' coefficients
        self.register_buffer("whiten", torch.eye(terms))  # makes of their deviations uncorrelated ones of 1
        self.register_buffer("signal", torch.ones(steps + 1))  # of the schedule

    def calibrate(self, images: Tensor, schedule: Schedule) -> None:
        """Note how the training images are on average, for each gain, and the schedule's share of signal."""
        images = images.float()
        coefficients = self._coefficients(images)
        self.level.copy_(coefficients.mean(dim=0))
        variances, axes = torch.linalg.eigh(torch.cov(coefficients.T, correction=0).view(2 * self.level.shape))
        self.whiten.copy_(axes / variances.clamp(min=LEAST_DEVIATION**2).sqrt() @ axes.T)
        self.mean.copy_(images.mean(dim=0, keepdim=True))
        gain = self.describe(images)["gain"]
        # The mean leaves after the sum over images: no copy of them all, of which a training set may have 10,000.
        slope = torch.einsum("nk,nchw->kchw", gain, images) - gain.sum(dim=0).view(-1, 1, 1, 1) * self.mean
        self.slope.copy_(slope / len(images))
        self.signal.copy_(schedule.signal)

    def latent_shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        """Of the whole image, of each packed cell, two of each pixel."""
        cells, pixels = size // PACK, size + 2 * MARGIN
        return {"z": (self.latent,), "cells": (1, cells, cells), "pixels": (2, pixels, pixels)}

    def trait_shapes(self) -> dict[str, tuple[int, ...]]:
        """The gain alone."""
        return {"gain": self.level.shape}

    def describe(self, images: Tensor) -> dict[str, Tensor]:
        """The gain: the image's brightness, its slopes and its curvatures, beside those of the training images.

        (B, K): the coefficients of its polynomials less their mean, uncorrelated and of deviation 1.
        """
        with exact(images.device):
            gain = (self._coefficients(images) - self.level) @ self.whiten.T
        return {"gain": gain.clamp(-LARGEST_GAIN, LARGEST_GAIN)}

    def _coefficients(self, images: Tensor) -> Tensor:
        return torch.einsum("nchw,khw->nk", images.float(), self.polynomials) / images[0].numel()

    def forward(
        self, x_tp1: Tensor, guide: Tensor, t: Tensor, z: dict[str, Tensor], corners: Tensor | None = None
    ) -> Tensor:
        """The whole image, (B, 1, H, W); with `corners` (B, 2) the window of each, (B, 1, window, window)."""
        x = x_tp1 * self.signal[t + 1].view(-1, 1, 1, 1)
        with exact(x.device):
            mean = self.mean + torch.einsum("nk,kchw->nchw", z["gain"], self.slope)
        maps = self._coarse(x, guide, mean, t, z)
        mean = torch.atanh(mean.clamp(-BRIGHTEST, BRIGHTEST))
        # The head's convolutions reach over a window's border, so a margin is computed and thrown away.
        maps = maps.map(lambda m: pad_edges(m, MARGIN // PACK))
        mean = pad_edges(mean, MARGIN)
        x, guide, noise = F.pad(x, (MARGIN,) * 4), F.pad(guide, (MARGIN,) * 4), z["pixels"]
        if corners is not None:
            side = self.window + 2 * MARGIN
            maps = maps.map(lambda m: cut(m, corners, side, scale=PACK))
            x, guide, mean, noise = (cut(image, corners, side) for image in (x, guide, mean, noise))
        with exact(x.device):  # the logarithm of small envelopes needs its digits
            image = self.head(maps.map(Tensor.float), x, guide, mean, noise)
        return image[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN]

    def _coarse(self, x: Tensor, guide: Tensor, mean: Tensor, t: Tensor, z: dict[str, Tensor]) -> HeadMaps:
        """What the trunk says about brightness and speckle, at a quarter of the resolution."""
        style = F.silu(self.time(t) + self.mapping(z["z"]))
        place = self.place.expand(len(x), -1, -1, -1)
        packed = [*(F.pixel_unshuffle(image, PACK) for image in (x, guide, mean)), place, z["cells"]]
        h = self.trunk(torch.cat(packed, dim=1).contiguous(memory_format=torch.channels_last), style)
        mixture = self.to_mixture(torch.cat([h, place[:, :2]], dim=1))
        return HeadMaps(self.to_brightness(h), self.to_features(h), mixture)


def _place(cells: int) -> Tensor:
    """Where each cell lies, (1, 2 + 4 F, cells, cells): (row, column) in -1..1, then their sines and cosines."""
    line = (torch.arange(cells) + 0.5) * (2 / cells) - 1
    grid = torch.stack(torch.meshgrid(line, line, indexing="ij"))[None]
    angles = [math.pi / 2 * frequency * grid for frequency in FREQUENCIES]
    return torch.cat([grid, *(wave(angle) for angle in angles for wave in (torch.sin, torch.cos))], dim=1)


def _polynomials(size: int, degree: int) -> Tensor:
    """Orthogonal polynomials in row and column up to a degree, (K, size, size) of mean square 1; the first is 1."""
    line = (torch.arange(size, dtype=torch.float64) + 0.5) * (2 / size) - 1
    powers = [(row, total - row) for total in range(degree + 1) for row in range(total + 1)]
    terms = torch.stack([(line[:, None] ** row * line**column).flatten() for row, column in powers], dim=1)
    orthogonal, triangle = torch.linalg.qr(terms)
    return (orthogonal * triangle.diagonal().sign() * size).T.reshape(-1, size, size).float()
