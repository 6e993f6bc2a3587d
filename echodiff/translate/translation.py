"""Redrawing an image set in the style that a generator has learned."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from echodiff.devices.memory import full_memory_explained
from echodiff.errors import InputError
from echodiff.progress import Progress
from echodiff.store.image_set import ImageSet, new_image_set
from echodiff.store.provenance import provenance, seed_of
from echodiff.train.data import Planes
from echodiff.train.drawing import Drawing
from echodiff.train.generator_file import TrainedGenerator
from echodiff.translate.sample_ids import sample_id


@dataclass(frozen=True)
class Sampling:
    """How images are drawn.

    seed: of all noise. strength: 1 from pure noise, less from the source image noised to that share of the steps.
    samples: images for each guide.
    """

    seed: int
    strength: float = 1.0
    samples: int = 1

    def case_seed(self, case_id: str, index: int) -> int:
        """Seed of sample `index` of a case: the same in every batch, shard and order."""
        return seed_of(self.seed, case_id, index)


@dataclass(frozen=True)
class Drawn:
    """Sample `index` of the case at `row` of the source, uint8 (H, W), drawn from `seed`."""

    row: int
    index: int
    seed: int
    image: "torch.Tensor"


def draw_images(
    generator: TrainedGenerator, source: ImageSet, sampling: Sampling, *, batch_size: int, device: torch.device
) -> Iterator[Drawn]:
    """Yield the synthetic images of all cases, case by case, each case's samples one after another.

    Raises:
        ConfigError: the device has too little memory for so many images.
    """
    network = generator.network.to(device)
    if generator.model.speed.channels_last:
        network = network.to(memory_format=torch.channels_last)
    drawing, planes = Drawing(network, generator.model, device), Planes.of(source, torch.device("cpu"))
    work = [(row, index) for row in range(len(source)) for index in range(sampling.samples)]
    for start in range(0, len(work), batch_size):
        batch = work[start : start + batch_size]
        seeds = [sampling.case_seed(source.case_id[row], index) for row, index in batch]
        own = planes[torch.tensor([row for row, _ in batch])]
        with full_memory_explained(device, images=batch_size, option="translate.batch_size"):
            images = drawing.images(own, seeds, strength=sampling.strength)
        for (row, index), seed, image in zip(batch, seeds, images, strict=True):
            yield Drawn(row, index, seed, image)


def translate_image_set(
    generator: TrainedGenerator,
    source: ImageSet,
    output: Path,
    sampling: Sampling,
    *,
    batch_size: int,
    device: torch.device,
) -> None:
    """Write the translation of `source`: synthetic images with the guides' masks, sectors and spacing.

    With several samples a case, `_s1`, `_s2`, ... is added to its id.

    Raises:
        InputError: the images are of another size than the generator's, there are none, or one has no label.
        OutputError: the file cannot be written.
    """
    dataset = source.attributes.get("dataset", "") or "the image set"
    if not len(source):
        raise InputError(f"{dataset}: expected cases to translate, found none")
    if source.images.shape[1:] != (generator.size, generator.size):
        raise InputError(
            f"{dataset}: expected images of {generator.size} x {generator.size}, as the generator "
            f"{generator.name} was trained with, found {source.images.shape[1]} x {source.images.shape[2]}; "
            "run ingest with that image.size"
        )
    blank = np.flatnonzero(~source.masks.any(axis=(1, 2)))
    if len(blank):
        raise InputError(
            f"{dataset}: expected a label map to draw each case from, found {len(blank)} without any "
            f"label, such as {source.case_id[blank[0]]}; run ingest with `labels: predicted` or leave these cases out"
        )
    sampled = vars(sampling) | {"steps": generator.reverse.steps, "method": generator.reverse.method}
    attributes = {
        "kind": "translation",
        "dataset": source.attributes.get("dataset", ""),
        "model": generator.name,
        "model_fingerprint": generator.fingerprint,
        "provenance": provenance("translate", sampled),
    }
    progress = Progress(len(source) * sampling.samples, description=f"translate {dataset}", unit="images")
    with new_image_set(output, size=generator.size, attributes=attributes, with_seed=True) as writer:
        for drawn in draw_images(generator, source, sampling, batch_size=batch_size, device=device):
            row, case_id = drawn.row, source.case_id[drawn.row]
            if sampling.samples > 1:
                case_id = sample_id(case_id, drawn.index)
            planes = (drawn.image.numpy(), source.masks[row], source.sectors[row])
            writer.append(*planes, source.spacing_mm[row], case_id, seed=drawn.seed)
            progress.advance()
    progress.close()
