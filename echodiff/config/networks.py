"""Options of the networks; `name` chooses the network, the other keys are its own.

What training and sampling ask of any generator's and any discriminator's options, `GeneratorInterface` and
`DiscriminatorInterface` say: a key, a property or a constant of the class, as suits the network.
"""

from typing import Annotated, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import Field

from echodiff.config.base import Section


@runtime_checkable
class GeneratorInterface(Protocol):
    """What is asked of a generator's options."""

    name: str
    """Its name in the registry (`echodiff.diffusion.networks.registry`)."""

    predicts_velocity: ClassVar[bool]
    """Whether it can be made to put out any value, as `diffusion.prediction: velocity` needs, not images alone."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""

    @property
    def window(self) -> int:
        """Size in pixels of the window of each image that is learned from; 0: whole images."""


@runtime_checkable
class DiscriminatorInterface(Protocol):
    """What is asked of a discriminator's options."""

    name: str
    """Its name in the registry."""

    judges_windows: ClassVar[bool]
    """Whether it can stand beside a generator that learns from windows."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""

    @property
    def group(self) -> int:
        """Images that are judged together: a batch, and each part of it, is a multiple of this."""


class NcsnppGenerator(Section):
    """The paper's generator, a U-Net with an input pyramid and adaptive norms."""

    predicts_velocity: ClassVar[bool] = True

    name: Literal["ncsnpp"] = "ncsnpp"
    channels: int = Field(default=64, ge=4, multiple_of=4)
    """Width at full resolution."""

    pack: int = Field(default=1, ge=1)
    """Side in pixels of the squares packed into channels: 4 leaves a sixteenth of the positions to compute; 1: none."""

    multipliers: tuple[int, ...] = Field(default=(1, 1, 2, 2, 4, 4), min_length=1)
    """Factors of the width, one per level; each level has half the size of the previous one."""

    blocks: int = Field(default=2, ge=1)
    """Residual blocks per level."""

    attention: tuple[int, ...] = (16,)
    """Sizes, of the packed image, at which attention is applied."""

    latent: int = Field(default=100, ge=1)
    """Length of the latent z."""

    style: int = Field(default=256, ge=1)
    """Length of the style vector that modulates the norms."""

    style_layers: int = Field(default=4, ge=1)
    """Dense layers from the latent to the style."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return self.pack * 2 ** (len(self.multipliers) - 1)

    @property
    def window(self) -> int:
        """It learns from whole images."""
        return 0


class ResidualDiscriminator(Section):
    """The paper's discriminator, six residual blocks to 4 x 4 pixels and one logit."""

    judges_windows: ClassVar[bool] = False

    name: Literal["residual"] = "residual"
    channels: int = Field(default=64, ge=1)
    """Base width; the blocks have 4 and 8 times as many channels."""

    group: int = Field(default=1, ge=1)
    """Images over which the minibatch deviation is taken; with 1, as with one image per device, it is zero."""

    time: int = Field(default=256, ge=4, multiple_of=2)
    """Length of the embedding of the time step."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return 8


class FastGenerator(Section):
    """The small generator: a U-Net on packed pixels and a head that draws speckle."""

    predicts_velocity: ClassVar[bool] = False

    name: Literal["fast"] = "fast"
    widths: tuple[Annotated[int, Field(ge=8, multiple_of=8)], ...] = Field(default=(32, 64, 96, 128), min_length=1)
    """Channels of the U-Net, one per level; the first level has a quarter of the image's size."""

    features: int = Field(default=12, ge=1)
    """Channels from the U-Net to the head."""

    kernels: int = Field(default=6, ge=1)
    """Number of kernels that are mixed into the point spread of the speckle."""

    kernel_size: Literal[3, 5, 7, 9, 11] = 11
    """Their size in pixels."""

    latent: int = Field(default=32, ge=1)
    """Length of the latent vector, one per image."""

    style: int = Field(default=128, ge=1)
    """Length of the style vector that modulates the norms."""

    window: int = Field(default=96, ge=0, multiple_of=32)
    """Size in pixels of the window of each image that is learned from; 0: whole images."""

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return max(32, 4 * 2 ** (len(self.widths) - 1))


class FastDiscriminator(Section):
    """The small discriminator: a critic of texture and one of structure, with logits of patches."""

    judges_windows: ClassVar[bool] = True

    name: Literal["fast"] = "fast"
    channels: int = Field(default=32, ge=1)
    """Width of the first layers."""

    texture_steps: int = Field(default=2, ge=0)
    """Transitions t below this are also judged by their texture."""

    @property
    def group(self) -> int:
        """Images that are judged together."""
        return 1

    @property
    def size_multiple(self) -> int:
        """Image sizes must be a multiple of this."""
        return 32


GeneratorOptions = Annotated[NcsnppGenerator | FastGenerator, Field(discriminator="name")]
DiscriminatorOptions = Annotated[ResidualDiscriminator | FastDiscriminator, Field(discriminator="name")]
