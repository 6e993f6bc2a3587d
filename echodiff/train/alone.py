"""One training at a time in a folder of checkpoints: two would write over each other's."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from echodiff.errors import OutputError
from echodiff.progress import say
from echodiff.store.atomic import writing

LOCK = "in_use.lock"  # stays behind: to remove it would be to remove another training's


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within the block no other process trains in the folder; a lock of the kernel, which ends with its process.

    A workflow that is killed leaves its training behind, and the next run would start another beside it. Where the file
    system has no locks (some NFS), a line says so and nothing is held.

    Raises:
        OutputError: another one trains there, or the folder cannot be written.
    """
    path = folder / LOCK
    with writing(path):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _take(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 200).decode(errors="replace").strip() or "a process that has not said its number"
        raise OutputError(
            f"{folder}: expected no other training with these checkpoints, found one by {holder}, perhaps of a run "
            "that was killed; wait for its end or end it (kill), then run again, which goes on from its checkpoint"
        ) from error
    except OSError as error:
        say(f"{folder}: no lock there ({error.strerror}); see that only one training at a time uses this folder")
        return
    with writing(folder / LOCK):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
