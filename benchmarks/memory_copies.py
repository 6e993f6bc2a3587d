r"""Copies of training images that the gate of memory flags, and alarms between different patients.

    python benchmarks/memory_copies.py RESULTS/data/camus/images.h5 RESULTS/data/camus/cases.parquet \
      [--copies 50] [--splits 10]

Divides the patients at random, a tenth held out. In the first division, copies of training images are changed as
below, moved by the training's own augmentation, and given to the gate at the default alarm rate. In every division
the held-out images, which are of other patients, are given to it at several rates. Features of EfficientNet-Lite0.
Prints shares with 95 % intervals (Wilson), and CPU-seconds of the gate without features.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from echodiff.config.evaluate import Memory
from echodiff.config.models import Augmentation
from echodiff.devices.cpu import prepare_cpu
from echodiff.evaluate.features import Extraction, FeatureSet, extract_features
from echodiff.evaluate.memory_table import SYNTHETIC, Known, Part, memory_table
from echodiff.evaluate.sector import common_sector
from echodiff.evaluate.share import share_interval
from echodiff.split.twins import groups_of
from echodiff.store.image_set import ImageSet, read_image_set
from echodiff.store.intensity import to_uint8
from echodiff.store.table import read_table
from echodiff.train.augment import ELASTIC_GRID, NUMBERS, augment
from echodiff.train.data import Planes

RATES = (0.001, 0.01, 0.05)
SAME = {"extractor": "efficientnet_lite0", "weights_sha256": ""}

# At most so far, each image otherwise; then exactly so far, to either side or in any direction.
DRAWN = {
    "as model `augmented` of docs/recipe.md": Augmentation(
        rotation_degrees=5, scale=0.05, shift=0.03, gain=0.1, gamma=0.15
    ),
    "up to 10 degrees, 10 %, 5 %": Augmentation(rotation_degrees=10, scale=0.1, shift=0.05),
    "up to 15 degrees, 10 %, 5 %": Augmentation(rotation_degrees=15, scale=0.1, shift=0.05),
    "up to 15 degrees, 10 %, 10 %": Augmentation(rotation_degrees=15, scale=0.1, shift=0.1),
    "elastic 0.01": Augmentation(elastic=0.01),
    "elastic 0.02": Augmentation(elastic=0.02),
    "elastic 0.03": Augmentation(elastic=0.03),
    "up to 10 degrees, 10 %, 5 %, elastic 0.01": Augmentation(rotation_degrees=10, scale=0.1, shift=0.05, elastic=0.01),
    "up to 10 degrees, 10 %, 5 %, elastic 0.02": Augmentation(rotation_degrees=10, scale=0.1, shift=0.05, elastic=0.02),
}
EXACT = {
    **{f"turned by {angle} degrees": Augmentation(rotation_degrees=angle) for angle in (2, 5, 10, 15, 20)},
    **{f"scaled by {part:.0%}": Augmentation(scale=part) for part in (0.05, 0.1, 0.15)},
    **{f"shifted by {part:.0%}": Augmentation(shift=part) for part in (0.02, 0.05, 0.1, 0.15)},
}
STILL = ("as it is", "brighter by 20 %, gamma 1.2", "blurred, sigma 3 pixels", "new speckle")
IN_SECTOR = "up to 10 degrees, 10 %, 5 %, in the sector that stays"
SPECKLED = "up to 10 degrees, 10 %, 5 %, new speckle"


def changes(sector: NDArray[np.bool_]) -> dict[str, Callable]:
    """What is done to a training image set for each line of the table: (images, rng) -> uint8 (N, H, W)."""
    moved = {name: lambda s, rng, o=o: moved_by(s, o, rng, exact=False) for name, o in DRAWN.items()}
    exactly = {name: lambda s, rng, o=o: moved_by(s, o, rng, exact=True) for name, o in EXACT.items()}
    usual = DRAWN["up to 10 degrees, 10 %, 5 %"]
    as_is, gain, blurred, speckle = STILL
    still = {
        as_is: lambda s, rng: s.images,
        gain: lambda s, rng: np.clip(1.2 * 255 * (s.images / 255.0) ** 1.2, 0, 255).astype(np.uint8),
        blurred: lambda s, rng: np.stack([cv2.GaussianBlur(image, (0, 0), 3) for image in s.images]),
        speckle: lambda s, rng: speckled(s.images, rng),
    }
    more = {
        IN_SECTOR: lambda s, rng: moved_by(s, usual, rng, exact=False) * sector.astype(np.uint8),
        SPECKLED: lambda s, rng: speckled(moved_by(s, usual, rng, exact=False), rng),
    }
    return still | exactly | moved | more


def moved_by(images: ImageSet, options: Augmentation, rng: np.random.Generator, *, exact: bool) -> NDArray[np.uint8]:
    """Frames moved by the training's augmentation; `exact`: by its largest rotation, scale and shift."""
    n = len(images)
    uniform = rng.uniform(-1, 1, (n, NUMBERS))
    if exact:
        uniform[:, :2] = rng.choice([-1, 1], (n, 2))
        direction = rng.uniform(0, 2 * np.pi, n)
        uniform[:, 2:4] = np.column_stack([np.cos(direction), np.sin(direction)])
    normal = rng.normal(size=(n, 2, ELASTIC_GRID, ELASTIC_GRID))
    planes = Planes(*(torch.from_numpy(part[:, None]) for part in (images.images, images.masks, images.sectors)))
    frames, _, _ = augment(planes, options, *(torch.from_numpy(part).float() for part in (uniform, normal)))
    return to_uint8(frames)[:, 0].numpy()


