"""Section `models`: a named entry is one model to train, a preset and what differs from it.

The defaults of all options are the paper's (Tiago et al. 2024) and, where it is silent, those of SynDiff (Ozbey et
al. 2023). A preset is what differs from these defaults; an entry's own options come on top.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from echodiff.config.base import Section
from echodiff.config.networks import DiscriminatorOptions, GeneratorOptions, NcsnppGenerator, ResidualDiscriminator
from echodiff.config.presets import PRESETS
from echodiff.diffusion.variances import variances


class Diffusion(Section):
    """The diffusion process."""

    steps: int = Field(default=4, ge=1, le=1000)
    """Transitions from noise to image, T. With 1 the model is a plain conditional GAN."""

    beta_min: float = Field(default=0.1, gt=0)
    """Lower bound of the variance added per unit of time."""

    beta_max: float = Field(default=20.0, gt=0)
    """Upper bound."""

    prediction: Literal["image", "velocity"] = "image"
    """What the generator predicts: `image`, the image itself; `velocity`, from which image and noise follow, usual in
    diffusion models of many steps."""

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.beta_max < self.beta_min:
            raise ValueError(f"beta_max must not be below beta_min = {self.beta_min}, found {self.beta_max}")
        variances(self.steps, self.beta_min, self.beta_max)
        return self


class Sampler(Section):
    """How images are drawn; a change needs no new training."""

    method: Literal["posterior", "ddim"] = "posterior"
    """`posterior`: all T steps, each with new noise; `ddim`: without noise, in fewer steps if wanted."""

    steps: int | None = Field(default=None, ge=1)
    """Steps of `ddim`; `null`: T."""

    @model_validator(mode="after")
    def _steps_of_ddim(self) -> Self:
        if self.method == "posterior" and self.steps is not None:
            raise ValueError(f"steps: expected none with the method posterior, which takes all T, found {self.steps}")
        return self


class Guide(Section):
    """What the generator sees of a label map."""

    style: Literal["gray", "planes"] = "gray"
    """`gray`: one image in the paper's grays; `planes`: a channel for each structure."""

    sector: bool = False
    """The tissue sector as one more channel."""


class Loss(Section):
    """What the networks minimise."""

    adversarial_weight: float = Field(default=1.0, ge=0)
    """Weight of the adversarial term in the generator's loss."""

    reconstruction: Literal["absolute", "velocity"] = "absolute"
    """Distance between the estimated and the true image: `absolute`, L1; `velocity`, the squared distance between
    velocities (as in `diffusion.prediction`), which gives more weight to the steps with little noise."""

    reconstruction_weight: float = Field(default=0.5, ge=0)
    """Weight of that distance."""

    reconstruction_pool: int = Field(default=1, ge=1)
    """The L1 distance compares means over squares with this side in pixels; 1 compares pixels."""

    pairing: Literal["independent", "relativistic"] = "independent"
    """`independent`: real and fake are judged separately; `relativistic`: by the difference of their logits."""

    r1_gamma: float = Field(default=1.0, ge=0)
    """Weight of the gradient penalty on real steps."""

    r1_fake_gamma: float = Field(default=0.0, ge=0)
    """Weight of the gradient penalty on fake steps."""

    r1_every: int = Field(default=10, ge=1)
    """Steps from one gradient penalty to the next."""

    r1_method: Literal["exact", "finite"] = "exact"
    """`exact`: second derivatives; `finite`: a difference along a random direction, which compiles."""

    shared_draw: bool = False
    """Both networks learn from the same fake in each step, which saves a pass of the generator; else from one each."""

    transition_probabilities: tuple[float, ...] | None = None
    """How often each transition t = 0..T-1 is drawn; `null`: all equally often."""

    transition_weights: tuple[float, ...] | None = None
    """Weight of each transition in the adversarial terms; `null`: all 1."""


