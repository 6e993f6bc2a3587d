"""Networks by name, built from the options of the configuration.

A new one is its class (`Generator`, `Discriminator` say what it has), its options in `echodiff.config.networks` (which
says what is asked of them) and its line here. The options' keys but `name` are arguments of the class.
"""

from collections.abc import Callable

from echodiff.config.networks import DiscriminatorOptions, GeneratorOptions
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.fast_discriminator import FastDiscriminator
from echodiff.diffusion.networks.fast_generator import FastGenerator
from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.ncsnpp import NCSNpp
from echodiff.diffusion.networks.residual_discriminator import ResidualDiscriminator

GENERATORS: dict[str, Callable[..., Generator]] = {"ncsnpp": NCSNpp, "fast": FastGenerator}
DISCRIMINATORS: dict[str, Callable[..., Discriminator]] = {"residual": ResidualDiscriminator, "fast": FastDiscriminator}


def build_generator(
    options: GeneratorOptions, size: int, *, guide_channels: int = 1, steps: int = 4, bounded: bool = True
) -> Generator:
    """The generator of `options` for images of `size` x `size` pixels and T = `steps`, with new weights.

    bounded: its output lies in [-1, 1], as images do; else it may have any value.
    """
    own = options.model_dump(exclude={"name"})
    return GENERATORS[options.name](size, guide_channels=guide_channels, steps=steps, bounded=bounded, **own)


def build_discriminator(options: DiscriminatorOptions, size: int, *, steps: int = 4) -> Discriminator:
    """The discriminator of `options` for images of `size` x `size` pixels and T = `steps`, with new weights."""
    return DISCRIMINATORS[options.name](size, steps=steps, **options.model_dump(exclude={"name"}))
