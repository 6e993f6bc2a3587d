"""`echodiff train` as it is typed: kills, stops, several processes, dry mode, input that cannot be used."""

import random
import signal
import socket
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
import torch

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def command(arguments: list) -> list[str]:
    return [sys.executable, "-m", "echodiff", "train", *map(str, arguments), "--threads", "1"]


def finish(words: list[str]) -> str:
    """Run a command that must succeed; gives what it said."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr
    return done.stderr


def wait_for_checkpoint(folder, process, begun: int, timeout: float = 500) -> None:
    """Wait until the process has written a checkpoint, or has ended."""
    until = time.monotonic() + timeout
    while process.poll() is None and not any(path.stat().st_mtime_ns > begun for path in folder.glob("*.pt")):
        assert time.monotonic() < until, "no checkpoint was written"
        time.sleep(0.01)


def interrupt(arguments: list, checkpoints, signals: list[int], seed: int) -> list[int]:
    """Start the training, send it a signal at a random moment after its first checkpoint, start it again, and so on.

    Gives the exit statuses; 0 is a process that had finished before the signal came, -15 one that was just leaving.
    """
    moments, statuses = random.Random(seed), []
    for number in signals:
        begun = time.time_ns()
        process = subprocess.Popen(command(arguments), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        wait_for_checkpoint(checkpoints, process, begun)
        time.sleep(moments.uniform(0, 0.5))
        process.send_signal(number)
        said = process.communicate()[1]
        statuses.append(process.returncode)
        if process.returncode == 143:
            assert b"saved; the same command goes on from here" in said
    return statuses


def final(folder):
    (path,) = (folder / "checkpoints").glob("*.pt")
    return path


MANY = [signal.SIGKILL] * 10 + [signal.SIGTERM] * 2


@pytest.mark.parametrize(
    "signals, steps",
    [(MANY[-3:-1], 40), pytest.param(MANY, 400, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])],
    ids=["two", "twelve"],
)
def test_interrupted_at_random_moments_it_ends_with_the_same_weights(
    command_files, tmp_path, assert_equal_weights, signals, steps
):
    options = {
        "training": {"steps": steps},
        "generator": {"multipliers": [1], "attention": []},
        "record": {"checkpoint_seconds": 0.05, "history_every": 10, "sheet_cases": 1},
    }
    finish(command(command_files("whole", **options)))
    arguments = command_files("interrupted", **options)
    statuses = interrupt(arguments, tmp_path / "interrupted" / "checkpoints", signals, seed=1)
    assert set(statuses) <= {-signal.SIGKILL, 143, 0, -signal.SIGTERM} and any(statuses)
    assert "going on from step" in finish(command(arguments))
    assert_equal_weights(final(tmp_path / "whole"), final(tmp_path / "interrupted"))
    assert not list((tmp_path / "interrupted" / "checkpoints").glob(".*"))
    runs = [pd.read_parquet(tmp_path / run / "model" / "history.parquet") for run in ("whole", "interrupted")]
    pd.testing.assert_frame_equal(runs[0][["step", "epoch", "rate_g"]], runs[1][["step", "epoch", "rate_g"]])
    assert runs[1][["loss_d", "loss_g", "reconstruction", "gradient_norm_g"]].notna().all().all()


def test_two_processes_learn_the_same_as_one(command_files, tmp_path, weights_of):
    options = {
        "training": {"steps": 20, "batch_size": 4},
        "loss": {"r1_every": 3},
        "discriminator": {"group": 2},
        "record": {"history_every": 10},
    }
    finish(command(command_files("one", **options)))
    finish([*TORCHRUN, *command(command_files("two", **options))[1:]])
    first, second = (weights_of(final(tmp_path / run)) for run in ("one", "two"))
    for name in first:
        torch.testing.assert_close(second[name], first[name], atol=1e-5, rtol=0, msg=name)
    histories = [pd.read_parquet(tmp_path / run / "model" / "history.parquet") for run in ("one", "two")]
    learned = ["loss_d", "loss_g", "r1", "reconstruction", "gradient_norm_d", "gradient_norm_g"]
    pd.testing.assert_frame_equal(histories[0][learned], histories[1][learned], rtol=1e-3)


@pytest.mark.slow  # four processes that import torch
def test_two_machines_learn_the_same_as_one(command_files, tmp_path, weights_of):
    """Two launchers that know of each other by address and rank alone, as on two nodes with a common file system."""
    options = {"training": {"steps": 6, "batch_size": 4}, "record": {"history_every": 3}}
    finish(command(command_files("one", **options)))
    arguments = command(command_files("two", **options))[1:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = ["--nnodes=2", "--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}"]
    launch = [sys.executable, "-m", "torch.distributed.run", *place]
    nodes = [
        subprocess.Popen([*launch, f"--node-rank={rank}", *arguments], stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    said = [node.communicate(timeout=300)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], said
    assert ["results in" in text for text in said] == [True, False]  # one of them writes
    first, second = (weights_of(final(tmp_path / run)) for run in ("one", "two"))
    for name in first:
        torch.testing.assert_close(second[name], first[name], atol=1e-5, rtol=0, msg=name)


def test_processes_end_with_a_launcher_that_is_killed(command_files, tmp_path):
    options = {"training": {"steps": 100_000}, "record": {"checkpoint_seconds": 0.05}}
    begun = time.time_ns()
    launcher = subprocess.Popen(
        [*TORCHRUN, *command(command_files("run", **options))[1:]], stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    wait_for_checkpoint(tmp_path / "run" / "checkpoints", launcher, begun)
    processes = psutil.Process(launcher.pid).children(recursive=True)
    assert len(processes) == 2
    launcher.kill()
    launcher.communicate(timeout=60)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive


def test_dry_mode_prints_the_options_and_cost_and_writes_nothing(command_files, run_echodiff, tmp_path):
    done = run_echodiff("train", *command_files(), "--dry")
    assert done.returncode == 0, done.stderr
    for expected in ("r1_gamma: 1.0", "parameters", "GFLOP", "GiB", "estimated time", "8 for training"):
        assert expected in done.stdout
    assert not (tmp_path / "run").exists()


def test_input_that_cannot_be_used_is_refused_in_one_sentence(command_files, run_echodiff, tmp_path):
    done = run_echodiff("train", *command_files(), "--data", tmp_path / "none.h5")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "none.h5: expected an image set, found no such file" in done.stderr
    assert not (tmp_path / "run").exists()
