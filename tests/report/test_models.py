"""The table of models: what stands in the generator's file and its history."""

import pandas as pd
import pytest

from echodiff.config.models import Model
from echodiff.errors import InputError
from echodiff.report.models import models, read_trained
from echodiff.train.estimate import estimate
from echodiff.train.generator_file import generator_of, save_generator

SIZE = 64


@pytest.fixture
def trained(tmp_path):
    """A model of two steps with batches of 4 that learned 30 steps from 12 images."""
    model = Model.model_validate(
        {
            "preset": "fast",
            "seed": 7,
            "diffusion": {"steps": 2},
            "loss": {"transition_probabilities": None, "transition_weights": None},
            "training": {"batch_size": 4, "steps": 30},
        }
    )
    weights = generator_of(model, SIZE).state_dict()
    save_generator(
        tmp_path / "generator.pt", name="small", model=model, size=SIZE, weights=weights, data_fingerprint="images"
    )
    history = {"step": [20, 30], "epoch": [20 / 3, 10.0], "seconds": [40.0, 75.0], "memory_gib": [2.5, 1.5]}
    pd.DataFrame(history).to_parquet(tmp_path / "history.parquet")
    return tmp_path


def test_a_row_has_what_the_model_is_and_what_it_took(trained, config):
    own = read_trained(trained)
    table = models([own], config)
    (row,) = table.data.to_dict("records")
    cost = estimate(own.generator.model, SIZE)
    assert (row["model"], row["preset"], row["t"], row["seed"]) == ("small", "fast", 2, 7)
    assert (row["images"], row["batch"], row["steps"], row["epochs"]) == (12, 4, 30, 10)
    assert (row["seconds"], row["images_per_second"], row["memory_gib"]) == (75, pytest.approx(1.6), 2.5)
    assert (row["parameters_g"], row["parameters_d"]) == (cost.parameters_g, cost.parameters_d)
    assert row["gflop_drawn"] == pytest.approx(2 * cost.flops_forward / 1e9)
    (cells,) = table.cells.to_dict("records")
    assert (cells["title"], cells["time"], cells["steps"]) == ("model small", "0:01:15", "30")
    assert table.subtitle == "Learned from CAMUS"


def test_the_table_is_written_in_its_three_forms(trained, config, tmp_path):
    models([read_trained(trained)], config).write(tmp_path / "models")
    assert all((tmp_path / f"models.{ending}").stat().st_size > 100 for ending in ("csv", "html", "tex"))


def test_a_missing_history_is_named(trained):
    (trained / "history.parquet").unlink()
    with pytest.raises(InputError, match="history.parquet"):
        read_trained(trained)
