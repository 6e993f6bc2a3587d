"""A model to train with everything it needs, read from the files that the command names."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from echodiff.config import Config
from echodiff.config.models import Model
from echodiff.errors import ConfigError
from echodiff.split.files import read_subset
from echodiff.store.image_set import ImageSet, content_fingerprint, read_image_set
from echodiff.train.checkpoint import checkpoint_path
from echodiff.train.processes import Processes


@dataclass(frozen=True)
class Job:
    """A model to train: its name and options, the images it learns from, those it is shown with, the folders."""

    name: str
    model: Model
    training: ImageSet
    validation: ImageSet
    output: Path
    checkpoints: Path

    @property
    def size(self) -> int:
        """Height and width of the images in pixels."""
        return self.training.images.shape[-1]

    @cached_property
    def fingerprint(self) -> str:
        """Of the training images."""
        return content_fingerprint(self.training)

    def distance_cases(self) -> ImageSet:
        """The validation cases that the Frechet distance is measured on while the model learns."""
        return self.validation.select(self.validation.case_id[: self.model.record.distance_cases])

    @property
    def checkpoint(self) -> Path:
        """Where this training is kept."""
        return checkpoint_path(self.checkpoints, self.model, self.fingerprint, self.size)


def read_job(config: Config, name: str, *, data: Path, split: Path, output: Path, checkpoints: Path) -> Job:
    """Read the images of both subsets.

    Raises:
        ConfigError: the configuration has no model of this name.
        InputError: a file is missing or damaged, or the split is refused (`echodiff.split`).
    """
    if name not in config.models:
        raise ConfigError(f"--model {name}: expected one of the models {', '.join(config.models)}, found no such model")
    images = read_image_set(data)
    training, validation = (images.select(read_subset(split, subset)) for subset in ("train", "validation"))
    return Job(name, config.models[name], training, validation, output=output, checkpoints=checkpoints)


def check_job(job: Job, size: int, processes: Processes) -> None:
    """Refuse what cannot work before any time is spent on it.

    Raises:
        ConfigError: image sizes that differ or that a network cannot halve often enough, means over more pixels than
            are compared, a batch that the processes cannot share, too few validation cases for a distance that is to
            be measured.
    """
    height, width = job.training.images.shape[1:]
    if (height, width) != (size, size):
        raise ConfigError(
            f"image.size: expected the size of the images, {height} x {width}, found {size}; run ingest again"
        )
    if job.model.record.distance_seconds is not None and len(job.distance_cases()) < 2:
        raise ConfigError(
            "record.distance_seconds: expected at least 2 validation cases to measure a distance between "
            f"distributions, found {len(job.distance_cases())}; set it to null, or add cases"
        )
    networks = {"generator": job.model.generator}
    if job.model.discriminator != "none":
        networks["discriminator"] = job.model.discriminator
    for role, options in networks.items():
        if size % options.size_multiple:
            raise ConfigError(
                f"image.size: expected a multiple of {options.size_multiple} for the {role} '{options.name}', "
                f"found {size}"
            )
    side = min(job.model.generator.window or size, size)
    if side % job.model.loss.reconstruction_pool:
        raise ConfigError(
            f"loss.reconstruction_pool: expected a divisor of the {side} pixels that are compared, "
            f"found {job.model.loss.reconstruction_pool}"
        )
    rows = processes.share(job.model.training.batch_size)
    group = job.model.group
    for what, length in (("the images of a process", rows.stop - rows.start), ("speed.part", job.model.speed.part)):
        if length is not None and length % group:
            raise ConfigError(
                f"training.batch_size: expected {what} to be a multiple of discriminator.group = {group}, "
                f"found {length}; use fewer processes or a larger batch"
            )
