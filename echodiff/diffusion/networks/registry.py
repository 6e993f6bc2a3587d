"""Networks by name, built from the options of the configuration.

A generator is `forward(x_tp1 (B, 1, H, W), guide (B, G, H, W), t (B,), z) -> x_0 (B, 1, H, W)` in [-1, 1],
with `latent_shapes(size) -> {name: shape without batch}` of the standard normal numbers z. A discriminator is
`forward(x_t (B, 1, H, W), x_tp1 (B, 1, H, W), t (B,)) -> logits (B, K)`. Either may have
`calibrate(images (N, 1, H, W), schedule)`, which is called once before training with the training images in
[-1, 1], and keeps what it learns of them in buffers.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from echodiff.config.networks import DiscriminatorOptions, GeneratorOptions
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.ncsnpp import NCSNpp

GENERATORS: dict[str, Callable[..., nn.Module]] = {"ncsnpp": NCSNpp}
DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {"residual": Discriminator}


def build_generator(options: GeneratorOptions, size: int, *, guide_channels: int = 1) -> nn.Module:
    """The generator of `options` for images of `size` x `size` pixels, with new weights."""
    return GENERATORS[options.name](size, guide_channels=guide_channels, **_own(options))


def build_discriminator(options: DiscriminatorOptions, size: int) -> nn.Module:
    """The discriminator of `options` for images of `size` x `size` pixels, with new weights."""
    return DISCRIMINATORS[options.name](size, **_own(options))


def _own(options: GeneratorOptions | DiscriminatorOptions) -> dict[str, Any]:
    return {key: value for key, value in options.model_dump().items() if key != "name"}
