"""Progress of long work with an estimate of the time left: a bar in a terminal, plain lines in a log file."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 10.0


def format_seconds(seconds: float) -> str:
    """Seconds as `h:mm:ss`."""
    minutes, second = divmod(int(round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}"


def say(line: str, stream: TextIO | None = None) -> None:
    """A line on standard error, or the stream, at once; work goes on where nobody listens any more."""
    with suppress(BrokenPipeError):
        print(line, file=stream if stream is not None else sys.stderr, flush=True)


class Progress:
    """Counts finished units of work and says how far it is and how long the rest will take.

    In a terminal this is a bar; elsewhere a plain line at most every `SECONDS_BETWEEN_LINES` seconds, and one
    at the end, so that a log file stays readable. Work resumed from a checkpoint starts at `initial`, which
    does not count for the speed.
    """

    def __init__(self, total: int, *, description: str, unit: str, initial: int = 0, stream: TextIO | None = None):
        self.total, self.description, self.unit = total, description, unit
        self.done, self._initial = initial, initial
        self._stream = stream if stream is not None else sys.stderr
        self._start = self._last_line = time.monotonic()
        self._bar = None
        if self._stream.isatty():
            self._bar = tqdm(total=total, initial=initial, desc=description, unit=f" {unit}", file=self._stream)

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count `units` more as finished; `note` is shown behind the estimate (a loss, a file)."""
        self.done += units
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(units)
            return
        now = time.monotonic()
        if now - self._last_line >= SECONDS_BETWEEN_LINES or self.done == self.total:
            self._last_line = now
            say(self._line(now, note), self._stream)

    def _line(self, now: float, note: str) -> str:
        speed = (self.done - self._initial) / max(now - self._start, 1e-9)
        left = format_seconds((self.total - self.done) / speed) if speed > 0 else "unknown"
        line = f"{self.description}: {self.done}/{self.total} {self.unit}, {speed:.3g} a second, {left} left"
        return f"{line}; {note}" if note else line

    def close(self) -> None:
        """End the bar, where there is one."""
        if self._bar is not None:
            self._bar.close()


def track(items: Iterable[T], total: int, *, description: str, unit: str, stream: TextIO | None = None) -> Iterator[T]:
    """Yield `items`, counting each as finished when the next is asked for."""
    progress = Progress(total, description=description, unit=unit, stream=stream)
    try:
        for item in items:
            yield item
            progress.advance()
    finally:
        progress.close()
