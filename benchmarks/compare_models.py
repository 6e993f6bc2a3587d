"""The models of a configuration on the same images with the same compute: what each has learned by then.

    python benchmarks/compare_models.py --config config/config.yaml config/compare.yaml --folder FOLDER
        --data RESULTS/data/camus/images.h5 --split RESULTS/split/camus.parquet
        [--segmenter RESULTS/segmenter/evaluation.pt] [--seconds 300 | --steps N] [--model NAME ...]

For each model: measures the CPU-seconds (user + system) of a step with one thread, the gradient penalty with its share;
trains as many steps as fit into `seconds` (or `steps`, where they are given); draws one image for each validation label
map; and prints a row of Markdown. The first row is the real validation images themselves. A model whose row was written
before is not trained again.

FD, KID: distances of the drawn images to the training images in features of EfficientNet-Lite0, in the full frame.
Speckle, by `echodiff.evaluate.physics`: its spread in dB, mean / deviation of the envelope, width along and across the
beams in mm at middle depth, medians over the images. Dice, with a segmenter of the workflow: its label maps of the
drawn images against their guides, which neither distances nor speckle look at.

FOLDER/models/NAME/samples.png shows samples beside real images. If these are of patients, keep it where they belong.
"""

import argparse
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from echodiff.config import Config, load_config
from echodiff.config.models import Model
from echodiff.devices.cpu import prepare_cpu
from echodiff.split.files import read_subset
from echodiff.store.image_set import ImageSet, read_image_set

DYNAMIC_RANGE_DB = 60.0
DICE = ("dice_lv", "dice_lv_myo", "dice_la")
SPECKLE = ("log_spread_db", "envelope_snr", "axial_mid_mm", "lateral_mid_mm", "leakage")


