"""A training from start to end: results, history, faults."""

import resource
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from echodiff.errors import EchodiffError, OutputError
from echodiff.train import keeper, loop
from echodiff.train.generator_file import load_generator
from echodiff.train.history import COLUMNS, History, RunningMeans
from echodiff.translate.translation import Sampling, draw_images

CPU = torch.device("cpu")


def test_a_training_leaves_generator_history_and_sheet(make_job, run_job):
    job = make_job()
    assert run_job(job)
    history = pd.read_parquet(job.output / "history.parquet")
    assert list(history.columns) == list(COLUMNS)
    assert history["step"].tolist() == [2, 4, 6]
    assert history["epoch"].tolist() == [1.0, 2.0, 3.0]
    assert history[["loss_d", "loss_g", "reconstruction", "r1", "memory_gib", "rate_g"]].notna().all().all()
    assert history["images_per_second"].gt(0).all() and history["seconds"].is_monotonic_increasing
    cosine = (1 + np.cos(np.pi * np.array([1, 3, 5]) / 6)) / 2  # the last of two steps, of which the first is step 0
    assert history["rate_g"].to_numpy() == pytest.approx(1e-5 + 15e-5 * cosine)
    assert history["rate_d"].to_numpy() == pytest.approx(1e-5 + 9e-5 * cosine)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # of KiB
    assert peak / 2 < history["memory_gib"].iloc[-1] <= peak
    with Image.open(job.output / "samples.png") as sheet:
        assert sheet.format == "PNG" and min(sheet.size) > 100
    trained = load_generator(job.output / "generator.pt")
    assert trained.name == "tiny" and trained.size == 32 and trained.model == job.model
    assert trained.data_fingerprint == job.fingerprint


def test_the_generator_file_holds_the_running_mean(make_job, run_job):
    job = make_job()
    run_job(job)
    content = torch.load(job.checkpoint, weights_only=True)
    saved = torch.load(job.output / "generator.pt", weights_only=True)["weights"]
    assert all(torch.equal(saved[name], content["ema"][name]) for name in saved)
    assert any(not torch.equal(saved[name], content["generator"][name]) for name in saved)


def test_a_training_can_be_repeated_to_the_last_bit(make_job, run_job, assert_equal_weights):
    first, second = make_job(folder="a"), make_job(folder="b")
    run_job(first)
    run_job(second)
    assert_equal_weights(first.checkpoint, second.checkpoint)


def test_a_finished_training_is_not_trained_again(make_job, run_job):
    job = make_job()
    run_job(job)
    before = (job.output / "generator.pt").read_bytes()
    (job.output / "generator.pt").unlink()
    assert run_job(job)
    assert (job.output / "generator.pt").read_bytes() == before
    assert len(pd.read_parquet(job.output / "history.parquet")) == 3


def test_a_measure_without_a_column_ends_the_training_at_its_first_step(make_job, run_job, tiny_model, monkeypatch):
    from echodiff.train import step

    def with_another(*arguments):
        loss, measures = generator_objective(*arguments)
        steps.append(loss)
        return loss, {**measures, "perceptual": loss}

    steps, generator_objective = [], step.generator_objective
    monkeypatch.setattr(step, "generator_objective", with_another)
    with pytest.raises(ValueError, match="found perceptual; add it to COLUMNS in echodiff/train/history.py"):
        run_job(make_job(tiny_model(record={"history_every": 1000})))
    assert len(steps) == 1


def test_a_row_of_the_history_drops_no_value():
    with pytest.raises(ValueError, match="found perceptual"):
        History().append({"step": 1, "perceptual": 0.5})


def test_a_row_is_the_mean_of_the_steps_since_the_last_one_that_measured_it():
    means = RunningMeans()
    means.add({"loss_d": torch.tensor(1.0), "r1": torch.tensor(5.0)})
    means.add({"loss_d": torch.tensor(4.0, requires_grad=True)})
    assert means.means() == {"loss_d": 2.5, "r1": 5.0}
    means.clear()
    means.add({"loss_d": torch.tensor(8.0)})
    assert means.means() == {"loss_d": 8.0}


def test_speed_is_that_since_the_last_row_and_time_that_of_all_parts(monkeypatch):
    watch = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(loop.time, "monotonic", lambda: watch.now)
    state = SimpleNamespace(step=20, seconds=500.0)  # of an earlier part
    clock = loop.RowClock(state)
    for watch.now, state.step, seconds, speed in ((1004.0, 30, 504.0, 10.0), (1006.0, 40, 506.0, 20.0)):
        state.seconds = clock.seconds()
        assert clock.next(state, 4) == {"seconds": seconds, "images_per_second": speed}


def test_checkpoints_and_sheets_are_made_when_the_last_ones_are_old_enough(make_job, tiny_model, monkeypatch):
    watch, made = SimpleNamespace(now=0.0), []
    monkeypatch.setattr(keeper.time, "monotonic", lambda: watch.now)
    monkeypatch.setattr(keeper, "save_file", lambda content, path: made.append((watch.now, path.suffix)))
    monkeypatch.setattr(keeper, "draw_samples", lambda path, drawing, cases: made.append((watch.now, path.suffix)))
    due = keeper.Keeper(make_job(tiny_model(record={"checkpoint_seconds": 10, "sheet_seconds": 25})), CPU)
    state = SimpleNamespace(step=1, checkpoint=lambda model, fingerprint: {}, history=History(), ema=None)
    for watch.now in (9, 10, 19, 20, 25, 29, 49, 51):
        due.save_if_due(state, RunningMeans())
    assert made == [(10, ".pt"), (20, ".pt"), (25, ".png"), (49, ".pt"), (51, ".png")]
    bad, watch.now = RunningMeans(), 60
    bad.add({"loss_g": torch.tensor(torch.nan)})
    with pytest.raises(EchodiffError, match="step 1: expected finite losses and gradients, found loss_g = nan"):
        due.save_if_due(state, bad)
    assert made[-1] == (51, ".png")


