"""Whole datasets: the same bytes however many processes, all or nothing, and the command line."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import pytest
import yaml

from echodiff.config.datasets import Dataset
from echodiff.config.phantom import FORMATS, PhantomSource
from echodiff.errors import OutputError
from echodiff.phantom import dataset as module
from echodiff.phantom.dataset import patient_seed, write_dataset
from echodiff.phantom.machines import MACHINES
from echodiff.phantom.screen import LAYOUTS
from echodiff.phantom.writers.dicom import HABITS


def digest(folder) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def configuration(tmp_path):
    """A configuration with one small phantom; gives its path."""
    path = tmp_path / "config.yaml"
    source = {"machine": "vscan", "patients": 3, "frames": 6, "seed": 5}
    options = {
        "training_dataset": "handheld",
        "datasets": {"handheld": {"format": "dicom", "phantom": source}},
        "models": {"small": {"preset": "fast"}},
    }
    path.write_text(yaml.safe_dump(options))
    return path


@pytest.mark.parametrize("machine", ["vscan", "echonet", "epiq"])
def test_processes_do_not_change_a_byte(tmp_path, machine):
    source = PhantomSource(machine=machine, patients=3, frames=6, seed=9)
    write_dataset(source, tmp_path / "one", processes=1)
    write_dataset(source, tmp_path / "two", processes=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


@pytest.mark.parametrize("machine", ["camus", "2d_t", "3d_spatial"])
def test_writing_twice_gives_the_same_bytes(tmp_path, machine):
    source = PhantomSource(machine=machine, patients=1, frames=6, seed=9)
    write_dataset(source, tmp_path / "first")
    write_dataset(source, tmp_path / "second")
    assert digest(tmp_path / "first") == digest(tmp_path / "second")


def test_patients_are_never_shared():
    sources = [PhantomSource(machine=name, patients=30, seed=seed) for name in MACHINES for seed in (1, 2)]
    seeds = [patient_seed(source, number) for source in sources for number in range(1, 31)]
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize(
    ("machine", "seed"),
    [
        ("camus", 2984549877693610079),
        ("vscan", 8000573890736247276),
        ("vscan_air", 1326498381319774457),
        ("echonet", 4197193998126150444),
        ("2d_t", 8595542371364358966),
        ("3d_spatial", 2291504848249831112),
        ("epiq", 3236197891847247968),
    ],
)
def test_patients_stay_who_they_are_when_other_machines_come_or_go(monkeypatch, machine, seed):
    """All that a phantom is follows from the seed: another one would be another image in every published number."""
    monkeypatch.setattr(module, "MACHINES", {machine: MACHINES[machine]})
    assert patient_seed(PhantomSource(machine=machine), 1) == seed


def test_no_two_machines_have_one_number():
    assert len({machine.number for machine in MACHINES.values()}) == len(MACHINES)


def test_every_machine_is_known_wherever_one_has_to_be():
    assert set(get_args(PhantomSource.model_fields["machine"].annotation)) == set(MACHINES) == set(FORMATS)
    formats = {get_args(of.model_fields["format"].annotation)[0] for of in get_args(get_args(Dataset)[0])}
    assert set(FORMATS.values()) == set(module.WRITERS) <= formats
    writing_dicom = {machine for machine, written in FORMATS.items() if written == "dicom"}
    writing_frames = {machine for machine, written in FORMATS.items() if written == "frames"}
    assert set(HABITS) == writing_dicom and set(LAYOUTS) == writing_dicom | writing_frames


def test_fewer_patients_are_the_first_ones_of_more(tmp_path):
    few = write_dataset(PhantomSource(machine="echonet", patients=2, frames=6), tmp_path / "few")
    more = write_dataset(PhantomSource(machine="echonet", patients=3, frames=6), tmp_path / "more")
    assert list(few.case) == list(more.case[:2])


def test_an_error_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(job):
        if job.number == 2:
            raise RuntimeError("disk on fire")
        (job.folder / "something").write_text("half")

    monkeypatch.setitem(module.WRITERS, "dicom", fail)
    with pytest.raises(RuntimeError, match="on fire"):
        write_dataset(PhantomSource(machine="vscan", patients=3), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def of_session(leader: int) -> list[int]:
    """The processes that it has started and that are left, itself not among them."""
    found = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [process for process in found if process != leader and session_of(process) == leader]


def session_of(process: int) -> int | None:
    try:
        return os.getsid(process)
    except ProcessLookupError:
        return None


def test_a_killed_run_looks_like_none_and_is_cleared_away(tmp_path, configuration):
    """And its processes end, whoever has started them."""
    output = tmp_path / "killed"
    text = configuration.read_text().replace("patients: 3", "patients: 4000")
    configuration.write_text(text)
    command = [sys.executable, "-m", "echodiff", "phantom", "--config", configuration, "--dataset", "handheld"]
    process = subprocess.Popen(
        [*map(str, command), "--output", str(output), "--processes", "2"],
        start_new_session=True,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob(".killed.*.part/*.dcm")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(of_session(process.pid)) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while of_session(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert of_session(process.pid) == []
    assert any(tmp_path.glob(".killed.*.part/*.dcm")) and not output.exists()
    write_dataset(PhantomSource(machine="vscan", patients=1, frames=6), output)
    assert not list(tmp_path.glob(".killed.*")) and (output / "truth.parquet").is_file()


def test_a_phantom_is_replaced_and_a_foreign_folder_is_not(tmp_path):
    source = PhantomSource(machine="vscan", patients=1, frames=6)
    write_dataset(source, tmp_path / "out")
    (tmp_path / "out" / "stale").write_text("of an earlier run")
    write_dataset(source, tmp_path / "out")
    assert not (tmp_path / "out" / "stale").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="mine: expected an empty folder"):
        write_dataset(source, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_command_line(tmp_path, configuration, run_echodiff):
    arguments = ("phantom", "--config", configuration, "--output", tmp_path / "out", "--processes", 2)
    done = run_echodiff(*arguments, "--dataset", "handheld")
    assert done.returncode == 0, done.stderr
    assert "3 patients of vscan" in done.stdout and "3/3 patients" in done.stderr
    assert len(list((tmp_path / "out").glob("*.dcm"))) == 3
    wrong = run_echodiff(*arguments, "--dataset", "nowhere")
    assert wrong.returncode == 1 and "handheld" in wrong.stderr and "Traceback" not in wrong.stderr


def test_command_line_names_a_folder_that_cannot_be_made(tmp_path, configuration, run_echodiff):
    (tmp_path / "file").write_text("")
    done = run_echodiff(
        "phantom", "--config", configuration, "--dataset", "handheld", "--output", tmp_path / "file" / "out"
    )
    assert done.returncode == 1 and str(tmp_path / "file") in done.stderr and "Traceback" not in done.stderr