def speckled(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Gray values times a lognormal grain of sigma 0.35 that is 1.5 pixels wide."""
    grain = np.stack([cv2.GaussianBlur(rng.normal(size=image.shape), (0, 0), 1.5) for image in images])
    return np.clip(images * np.exp(0.35 * grain / grain.std()), 0, 255).astype(np.uint8)


def division(images: ImageSet, groups: NDArray, rng: np.random.Generator) -> pd.DataFrame:
    """A split with about a tenth of the patients held out."""
    names = rng.permutation(np.unique(groups))
    held_out = np.isin(groups, names[: round(len(names) / 10)])
    subset = np.where(held_out, "validation", "train")
    return pd.DataFrame({"case_id": images.case_id, "group": groups, "subset": subset})


def alarms(known: Known) -> list[tuple[str, dict[float, bool]]]:
    """Every held-out image, and at which of RATES it is flagged."""
    flagged = {rate: replace(known, alarm_rate=rate).alarms["flagged"] for rate in RATES}
    return [
        (case, {rate: bool(flagged[rate][i]) for rate in RATES}) for i, case in enumerate(known.held_out.images.case_id)
    ]


def line(name: str, flagged: NDArray[np.bool_]) -> str:
    share = float(flagged.mean())
    low, high = share_interval(share, len(flagged))
    return f"| {name} | {flagged.sum()} of {len(flagged)} | {share:.1%} [{low:.1%}, {high:.1%}] |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("cases", type=Path, help="its case table: patients, and the hashes of their frames")
    parser.add_argument("--copies", type=int, default=50)
    parser.add_argument("--splits", type=int, default=10)
    arguments = parser.parse_args()
    prepare_cpu()
    from echodiff.evaluate.extractors import load_efficientnet

    images = read_image_set(arguments.images)
    cases = read_table(arguments.cases, ("case_id", "patient", "frame_hash")).set_index("case_id").loc[images.case_id]
    groups = np.array(groups_of(cases["patient"], cases["frame_hash"]))
    extraction = Extraction(load_efficientnet("cpu"), batch_size=4, device="cpu")

    def part(own: ImageSet) -> Part:
        return Part(own, FeatureSet(extract_features(own.images, extraction), own.case_id, SAME))

    reference, rng = part(images), np.random.default_rng(1)
    splits = [division(images, groups, rng) for _ in range(arguments.splits)]
    training = images.select(splits[0].loc[splits[0]["subset"] == "train", "case_id"].tolist())
    chosen = training.select(sorted(rng.choice(training.case_id, arguments.copies, replace=False)))
    start = time.process_time()
    known = Known.of(reference, splits[0], alarm_rate=Memory().alarm_rate)
    before, seconds = time.process_time() - start, 0.0
    print("| copies of training images | flagged | share, 95 % interval |\n|---|---|---|")
    for name, change in changes(common_sector(training)).items():
        copies = part(replace(chosen, images=change(chosen, np.random.default_rng(2))))
        start = time.process_time()
        table = memory_table(known, copies, model="copies")
        seconds += time.process_time() - start
        own = table[table["kind"] == SYNTHETIC]
        print(line(name, own["flagged"].to_numpy()), flush=True)
    n = arguments.copies * len(changes(common_sector(training)))
    print(f"CPU-s: {before:.1f} for {len(training)} training images, {1000 * seconds / n:.1f} ms a synthetic one")
    print("| alarm rate asked for | held-out images flagged | share, 95 % interval |\n|---|---|---|")
    found = [one for split in splits for one in alarms(Known.of(reference, split, alarm_rate=RATES[0]))]
    for rate in RATES:
        flagged = {case: near[rate] for case, near in found}
        print(
            line(f"{rate:g}", np.array([near[rate] for _, near in found])), [c for c, is_so in flagged.items() if is_so]
        )


if __name__ == "__main__":
    main()
