"""Progress in a log is plain lines with an estimate of the time left."""

import io
import os
import re

import pytest

import echodiff.progress
from echodiff.progress import Progress, format_seconds, track


def test_lines_tell_how_far_and_how_long(monkeypatch):
    clock = iter([0.0, 4.0, 12.0, 13.0, 20.0])
    monkeypatch.setattr(echodiff.progress.time, "monotonic", lambda: next(clock))
    log = io.StringIO()
    progress = Progress(40, description="train", unit="steps", initial=20, stream=log)
    progress.advance(4)  # at 4 s: too soon for a line
    progress.advance(8, note="loss 0.5")  # at 12 s: 12 of 20 steps done in 12 s
    progress.advance(1)  # at 13 s: too soon after the last line
    progress.advance(7)  # at 20 s: the end is always told
    assert log.getvalue().splitlines() == [
        "train: 32/40 steps, 1 a second, 0:00:08 left; loss 0.5",
        "train: 40/40 steps, 1 a second, 0:00:00 left",
    ]


def test_track_yields_everything_and_ends_with_a_line():
    log = io.StringIO()
    assert list(track([1, 2, 3], 3, description="read", unit="files", stream=log)) == [1, 2, 3]
    assert re.fullmatch(r"read: 3/3 files, \S+ a second, 0:00:00 left\n", log.getvalue())


def test_work_goes_on_where_nobody_listens():
    """A stop signals a log's `tee` as well; the save comes after the line."""
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(BrokenPipeError), os.fdopen(write, "w") as stream:
        assert list(track(range(3), 3, description="read", unit="files", stream=stream)) == [0, 1, 2]
        stream.write("x" * 100_000)


def test_format_seconds():
    assert format_seconds(3725.4) == "1:02:05"
