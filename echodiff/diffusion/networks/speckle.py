"""The generator's full-resolution head: speckle drawn by the law of its origin.

Many scatterers share each resolution cell of a scanner, so the echo is a complex Gaussian field n filtered by
the point spread function h of the beam, and the image shows the logarithm of its envelope:

    gray = brightness + contrast * log |h * n|

(Wagner et al. 1983: a Rayleigh envelope; after the logarithm an additive texture of fixed spread.) Networks of
a few convolutions find this law slowly; here it is built in. What it leaves open is learned: the point spread, a
mixture of K kernels whose weights change from place to place (a beam widens with depth and turns with the
angle), brightness, contrast, and a small correction by three convolutions that sharpens edges.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.conv import Conv2d

FLOOR = 1e-3  # added to the squared envelope: the logarithm's argument is never 0
HIDDEN = 16
SLOPE = 0.2
FIRST_CONTRAST = -1.5  # through softplus 0.2: the spread of speckle in an image of 58 dB between -1 and 1


class SpeckleHead(nn.Module):
    """Brightness, features and mixture at a quarter of the resolution -> the image at full resolution.

    kernels: K, of the point spread. kernel_size: odd, pixels. features: channels C from the trunk. guide_channels: G.
    """

    def __init__(self, *, kernels: int, kernel_size: int, features: int, guide_channels: int):
        super().__init__()
        self.kernels, self.kernel_size = kernels, kernel_size
        self.point_spread = nn.Parameter(_first_kernels(kernels, kernel_size))
        self.mixture_bias = nn.Parameter(torch.randn(kernels) / 2)
        self.contrast_bias = nn.Parameter(torch.tensor(FIRST_CONTRAST))
        self.inner = Conv2d(features + 3 + guide_channels, HIDDEN, 3, padding=1)
        self.middle = Conv2d(HIDDEN, HIDDEN, 3, padding=1)
        self.outer = Conv2d(HIDDEN, 1, 3, padding=1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    @property
    def reach(self) -> int:
        """Pixels around a place that its value depends on."""
        return self.kernel_size // 2 + 3

    def forward(self, maps: "HeadMaps", x: Tensor, guide: Tensor, mean: Tensor, noise: Tensor) -> Tensor:
        """All at full resolution but `maps`: x, mean (B, 1, H, W), guide (B, G, H, W), noise (B, 2, H, W) ~ N(0, 1).

        mean: what the brightness departs from, before the tanh. Returns (B, 1, H, W) in [-1, 1].
        """
        levels = enlarge(maps.brightness)
        brightness = mean + levels[:, :1] + (levels[:, 1:] * (guide + 1) / 2).sum(dim=1, keepdim=True)
        features, mixture = enlarge(maps.features), enlarge(maps.mixture)
        speckle = self.log_envelope(noise, mixture[:, :-1] + self.mixture_bias[:, None, None])
        contrast = F.softplus(mixture[:, -1:] + self.contrast_bias)
        h = torch.cat([features, brightness, speckle, x, guide], dim=1)
        h = F.leaky_relu(self.inner(h.contiguous(memory_format=torch.channels_last)), SLOPE)
        h = F.leaky_relu(self.middle(h), SLOPE)
        return torch.tanh(brightness + contrast * speckle + self.outer(h))

    def log_envelope(self, noise: Tensor, mixture: Tensor) -> Tensor:
        """log |sum_k w_k (h_k * n)|, (B, 1, H, W), of the complex noise n (B, 2, H, W) and w (B, K, H, W)."""
        batch, _, height, width = noise.shape
        parts = noise.reshape(2 * batch, 1, height, width)  # real and imaginary part alike
        filtered = F.conv2d(parts, self.point_spread, padding=self.kernel_size // 2)
        filtered = filtered.view(batch, 2, self.kernels, height, width)
        field = (filtered * mixture[:, None]).sum(dim=2)
        return torch.log(field.square().sum(dim=1, keepdim=True) + FLOOR) / 2


class HeadMaps:
    """What the trunk hands over, at a quarter of the resolution.

    brightness (B, 1 + G, h, w): of all places, and what each channel of the guide adds where it is drawn; so the
    guide's edges stay sharp. features (B, C, h, w). mixture (B, K + 1, h, w): K weights and the contrast.
    """

    def __init__(self, brightness: Tensor, features: Tensor, mixture: Tensor):
        self.brightness, self.features, self.mixture = brightness, features, mixture

    def map(self, change) -> "HeadMaps":
        """The maps, each changed by the same function."""
        return HeadMaps(change(self.brightness), change(self.features), change(self.mixture))


def enlarge(maps: Tensor) -> Tensor:
    """(B, C, h, w) -> (B, C, 4h, 4w), linear: no pattern of the coarse grid is left in the image."""
    return F.interpolate(maps, scale_factor=4, mode="bilinear", align_corners=False)


def _first_kernels(kernels: int, size: int) -> Tensor:
    """(K, 1, size, size) of norm 1: Gaussians of random widths, a little disturbed so that no two learn alike."""
    distance = (torch.arange(size) - (size - 1) / 2).square()
    across, along = 0.5 + 2.0 * torch.rand(kernels, 1, 1), 0.5 + torch.rand(kernels, 1, 1)
    bells = torch.exp(-distance[None, None, :] / (2 * across**2) - distance[None, :, None] / (2 * along**2))
    bells = bells + 0.05 * torch.randn(kernels, size, size) * bells.sqrt()
    return (bells / bells.flatten(1).norm(dim=1)[:, None, None])[:, None]
