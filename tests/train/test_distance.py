"""The validation Frechet distance in the history of a training."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from echodiff.errors import ConfigError
from echodiff.evaluate.extractors import load_efficientnet
from echodiff.evaluate.frechet import frechet_distance
from echodiff.train import loop
from echodiff.train.drawing import Drawing
from echodiff.train.generator_file import load_generator
from echodiff.train.history import History
from echodiff.train.job import check_job
from echodiff.train.processes import Processes
from echodiff.train.samples import sample_cases

CPU = torch.device("cpu")
ALWAYS = {"record": {"distance_seconds": 1e-9}}


def distances(job) -> pd.Series:
    return pd.read_parquet(job.output / "history.parquet").set_index("step")["validation_fd"]


def distance_by_hand(job) -> float:
    """Of the final generator's samples of all validation cases to the training images."""
    trained, extract = load_generator(job.output / "generator.pt"), load_efficientnet("cpu")
    samples = sample_cases(Drawing(trained.network, job.model, CPU), job.validation)
    images = (np.stack(samples), job.training.images)
    with torch.inference_mode():
        features = [extract(torch.from_numpy(np.ascontiguousarray(own))).numpy().astype(float) for own in images]
    return frechet_distance(*features)


def test_it_is_measured_with_the_rows_goes_on_with_a_continued_run_and_changes_nothing_that_is_learned(
    make_job, run_job, tiny_model, monkeypatch, assert_equal_weights, capsys
):
    plain = make_job(folder="plain")
    run_job(plain)
    assert distances(plain).isna().all()

    job = make_job(tiny_model(record={**ALWAYS["record"], "tensorboard": True}))
    with monkeypatch.context() as patch:
        patch.setattr(loop, "asked_to_stop", lambda request, stop, step, processes: step == 3)
        assert not run_job(job)
    first = distances(job)
    assert first.index.tolist() == [2] and first[2] > 0
    assert run_job(job)
    found = distances(job)
    assert found.index.tolist() == [2, 4, 6] and found[2] == first[2] and found.gt(0).all()
    assert found[6] == pytest.approx(distance_by_hand(job), rel=1e-4)
    assert_equal_weights(job.checkpoint, plain.checkpoint)
    assert f"step 6: validation_fd {found[6]:.1f}, 2 samples against 8 training images" in capsys.readouterr().err
    events = (job.checkpoints / "tensorboard").glob("*/events.*")
    assert all(b"validation_fd" in file.read_bytes() for file in events)


def test_between_the_intervals_rows_have_none_and_the_last_row_has_one(make_job, run_job, tiny_model):
    job = make_job(tiny_model(record={"distance_seconds": 1e9, "distance_cases": 2}))
    run_job(job)
    assert distances(job).notna().tolist() == [False, False, True]


def test_the_history_of_a_checkpoint_without_the_column_goes_on():
    history = History()
    history.append({"step": 2, "validation_fd": 5.0, "loss_g": 1.0})
    state = history.state_dict()
    again = History.from_state(state)
    assert again.last == {"step": 2.0, "validation_fd": 5.0, "loss_g": 1.0}
    place = state["columns"].index("validation_fd")
    old = {"columns": state["columns"][:place], "rows": state["rows"][:, :place]}
    again = History.from_state(old)
    again.append({"step": 4, "validation_fd": 6.0})
    assert [row[place] for row in again.rows] == pytest.approx([np.nan, 6.0], nan_ok=True)
    assert again.last == {"step": 4.0, "validation_fd": 6.0}


def test_the_history_of_a_checkpoint_with_a_column_that_is_no_more_goes_on():
    old = {"columns": ["step", "gone"], "rows": torch.tensor([[2.0, 5.0]], dtype=torch.float64)}
    assert History.from_state(old).last == {"step": 2.0}


def test_too_few_cases_are_refused_before_training(make_job, tiny_model):
    job = make_job(tiny_model(**ALWAYS))
    check_job(job, 32, Processes())
    few = replace(job, validation=job.validation.select(job.validation.case_id[:1]))
    with pytest.raises(ConfigError, match=r"distance_seconds: expected at least 2 validation cases.*found 1"):
        check_job(few, 32, Processes())
