"""Options of the networks; `name` chooses the network, the other keys are its own."""

from typing import Annotated, Literal

from pydantic import Field

from echodiff.config.base import Section


class NcsnppGenerator(Section):
    """The paper's generator, a U-Net with an input pyramid and adaptive norms."""

    name: Literal["ncsnpp"] = "ncsnpp"
    channels: int = Field(default=64, ge=4, multiple_of=4)
    """Width at full resolution."""

    multipliers: tuple[int, ...] = Field(default=(1, 1, 2, 2, 4, 4), min_length=1)
    """Of the width, one a level; each level has half the size of the one before."""

    blocks: int = Field(default=2, ge=1)
    """Residual blocks a level."""

    attention: tuple[int, ...] = (16,)
    """Sizes, in pixels, at which attention is applied."""

    latent: int = Field(default=100, ge=1)
    """Length of the latent z."""

    style: int = Field(default=256, ge=1)
    """Length of the style that steers the norms."""

    style_layers: int = Field(default=4, ge=1)
    """Dense layers from the latent to the style."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return 2 ** (len(self.multipliers) - 1)


class ResidualDiscriminator(Section):
    """The paper's discriminator, six residual blocks to 4 x 4 pixels and one logit."""

    name: Literal["residual"] = "residual"
    channels: int = Field(default=64, ge=1)
    """Base width; the blocks have 4 and 8 times as many channels."""

    group: int = Field(default=1, ge=1)
    """Images among which the minibatch deviation is taken; with 1, one image a device, it is nothing."""

    time: int = Field(default=256, ge=4, multiple_of=2)
    """Length of the embedding of the step."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return 8


GeneratorOptions = Annotated[NcsnppGenerator, Field(discriminator="name")]
DiscriminatorOptions = Annotated[ResidualDiscriminator, Field(discriminator="name")]
