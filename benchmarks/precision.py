"""What bfloat16 does to the images that a trained generator draws: the same noise in float32 and in bfloat16.

    python benchmarks/precision.py --generator RESULTS/models/fast/generator.pt
        --data RESULTS/data/camus/images.h5 --split RESULTS/split/camus.parquet

Prints the mean absolute difference of the validation images in gray levels, its 99th percentile over pixels, the mean
difference of the image's mean gray, and the Frechet distance of each set to the training images in features of
EfficientNet-Lite0. The difference between two samples of one guide gives the scale.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from echodiff.devices.cpu import prepare_cpu
from echodiff.evaluate.extractors import load_efficientnet
from echodiff.evaluate.features import Extraction, extract_features
from echodiff.evaluate.frechet import frechet_distance
from echodiff.split.files import read_subset
from echodiff.store.image_set import ImageSet, read_image_set
from echodiff.train.generator_file import TrainedGenerator, load_generator
from echodiff.translate.translation import Sampling, draw_images


def drawn(generator: TrainedGenerator, guides: ImageSet, precision: str, *, seed: int = 0) -> NDArray[np.uint8]:
    """An image (N, H, W) for each guide."""
    speed = generator.model.speed.model_copy(update={"precision": precision})
    own = replace(generator, model=generator.model.model_copy(update={"speed": speed}))
    images = draw_images(own, guides, Sampling(seed), batch_size=4, device=torch.device("cpu"))
    return np.stack([each.image.numpy() for each in images])


def described(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> str:
    """How far two sets of images of the same guides differ."""
    difference = one.astype(np.float64) - other
    levels = np.abs(difference)
    shift = np.abs(difference.mean(axis=(1, 2))).mean()
    return f"mean {levels.mean():.2f}, 99th percentile {np.quantile(levels, 0.99):.1f}, of the mean gray {shift:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    arguments = parser.parse_args()
    prepare_cpu()
    generator, images = load_generator(arguments.generator), read_image_set(arguments.data)
    training, guides = (images.select(read_subset(arguments.split, subset)) for subset in ("train", "validation"))
    extraction = Extraction(load_efficientnet("cpu"), batch_size=4, device="cpu")
    reference = extract_features(training.images, extraction)
    sets = {precision: drawn(generator, guides, precision) for precision in ("float32", "bfloat16")}
    again = drawn(generator, guides, "float32", seed=1)
    print(f"{len(guides)} guides, differences in gray levels")
    print(f"float32 and bfloat16: {described(*sets.values())}")
    print(f"two samples, float32: {described(sets['float32'], again)}")
    for name, own in (sets | {"float32, another sample": again}).items():
        distance = frechet_distance(extract_features(own, extraction), reference)
        print(f"Frechet distance to {len(training)} training images, {name}: {distance:.2f}")


if __name__ == "__main__":
    main()
