"""No card is ever used twice, none is lost, whoever is killed; without a GPU the CPU is used and said so."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from echodiff.devices import visible
from echodiff.devices.lease import take
from echodiff.devices.visible import visible_devices
from echodiff.errors import InputError

# A job that proves it is alone on its cards: it takes a lock of its own on each, which must be free at once, and
# notes that it has run. It ends with 77 where another job uses one of them.
JOB = """
import fcntl, os, sys, time
folder, number, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
cards = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
files = [open(os.path.join(folder, "use-" + card), "w") for card in cards]
try:
    for file in files:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(77)
open(os.path.join(folder, "ran-" + number), "w").write(",".join(cards))
time.sleep(seconds)
"""


@pytest.fixture
def environment(tmp_path):
    variables = {key: value for key, value in os.environ.items() if not key.startswith("SLURM")}
    return {**variables, "CUDA_VISIBLE_DEVICES": "a,b,c,d", "ECHODIFF_LOCK_FOLDER": str(tmp_path / "locks")}


def saying(line):
    """A program that says a line with values of its environment, at one go: parts said by two processes would mix."""
    values = "{'WORLD_SIZE': 1, **os.environ}"
    return [sys.executable, "-c", f"import os, sys; sys.stdout.write({line + chr(10)!r}.format_map({values}))"]


def start(environment, folder, number, cards, seconds):
    job = [sys.executable, "-c", JOB, str(folder), str(number), str(seconds)]
    command = [sys.executable, "-m", "echodiff", "lease", "--gpus", str(cards), "--", *job]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)


def test_sixteen_jobs_over_four_cards_with_kills(tmp_path, environment):
    rng = random.Random(7)
    sizes = [1, 2, 4, 1] * 4
    jobs = [start(environment, tmp_path, number, cards, rng.uniform(0.2, 0.8)) for number, cards in enumerate(sizes)]
    killed = []
    for _ in range(5):
        time.sleep(rng.uniform(0.3, 0.8))
        alive = [job for job in jobs if job.poll() is None and job not in killed]
        if alive:
            victim = rng.choice(alive)
            victim.send_signal(signal.SIGKILL)
            killed.append(victim)
    for job in jobs:
        job.communicate(timeout=120)
    for number, job in enumerate(jobs):
        assert job.returncode != 77, f"job {number} found another job on its card"
        if job in killed:
            continue
        assert job.returncode == 0
        cards = (tmp_path / f"ran-{number}").read_text().split(",")
        assert len(cards) == sizes[number] == len(set(cards))
    assert killed, "no job was killed in between"
    take(4, list("abcd"), tmp_path / "locks").release()


def test_a_card_is_held_until_the_command_ends_even_if_who_started_it_is_gone(tmp_path, environment):
    job = start(environment, tmp_path, 0, 4, 60)
    while not (tmp_path / "ran-0").exists():
        assert job.poll() is None, job.stderr.read()
        time.sleep(0.05)
    second = start(environment, tmp_path, 1, 1, 0)
    time.sleep(1.5)
    assert second.poll() is None and not (tmp_path / "ran-1").exists()
    job.kill()
    assert second.wait(timeout=30) == 0
    assert b"this job waits for 1 of GPU a, b, c, d" in second.communicate()[1]
    assert b"waits" not in job.communicate()[1]


def test_more_cards_than_there_are_gives_all_of_them(tmp_path, environment):
    job = start(environment, tmp_path, 0, 9, 0)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 0
    assert (tmp_path / "ran-0").read_text() == "a,b,c,d"
    assert b"GPU a, b, c, d (9 were asked for)" in said


def test_without_a_gpu_the_cpu_is_used_and_said_so(environment):
    command = [sys.executable, "-m", "echodiff", "lease", "--gpus", "2", "--", "printenv", "CUDA_VISIBLE_DEVICES"]
    environment["CUDA_VISIBLE_DEVICES"] = ""
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and result.stdout.strip() == ""
    assert "runs on the CPU, no GPU is visible" in result.stderr


def test_several_cards_are_launched_by_torchrun_one_process_each(tmp_path, environment):
    command = [sys.executable, "-m", "echodiff", "lease", "--gpus", "2", "--launch", "torchrun", "--"]
    command += saying("rank {RANK} of {WORLD_SIZE}")
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == ["rank 0 of 2", "rank 1 of 2"]


@pytest.mark.parametrize(("visible", "cores", "processes"), [("a,b,c", 1, 2), ("", 3, 2), ("", 1, 1)])
def test_as_many_processes_as_can_share_the_work(environment, visible, cores, processes):
    environment["CUDA_VISIBLE_DEVICES"] = visible
    lease = ["lease", "--gpus", "4", "--launch", "torchrun", "--cores", str(cores), "--parts", "4", "--"]
    command = [sys.executable, "-m", "echodiff", *lease, *saying("process of {WORLD_SIZE} {CUDA_VISIBLE_DEVICES}")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    cards = ",".join(visible.split(",")[:processes])
    assert result.stdout.splitlines() == [f"process of {processes} {cards}"] * processes


def test_slurm_has_assigned_the_cards(environment):
    environment["SLURM_JOB_ID"] = "1"
    command = [sys.executable, "-m", "echodiff", "lease", "--gpus", "4", "--", "printenv", "CUDA_VISIBLE_DEVICES"]
    take(4, list("abcd"), Path(environment["ECHODIFF_LOCK_FOLDER"]))  # nobody waits for a card of a job's own
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "a,b,c,d"


def test_jobs_in_one_allocation_of_slurm_take_a_card_each(tmp_path, environment):
    environment["SLURM_JOB_ID"] = "1"
    first = start(environment, tmp_path, 0, 1, 60)
    while not (tmp_path / "ran-0").exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.05)
    second = start(environment, tmp_path, 1, 1, 0)
    second.communicate(timeout=60)
    first.kill()
    first.communicate()
    assert [(tmp_path / f"ran-{number}").read_text() for number in range(2)] == ["a", "b"]


SRUN = """
import subprocess, sys
options = [word for word in sys.argv[1:] if word.startswith("--")][:4]
assert options == ["--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--cpus-per-task=3"], options
started = [subprocess.Popen(sys.argv[5:]) for _ in range(2)]
sys.exit(max(process.wait() for process in started))
"""


def test_several_machines_of_a_slurm_job_train_together(tmp_path, environment):
    """srun is played by a script that starts its command twice, as on two machines; torchrun is the real one."""
    srun = tmp_path / "srun"
    srun.write_text(f"#!{sys.executable}\n{SRUN}")
    srun.chmod(0o755)
    environment |= {"SLURM_JOB_ID": str(os.getpid()), "PATH": f"{tmp_path}:{environment['PATH']}"}
    lease = ["lease", "--gpus", "8", "--nodes", "2", "--launch", "torchrun", "--cores", "3", "--parts", "4", "--"]
    command = [sys.executable, "-m", "echodiff", *lease, *saying("rank {RANK} of {WORLD_SIZE}")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert sorted(result.stdout.splitlines()) == [f"rank {rank} of 4" for rank in range(4)]
    assert "GPU a, b, c, d of each of 2 machines" in result.stderr


@pytest.mark.parametrize(
    ("job", "parts", "expected"),
    [("1", "3", "expected work that 2 machines can share, found 3 parts"), (None, "4", "found no SLURM_JOB_ID")],
)
def test_machines_that_cannot_train_together(environment, job, parts, expected):
    environment |= {"SLURM_JOB_ID": job} if job else {}
    lease = ["lease", "--nodes", "2", "--launch", "torchrun", "--parts", parts, "--", "true"]
    result = subprocess.run([sys.executable, "-m", "echodiff", *lease], env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and expected in result.stderr


def test_a_command_that_is_not_there(environment):
    command = [sys.executable, "-m", "echodiff", "lease", "--gpus", "1", "--", "no-such-command"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 1
    assert "no-such-command: expected a command to run" in result.stderr


def test_names_of_visible_devices(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-aa'\necho '1, GPU-bb'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert visible_devices({}) == ["GPU-aa", "GPU-bb"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "1"}) == ["GPU-bb"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "GPU-bb,0,-1,1"}) == ["GPU-bb", "GPU-aa"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == []
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}) == []


def test_cards_that_nothing_lists_are_no_machine_without_a_gpu(monkeypatch, tmp_path):
    """As in a container that has CUDA's libraries alone."""
    monkeypatch.setattr(visible, "DEVICE_FILES", tmp_path)
    monkeypatch.setattr(visible, "_ask", lambda: None)
    assert visible_devices({}) == []
    for name in ("nvidia1", "nvidia0", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"there are GPUs \(nvidia0, nvidia1 in .*CUDA_VISIBLE_DEVICES, 0,1 say"):
        visible_devices({})
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "0"}) == ["0"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == []


@pytest.mark.parametrize(
    ("said", "status", "found"),
    [("No devices were found", 6, []), ("couldn't communicate with the NVIDIA driver", 9, [])]
    + [("Driver/library version mismatch", 18, InputError), ("GPU 0000:01:00.0: GPU is lost", 15, InputError)],
)
def test_a_driver_that_fails_is_no_machine_without_a_gpu(monkeypatch, tmp_path, said, status, found):
    """The tool alone is on machines without a GPU too; what fails otherwise has cards that cannot be used."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\necho "{said}"\nexit {status}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    heard = []
    if found is InputError:
        with pytest.raises(InputError, match=f"found status {status} .{said}.; .*CUDA_VISIBLE_DEVICES"):
            visible_devices({}, when_failing=heard.append)
    else:
        assert visible_devices({}, when_failing=heard.append) == found
        assert heard == [f"nvidia-smi says: {said}"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": "GPU-bb"}) == ["GPU-bb"]
    assert visible_devices({"CUDA_VISIBLE_DEVICES": ""}) == visible_devices({"CUDA_VISIBLE_DEVICES": "-1"}) == []


def test_the_lease_says_what_the_driver_says(environment, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'No devices were found'\nexit 6\n")
    tool.chmod(0o755)
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    del environment["CUDA_VISIBLE_DEVICES"]
    lease = [sys.executable, "-m", "echodiff", "lease", "--gpus"]
    result = subprocess.run([*lease, "1", "--", "true"], env=environment, capture_output=True, text=True)
    assert result.stderr == (
        "lease: this job runs on the CPU, no GPU is visible; nvidia-smi says: No devices were found\n"
    )
    tool.write_text("#!/bin/sh\necho 'GPU is lost'\nexit 15\n")
    lost = [subprocess.run([*lease, gpus, "--", "true"], env=environment, capture_output=True) for gpus in "10"]
    assert [result.returncode for result in lost] == [1, 0] and b"GPU is lost" in lost[0].stderr


def test_a_driver_that_does_not_answer_is_named(monkeypatch, tmp_path):
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr("echodiff.devices.visible.SECONDS_TO_ANSWER", 0.2)
    with pytest.raises(InputError, match="nvidia-smi .*: expected the driver's list"):
        visible_devices()