class Optimiser(Section):
    """Adam for both networks, and the running mean of the generator's weights."""

    generator_rate: float = Field(default=1.6e-4, gt=0)
    """Initial learning rate of the generator."""

    discriminator_rate: float = Field(default=1e-4, gt=0)
    """Initial learning rate of the discriminator."""

    final_rate: float = Field(default=1e-5, ge=0)
    """Learning rate at the end, reached along a cosine."""

    betas: tuple[float, float] = (0.5, 0.9)
    """Decay of Adam's two running means."""

    ema: float = Field(default=0.999, ge=0, lt=1)
    """Decay per step of the running mean of the weights; images are drawn with this mean."""

    ema_warmup: bool = False
    """Let that mean follow faster in the beginning: decay at most (1 + step) / (10 + step)."""


class Augmentation(Section):
    """Random changes of the training images, label maps and sectors; all 0: none. Never a flip: it mirrors anatomy.

    Beyond 10 degrees, a scale of 0.1, a shift of 0.05 or an elastic change of 0.02, moved copies of training images are
    not all found, and the table of memory has no verdict of fit (docs/metrics.md).
    """

    rotation_degrees: float = Field(default=0.0, ge=0, le=45)
    """Largest rotation to either side."""

    scale: float = Field(default=0.0, ge=0, lt=0.5)
    """Largest relative change of size."""

    shift: float = Field(default=0.0, ge=0, lt=0.5)
    """Largest shift, as a share of the image's size."""

    gain: float = Field(default=0.0, ge=0, lt=1)
    """Largest relative change of brightness."""

    gamma: float = Field(default=0.0, ge=0, lt=1)
    """Largest change of log gamma."""

    elastic: float = Field(default=0.0, ge=0, lt=0.1)
    """Deviation of a smooth random displacement, as a share of the image's size."""

    @property
    def moves_pixels(self) -> bool:
        """Whether a training image may be learned from turned, scaled, shifted or bent."""
        return any((self.rotation_degrees, self.scale, self.shift, self.elastic))


class Training(Section):
    """Length of the training and size of its steps."""

    batch_size: int = Field(default=4, ge=1)
    """Images in one step, over all devices together."""

    epochs: int = Field(default=500, ge=1)
    """Passes over the training images."""

    steps: int | None = Field(default=None, ge=1)
    """Number of steps; replaces `epochs`."""


class Speed(Section):
    """How training is computed; a run may be continued with other values."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of convolutions; weights, losses and optimisers are always float32. `auto`: bfloat16 where the device
    has units for it (most GPUs, newer CPUs), else float32; `bfloat16`: refused where it has none."""

    channels_last: bool = True
    """Memory layout with the channels innermost."""

    compile: bool = False
    """Compile the networks with torch.compile."""

    part: int | None = Field(default=None, ge=1)
    """Images computed at once on a device: larger batches are split into such parts, with the same result."""


class Record(Section):
    """What is recorded during training; a run may be continued with other values."""

    history_every: int = Field(default=20, ge=1)
    """Steps averaged into one row of the history."""

    checkpoint_seconds: float = Field(default=300.0, gt=0)
    """Longest time between checkpoints: the most that is lost if the run is killed."""

    sheet_seconds: float = Field(default=1800.0, gt=0)
    """Time between sheets of validation samples; one is always drawn at the end."""

    sheet_cases: int = Field(default=6, ge=1)
    """Validation cases on the sheet."""

    distance_seconds: float | None = Field(default=None, gt=0)
    """Time between measurements of the Frechet distance from validation samples to the training images, written to the
    history as `validation_fd`; one more follows at the end. `null`: never."""

    distance_cases: int | None = Field(default=None, ge=2)
    """Number of validation cases drawn for it, the first ones; `null`: all. Compare only values of the same number."""

    tensorboard: bool = False
    """Also write the history for TensorBoard, into the folder of checkpoints."""


# Options with an entry for each transition.
TABLES = ("transition_probabilities", "transition_weights")

# What may change between two parts of one training, because it does not change what is learned.
NOT_LEARNED_FROM = ("preset", "sampler", "speed", "record")


