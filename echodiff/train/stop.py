"""Ending a training in good order when the system asks for it."""

import signal
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopRequest:
    """Within the block, SIGTERM and SIGINT are noted in `signal_number` in place of ending the process.

    A second one that comes from a keyboard, SIGINT, ends it at once. A second SIGTERM says nothing new: what ends a job
    or a machine signals all processes (systemd, schedulers), and then each has its launcher's SIGTERM on top.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.signal_number = number
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
