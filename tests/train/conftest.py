"""A tiny model, its images and split on disk, and trainings of it in this process or by the command line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from echodiff.config.models import Model
from echodiff.store.image_set import read_image_set
from echodiff.store.table import write_table
from echodiff.train.job import Job
from echodiff.train.loop import train
from echodiff.train.processes import Processes

CPU = torch.device("cpu")
TINY = {
    "generator": {
        "name": "ncsnpp",
        "channels": 8,
        "multipliers": [1, 2],
        "blocks": 1,
        "attention": [16],
        "latent": 4,
        "style": 8,
        "style_layers": 1,
    },
    "discriminator": {"name": "residual", "channels": 4, "time": 8},
    "training": {"batch_size": 4, "steps": 6},
    "loss": {"r1_every": 2},
    "record": {"history_every": 2, "sheet_cases": 2},
    # What is compared to the last digits is computed with all of them, whatever units the processor has.
    "speed": {"precision": "float32"},
}


def build_tiny_model(**sections) -> Model:
    """The tiny model with other options; a mapping is merged into its section, unless it names another network."""
    options = {"preset": "paper", **TINY}
    for key, value in sections.items():
        merged = isinstance(value, dict) and isinstance(options.get(key), dict)
        merged = merged and value.get("name") in (None, options[key].get("name"))
        options[key] = {**options[key], **value} if merged else value
    return Model.model_validate(options)


@pytest.fixture
def tiny_model():
    """Function that gives the tiny model with other options."""
    return build_tiny_model


@pytest.fixture(autouse=True)
def one_thread():
    """Sums in one order: results are then equal to the last bit."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_job(write_image_set, tmp_path):
    """A job for a model; the folders lie under the test's own, `folder` sets several apart."""

    def make(model: Model | None = None, folder: str = "run", cases: int = 10, size: int = 32) -> Job:
        images = read_image_set(write_image_set(cases=cases, size=size))
        base = tmp_path / folder
        names = images.case_id
        return Job(
            "tiny",
            model or build_tiny_model(),
            images.select(names[:-2]),
            images.select(names[-2:]),
            base / "model",
            base / "checkpoints",
        )

    return make


@pytest.fixture
def run_job():
    """Train a job on the CPU in this process."""

    def run(job: Job) -> bool:
        return train(job, CPU, Processes())

    return run


@pytest.fixture
def weights_of():
    """Function that gives all tensors of a generator file or checkpoint by name."""
    return read_weights


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    content = torch.load(path, weights_only=True)
    found = {}

    def collect(prefix: str, value) -> None:
        if isinstance(value, torch.Tensor):
            found[prefix] = value
        elif isinstance(value, dict):
            for key, inner in value.items():
                collect(f"{prefix}/{key}", inner)

    collect("", {key: value for key, value in content.items() if key != "history"})
    return found


@pytest.fixture
def assert_equal_weights():
    """Function that compares every tensor of two files to the last bit."""

    def compare(a: Path, b: Path) -> None:
        first, second = read_weights(a), read_weights(b)
        assert first.keys() == second.keys() and first
        for name in first:
            assert torch.equal(first[name], second[name]), name

    return compare


@pytest.fixture
def command_files(write_image_set, tmp_path):
    """Files of a small training as the command line takes them; gives its arguments for a folder of results."""
    data = write_image_set(cases=10, size=32)
    names = read_image_set(data).case_id
    subsets = ["train"] * 8 + ["validation"] * 2
    split = pd.DataFrame({"case_id": names, "patient": names, "subset": subsets, "fold": 0, "stratum": ""})
    split = split.assign(group=split["patient"], frame_hash=pd.NA)
    write_table(split, tmp_path / "split.parquet")

    def arguments(folder: str = "run", *, size: int = 32, **sections) -> list:
        model = {"preset": "paper", **build_tiny_model(**sections).model_dump(mode="json")}
        config = {
            "training_dataset": "test",
            "datasets": {"test": {"format": "camus", "folder": str(tmp_path)}},
            "image": {"size": size},
            "models": {"tiny": model},
        }
        path = tmp_path / f"{folder}.yaml"
        path.write_text(yaml.safe_dump(config))
        folders = ["--output", tmp_path / folder / "model", "--checkpoints", tmp_path / folder / "checkpoints"]
        return ["--config", path, "--model", "tiny", "--data", data, "--split", tmp_path / "split.parquet", *folders]

    return arguments


@pytest.fixture
def with_images():
    """Function that gives a job other training images."""

    def change(job: Job, seed: int) -> Job:
        random = np.random.default_rng(seed)
        images = random.integers(0, 256, job.training.images.shape, dtype=np.uint8)
        return replace(job, training=replace(job.training, images=images))

    return change
