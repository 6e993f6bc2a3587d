"""The benchmark of GPUs: a tiny case on the CPU goes through the same code, and without a GPU it says so."""

import json
import math
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from echodiff.config.models import Model
from echodiff.train.estimate import estimate

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, *options], capture_output=True, text=True, timeout=300)


def test_rates_and_shares_of_the_peak_belong_together():
    tiny = [
        "--preset=fast",
        "--mode=eager",
        "--size=32",
        "--rounds=1",
        "--batch=2",
        "--peak=1",
        "--matrix=8",
        "--bandwidth=1",
        "--copied=1",
    ]
    done = run("--device=cpu", "--json", *tiny)
    assert done.returncode == 0, done.stderr
    first, found = (json.loads(line) for line in done.stdout.splitlines())
    cost = estimate(Model(preset="fast"), 32)
    assert first["training, images/s"] == found["training, images/s"] and math.isnan(first["sampling, images/s"])
    assert (found["preset"], found["batch"], found["mode"]) == ("fast", 2, "eager")
    training, sampling = found["training, images/s"], found["sampling, images/s"]
    operations = cost.flops_a_step(Model(preset="fast").loss.r1_every)
    assert found["training, of peak"] == pytest.approx(training * operations / 1e12)
    assert found["sampling, of peak"] == pytest.approx(sampling * 4 * cost.flops_forward / 1e12)
    moved = cost.moved_a_step(Model(preset="fast").loss.r1_every) / 2 + cost.moved_fixed / 2
    assert found["training, of bandwidth"] == pytest.approx(training * moved / 1e9)
    assert found["sampling, of bandwidth"] == pytest.approx(sampling * 4 * cost.moved_forward / 2 / 1e9)
    assert found["paper's schedule, min"] == pytest.approx(202_500 / training / 60)


def test_what_is_known_of_a_combination_that_takes_too_long_is_kept():
    row_of = runpy.run_path(SCRIPT)["row_of"]
    script = "import time; print('{\"a\": 1.0}', flush=True); time.sleep({})"
    late = [sys.executable, "-c", script.replace("{}", "60")]
    assert row_of(late, 1.0) == ({"a": 1.0}, "expected to end within --minutes, found it under way")
    assert row_of([sys.executable, "-c", script.replace("{}", "0")], None) == ({"a": 1.0}, "")
    assert row_of([sys.executable, "-c", "raise SystemExit('no room')"], None) == ({}, "no room")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_is_refused_in_one_sentence():
    done = run()
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("benchmarks/gpu.py: --device cuda: expected GPU 0, found 0 GPUs")