def test_it_learns_a_constant_image(make_job, run_job, tiny_model):
    """With the distance alone and one gray value for all images, the generator finds that value."""
    options = {"discriminator": "none", "training": {"steps": 60}, "optimiser": {"generator_rate": 3e-3, "ema": 0.8}}
    job = make_job(tiny_model(**options))
    job.training.images[:] = 200
    run_job(job)
    history = pd.read_parquet(job.output / "history.parquet")
    assert history["reconstruction"].iloc[0] > 0.4
    assert history["reconstruction"].iloc[-1] < 0.1
    assert history["loss_d"].isna().all()


DIFFUSION = {
    "diffusion": {"steps": 1000, "prediction": "velocity"},
    "sampler": {"method": "ddim", "steps": 10},
    "discriminator": "none",
    "loss": {"reconstruction": "velocity", "reconstruction_weight": 1.0},
    "optimiser": {"generator_rate": 3e-3, "ema": 0.9},
}


def test_a_diffusion_model_learns_where_its_images_are_bright(make_job, run_job, tiny_model):
    """Images with a bright left half come out of pure noise, in ten steps of DDIM."""
    job = make_job(tiny_model(**DIFFUSION, training={"steps": 150}))
    job.training.images[:, :, :16], job.training.images[:, :, 16:] = 220, 40
    run_job(job)
    history = pd.read_parquet(job.output / "history.parquet")
    assert history["reconstruction"].iloc[-1] < 0.5 * history["reconstruction"].iloc[0]
    trained = load_generator(job.output / "generator.pt")
    images = draw_images(trained, job.validation, Sampling(1), batch_size=1, device=CPU)
    drawn = np.stack([one.image.numpy() for one in images])
    assert drawn[:, :, :14].mean() == pytest.approx(220, abs=25)
    assert drawn[:, :, 18:].mean() == pytest.approx(40, abs=25)


def test_another_sampler_needs_no_new_training(make_job, run_job, tiny_model):
    first = make_job(tiny_model(**DIFFUSION))
    run_job(first)
    found = load_generator(first.output / "generator.pt")
    second = replace(first, model=tiny_model(**DIFFUSION | {"sampler": {"method": "ddim", "steps": 3}}))
    run_job(second)
    again = load_generator(second.output / "generator.pt")
    assert list(first.checkpoints.glob("*.pt")) == [first.checkpoint] == [second.checkpoint]
    assert (found.reverse.steps, again.reverse.steps) == (10, 3)
    assert found.fingerprint != again.fingerprint
    weights = zip(found.network.state_dict().values(), again.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)


def test_losses_that_are_not_finite_stop_the_training_and_leave_the_last_checkpoint(make_job, run_job, tiny_model):
    good = make_job()
    assert run_job(good)
    bad = make_job(tiny_model(optimiser={"generator_rate": 1e30, "discriminator_rate": 1e30}), folder="bad")
    with pytest.raises(EchodiffError, match=r"step 2: expected finite losses.*no checkpoint yet.*lower"):
        run_job(bad)
    assert not bad.checkpoint.exists() and not (bad.output / "generator.pt").exists()


def test_a_stop_between_two_rows_saves_nothing_that_is_not_finite(make_job, run_job, tiny_model, monkeypatch):
    rates = {"generator_rate": 1e30, "discriminator_rate": 1e30}
    job = make_job(tiny_model(optimiser=rates, record={"history_every": 100}))
    monkeypatch.setattr(loop, "asked_to_stop", lambda request, stop, step, processes: step == 3)
    with pytest.raises(EchodiffError, match=r"step 3: expected finite losses.*no checkpoint yet"):
        run_job(job)
    assert not job.checkpoint.exists()


def test_a_disk_that_is_full_keeps_the_last_good_checkpoint(make_job, run_job, tiny_model, weights_of):
    job = make_job(tiny_model(record={"checkpoint_seconds": 1e-9}))
    run_job(job)
    before = job.checkpoint.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(OutputError, match=r"checkpoints.*expected to write this file.*free space"):
            run_job(job)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert job.checkpoint.read_bytes() == before
    assert [path.name for path in job.checkpoints.iterdir()] == [job.checkpoint.name]
    assert weights_of(job.checkpoint)


def test_tensorboard_gets_the_history(make_job, run_job, tiny_model):
    job = make_job(tiny_model(record={"tensorboard": True}))
    run_job(job)
    events = list((job.checkpoints / "tensorboard" / job.checkpoint.stem).glob("events.*"))
    assert len(events) == 1 and b"reconstruction" in events[0].read_bytes()


def test_progress_is_plain_lines_where_there_is_no_terminal(make_job, run_job, capsys):
    run_job(make_job())
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("train tiny: 6/6 steps") and "left" in line for line in lines)
    assert "\r" not in "".join(lines) and sys.stderr is not None
