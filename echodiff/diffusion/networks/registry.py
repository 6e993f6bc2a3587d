"""Networks by name, built from the options of the configuration.

What a generator is, `echodiff.diffusion.networks.generator` says; its estimate lies in [-1, 1] where it is `bounded`. A
discriminator is `forward(x_t (B, 1, H, W), x_tp1 (B, 1, H, W), t (B,)) -> logits (B, K)`, beside a generator with a
`window` with `corners` (B, 2) too, and may have `calibrate(images, schedule)` as generators have.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from echodiff.config.networks import DiscriminatorOptions, GeneratorOptions
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.fast_discriminator import FastDiscriminator
from echodiff.diffusion.networks.fast_generator import FastGenerator
from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.ncsnpp import NCSNpp

GENERATORS: dict[str, Callable[..., Generator]] = {"ncsnpp": NCSNpp, "fast": FastGenerator}
DISCRIMINATORS: dict[str, Callable[..., nn.Module]] = {"residual": Discriminator, "fast": FastDiscriminator}


def build_generator(
    options: GeneratorOptions, size: int, *, guide_channels: int = 1, steps: int = 4, bounded: bool = True
) -> Generator:
    """The generator of `options` for images of `size` x `size` pixels and T = `steps`, with new weights.

    bounded: its output lies in [-1, 1], as images do; else it may have any value.
    """
    own = _own(options, steps)
    if options.name == "ncsnpp":
        own["bounded"] = bounded
    return GENERATORS[options.name](size, guide_channels=guide_channels, **own)


def build_discriminator(options: DiscriminatorOptions, size: int, *, steps: int = 4) -> nn.Module:
    """The discriminator of `options` for images of `size` x `size` pixels and T = `steps`, with new weights."""
    return DISCRIMINATORS[options.name](size, **_own(options, steps))


def _own(options: GeneratorOptions | DiscriminatorOptions, steps: int) -> dict[str, Any]:
    own = {key: value for key, value in options.model_dump().items() if key != "name"}
    # The fast networks hold tables of the steps; the paper's embed the step's number, whatever T is.
    return {**own, "steps": steps} if options.name == "fast" else own
