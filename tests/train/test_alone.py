"""One training at a time in a folder of checkpoints."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from echodiff.errors import OutputError
from echodiff.train.alone import LOCK, alone
from echodiff.train.checkpoint import remove_remains

HOLDER = """
import sys, time
from pathlib import Path
from echodiff.train.alone import alone

with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_training_ends_at_once_and_one_after_a_kill_begins(tmp_path):
    folder = tmp_path / "checkpoints"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        remove_remains(folder)
        expected = f"{folder}: expected no other training .* process {holder.pid} on {os.uname().nodename}, "
        with pytest.raises(OutputError, match=expected), alone(folder):
            pass
    finally:
        holder.kill()
        holder.communicate()
    for _ in range(2):
        with alone(folder):
            assert (folder / LOCK).read_text() == f"process {os.getpid()} on {os.uname().nodename}\n"


def test_without_locks_of_the_file_system_a_line_says_so(tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone(tmp_path):
        pass
    assert "no lock there (No locks available)" in capsys.readouterr().err


def test_the_command_trains_alone(command_files, run_echodiff, tmp_path):
    arguments = command_files()
    with alone(tmp_path / "run" / "checkpoints"):
        done = run_echodiff("train", *arguments)
    assert done.returncode == 1 and f"found one by process {os.getpid()} on " in done.stderr
    assert not list((tmp_path / "run" / "checkpoints").glob("*.pt"))
