"""Standard output that a sentence tells of where it cannot be written: a full disk behind `>`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from echodiff.errors import OutputError


class ToldOutput:
    """A stream like the one that it is put before, whose failures are errors with a sentence.

    A reader that has gone away (`| head`) stays a BrokenPipeError.
    """

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"standard output: expected to write to it, but the system said '{error.strerror or error}'; "
            "free space on the disk or send the output elsewhere, then run again"
        ) from error


def tell_of_output() -> None:
    """Put such a stream before standard output, where there is one."""
    if sys.stdout is not None:
        sys.stdout = ToldOutput(sys.stdout)


def flush_output() -> None:
    """Write what is left to write.

    Raises:
        OutputError: standard output cannot be written.
        BrokenPipeError: nobody reads it.
    """
    if sys.stdout is not None:
        sys.stdout.flush()


def give_up_output() -> None:
    """Write what is left, or drop it where that fails: Python would try at its very end, and complain once more."""
    try:
        flush_output()
    except (OutputError, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