def cpu_seconds(who: int = resource.RUSAGE_SELF) -> float:
    """User and system time so far, of this process or of its finished children."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def seconds_a_step(model: Model, images: ImageSet) -> float:
    """CPU-seconds of a training step, the gradient penalty with its share of the steps that take it."""
    import torch

    from echodiff.train import state as states
    from echodiff.train.data import Planes
    from echodiff.train.objective import Objective
    from echodiff.train.processes import Processes
    from echodiff.train.step import Setup, train_step

    torch.set_num_threads(1)
    device = torch.device("cpu")
    data = Planes.of(images, device)
    state = states.new_state(model, data.images, device)
    objective = Objective.of(model, device)
    setup = Setup(model, objective, data, state.generator, state.discriminator, Processes(), device, steps=1000)

    def timed(step: int) -> float:
        begun = cpu_seconds()
        state.step = step
        train_step(setup, state, torch.zeros(()))
        return cpu_seconds() - begun

    timed(0), timed(1)  # not counted: the first ones take longer
    with_penalty, without = timed(0), (timed(1) + timed(2)) / 2
    return without + (with_penalty - without) / model.loss.r1_every


def speckle_of(images: ImageSet) -> dict[str, float]:
    """Medians over the images of the measures of speckle."""
    from echodiff.evaluate.physics import physics_of

    planes = zip(images.images, images.masks, images.sectors, images.spacing_mm, strict=True)
    rows = [physics_of(*frame, dynamic_range_db=DYNAMIC_RANGE_DB) for frame in planes]
    return pd.DataFrame(rows)[list(SPECKLE)].median().to_dict()


class Fidelity:
    """How well images show what their label maps say, by a segmenter that learned from real images."""

    def __init__(self, path: Path):
        from echodiff.segment.segmenter_file import load_segmenter

        self._network, training = load_segmenter(path, "cpu")
        self._size = training.size

    def of(self, images: ImageSet) -> dict[str, float]:
        """Mean Dice of each structure."""
        from echodiff.evaluate.fidelity_table import fidelity_table
        from echodiff.segment.predict import segment

        found = segment(self._network, images.images, size=self._size, device="cpu")
        return fidelity_table(images, found)[list(DICE)].mean().to_dict()


class Comparison:
    """The images that all models learn from and are compared with, and the folder that keeps the rows."""

    def __init__(self, config: Config, data: Path, split: Path, folder: Path, segmenter: Path | None):
        from echodiff.evaluate.extractors import load_efficientnet
        from echodiff.evaluate.features import Extraction, extract_features

        self.config, self.data, self.split, self.folder = config, data, split, folder
        images = read_image_set(data)
        self._fidelity = Fidelity(segmenter) if segmenter else None
        self.training, self.validation = (images.select(read_subset(split, s)) for s in ("train", "validation"))
        self._extraction = Extraction(load_efficientnet("cpu"), batch_size=4, device="cpu")
        self._extract = extract_features
        self._reference = extract_features(self.training.images, self._extraction)

    def score(self, images: ImageSet) -> dict[str, float]:
        """Distances to the training images, speckle, and Dice where there is a segmenter."""
        from echodiff.evaluate.frechet import frechet_distance
        from echodiff.evaluate.kernel import kernel_distance

        sets = self._extract(images.images, self._extraction), self._reference
        distances = {"fd": frechet_distance(*sets), "kid_1e3": 1e3 * kernel_distance(*sets)}
        return distances | speckle_of(images) | (self._fidelity.of(images) if self._fidelity else {})

    def run(self, name: str, seconds: float, steps: int | None) -> dict[str, float]:
        """Train, draw and score a model; with given steps, or as many as take these CPU-seconds."""
        kept = self.folder / "rows" / f"{name}.json"
        if kept.is_file():
            return json.loads(kept.read_text())
        model = self.config.models[name]
        steps = steps or max(1, round(seconds / seconds_a_step(model, self.training)))
        content = {"training_dataset": "camus", "datasets": {"camus": {"format": "camus", "folder": "."}}}
        options = model.model_dump(mode="json")
        options["training"]["steps"] = steps
        content |= {"image": {"size": self.training.images.shape[-1]}, "models": {name: options}}
        written = self.folder / f"{name}.yaml"
        written.write_text(yaml.safe_dump(content))
        output, drawn = self.folder / "models" / name, self.folder / f"{name}.h5"
        begun = cpu_seconds(resource.RUSAGE_CHILDREN)
        common = ["--config", written, "--data", self.data, "--split", self.split, "--device", "cpu", "--threads", "1"]
        call("train", *common, "--model", name, "--output", output, "--checkpoints", self.folder / "checkpoints" / name)
        trained = cpu_seconds(resource.RUSAGE_CHILDREN)
        call("translate", *common, "--generator", output / "generator.pt", "--subset", "validation", "--output", drawn)
        sampled = cpu_seconds(resource.RUSAGE_CHILDREN)
        row = {"steps": steps, "train_cpu_s": trained - begun}
        row |= {"image_cpu_s": (sampled - trained) / len(self.validation)} | self.score(read_image_set(drawn))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(row))
        return row


def call(*arguments: object) -> None:
    """Run a command of echodiff with its output in this terminal."""
    subprocess.run([sys.executable, "-m", "echodiff", *map(str, arguments)], check=True)


def print_row(name: str, row: dict[str, float]) -> None:
    """A row of the table."""
    columns = ("steps", "train_cpu_s", "image_cpu_s", "fd", "kid_1e3", *SPECKLE, *DICE)
    cells = [f"{row[column]:.4g}" if np.isfinite(row.get(column, np.nan)) else "" for column in columns]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, nargs="+", required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--segmenter", type=Path, help="for the Dice of the drawn images")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--model", nargs="*", help="only these; all of the configuration otherwise")
    arguments = parser.parse_args()
    prepare_cpu()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    config = load_config(arguments.config)
    comparison = Comparison(config, arguments.data, arguments.split, arguments.folder, arguments.segmenter)
    print_row("real validation images", comparison.score(comparison.validation))
    for name in arguments.model or config.models:
        print_row(name, comparison.run(name, arguments.seconds, arguments.steps))


if __name__ == "__main__":
    main()