class Model(Section):
    """A preset, and the options that differ from it."""

    preset: Literal["fast", "paper", "ddpm"] = "fast"
    """`paper`: the networks and rates of the paper; `fast`: a small variant that learns on a CPU; `ddpm`: the paper's
    generator as a diffusion model of 1000 steps without discriminator, drawn in 50."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the initial weights, the order of cases and all noise."""

    diffusion: Diffusion = Diffusion()
    sampler: Sampler = Sampler()
    guide: Guide = Guide()
    generator: GeneratorOptions = NcsnppGenerator()
    discriminator: DiscriminatorOptions | Literal["none"] = ResidualDiscriminator()
    """`none`: the generator learns from the distance to the true image alone (`loss.reconstruction`)."""

    loss: Loss = Loss()
    optimiser: Optimiser = Optimiser()
    augmentation: Augmentation = Augmentation()
    training: Training = Training()
    speed: Speed = Speed()
    record: Record = Record()

    @model_validator(mode="before")
    @classmethod
    def _on_top_of_preset(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        preset = PRESETS.get(given.get("preset", "fast"), {})
        steps = given["diffusion"].get("steps") if isinstance(given.get("diffusion"), Mapping) else None
        if steps not in (None, Diffusion().steps) and "loss" in preset:  # its tables are for the default's steps
            preset = {**preset, "loss": {k: v for k, v in preset["loss"].items() if k not in TABLES}}
        length = given.get("training")
        if isinstance(length, Mapping) and "epochs" in length and "training" in preset:  # not outvoted by its steps
            preset = {**preset, "training": {k: v for k, v in preset["training"].items() if k != "steps"}}
        return {**given, **{key: _over(value, given.get(key)) for key, value in preset.items()}}

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        steps = self.diffusion.steps
        for name in TABLES:
            values = getattr(self.loss, name)
            if values is not None and (len(values) != steps or min(values) < 0 or sum(values) <= 0):
                raise ValueError(f"loss.{name}: expected {steps} numbers of 0 or more, not all 0, found {values}")
        if (self.sampler.steps or 1) > steps:
            raise ValueError(f"sampler.steps: expected at most diffusion.steps = {steps}, found {self.sampler.steps}")
        if self.diffusion.prediction == "velocity" and not self.generator.predicts_velocity:
            raise ValueError(
                "diffusion.prediction: expected image with this generator, which draws images and nothing else, "
                f"found velocity with {self.generator.name}; or set generator.name: ncsnpp"
            )
        if self.loss.reconstruction == "velocity" and self.loss.reconstruction_pool > 1:
            raise ValueError(
                "loss.reconstruction_pool: expected 1 with reconstruction: velocity, which compares pixels, "
                f"found {self.loss.reconstruction_pool}"
            )
        if self.discriminator == "none":
            if self.loss.reconstruction_weight == 0:
                raise ValueError("discriminator: none needs a loss.reconstruction_weight above 0")
        elif self.generator.window and not self.discriminator.judges_windows:
            raise ValueError(
                "discriminator: expected one that judges windows (fast), or none, beside a generator that learns from "
                f"them, found {self.discriminator.name}; or set generator.window: 0"
            )
        elif self.training.batch_size % self.group:
            raise ValueError(
                f"training.batch_size: expected a multiple of discriminator.group = {self.group}, "
                f"found {self.training.batch_size}"
            )
        return self

    @property
    def group(self) -> int:
        """Images that are judged together: a batch, and each part of it, is a multiple of this."""
        return 1 if self.discriminator == "none" else self.discriminator.group

    @property
    def batch_parts(self) -> int:
        """Parts that a batch can be cut into: the number of processes must divide it."""
        return self.training.batch_size // self.group

    def learned_from(self) -> dict[str, Any]:
        """The options that decide what is learned, as plain values: two runs that share them are one training."""
        options = self.model_dump(mode="json")
        return {key: value for key, value in options.items() if key not in NOT_LEARNED_FROM}


def _over(preset: Any, given: Any) -> Any:
    """The given options of a section on top of the preset's; those of another network stand by themselves."""
    if given is None:
        return preset
    if not (isinstance(given, Mapping) and isinstance(preset, Mapping)):
        return given
    if "name" in given and given["name"] != preset.get("name"):
        return given
    return {**preset, **given}
