"""generator.pt: a trained generator with all that sampling needs, so that no option has to be typed again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from echodiff.config.models import Model
from echodiff.diffusion.guides import guide_channels
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.registry import build_discriminator, build_generator
from echodiff.diffusion.reverse import Reverse
from echodiff.diffusion.schedule import Schedule, make_schedule
from echodiff.errors import InputError
from echodiff.store.torch_file import load_file, save_file

SCHEMA_VERSION = 2
KIND = "echodiff generator"


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator in evaluation mode with the options it was trained with.

    name: of the model in the configuration. size: of its images in pixels. data_fingerprint: of the training images.
    fingerprint: of weights and options.
    """

    name: str
    network: Generator
    model: Model
    size: int
    data_fingerprint: str
    fingerprint: str

    @property
    def reverse(self) -> Reverse:
        """The process that draws images from it, on the CPU."""
        return reverse_of(self.model)


def schedule_of(model: Model) -> Schedule:
    """The diffusion process of a model."""
    return make_schedule(model.diffusion.steps, model.diffusion.beta_min, model.diffusion.beta_max)


def reverse_of(model: Model) -> Reverse:
    """The process that draws images from a model."""
    sampler = model.sampler
    steps = sampler.steps or model.diffusion.steps
    return Reverse.of(schedule_of(model), prediction=model.diffusion.prediction, method=sampler.method, steps=steps)


def generator_of(model: Model, size: int) -> Generator:
    """A new generator of a model, for the guides that it is trained with."""
    channels = guide_channels(model.guide.style, model.guide.sector)
    bounded = model.diffusion.prediction == "image"
    return build_generator(model.generator, size, guide_channels=channels, steps=model.diffusion.steps, bounded=bounded)


def discriminator_of(model: Model, size: int) -> Discriminator | None:
    """A new discriminator of a model, None where it has none."""
    if model.discriminator == "none":
        return None
    return build_discriminator(model.discriminator, size, steps=model.diffusion.steps)


def save_generator(
    path: Path, *, name: str, model: Model, size: int, weights: dict[str, Tensor], data_fingerprint: str
) -> None:
    """Write a generator; `weights` are those to sample from, the running mean.

    Raises:
        OutputError: it cannot be written.
    """
    weights = {key: value.detach().cpu().contiguous() for key, value in weights.items()}
    save_file(
        {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "name": name,
            "model": model.model_dump(mode="json"),
            "size": size,
            "weights": weights,
            "data_fingerprint": data_fingerprint,
            "fingerprint": weights_fingerprint(model, weights),
        },
        path,
    )


def load_generator(path: Path | str, device: torch.device | str = "cpu") -> TrainedGenerator:
    """Read a generator, its network on `device` and ready to sample.

    Raises:
        InputError: the file is missing, damaged, of another kind or version, or its weights do not fit its options.
    """
    content = load_file(path, kind=KIND, schema_version=SCHEMA_VERSION, device="cpu")
    try:
        model = Model.model_validate(content["model"])
        network = generator_of(model, content["size"])
        network.load_state_dict(content["weights"])
    except (ValueError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"{path}: expected options and weights that fit, found {reason}; train again") from error
    network.eval().requires_grad_(False).to(device)
    return TrainedGenerator(
        content["name"], network, model, content["size"], content["data_fingerprint"], content["fingerprint"]
    )


def weights_fingerprint(model: Model, weights: dict[str, Tensor]) -> str:
    """SHA-256 (hex) of the options that decide what is learned and how it is drawn, and of the weights."""
    digest = hashlib.sha256(repr((model.learned_from(), model.sampler.model_dump())).encode())
    for key, value in sorted(weights.items()):
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
