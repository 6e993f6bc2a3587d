"""Signals that ask a training to stop."""

import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal
from echodiff.train.stop import StopRequest

with StopRequest() as request:
    for number in {numbers}:
        signal.raise_signal(number)
    print("noted", request.signal_number)
"""


@pytest.mark.parametrize(
    "numbers, status",
    [
        ([signal.SIGTERM, signal.SIGTERM], 0),  # the scheduler's and the launcher's
        ([signal.SIGINT, signal.SIGTERM], 0),
        ([signal.SIGTERM, signal.SIGINT], -signal.SIGINT),
        ([signal.SIGINT, signal.SIGINT], -signal.SIGINT),
    ],
)
def test_only_a_second_one_from_the_keyboard_ends_it_at_once(numbers, status):
    script = SCRIPT.format(numbers=[int(number) for number in numbers])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    assert done.stdout == ("noted 15\n" if status == 0 else "")
