"""A lease of whole GPUs by file locks of the kernel.

Snakemake counts GPUs but assigns none: two jobs of one GPU each would land on the same card. A job therefore takes
the lock file of each card it uses. Locks are `flock`s, which belong to an open file, are inherited by the job's
command and end with the last process that holds the file open, however it ends: a killed job frees its cards, and
a card is never free while its job still runs.

Jobs queue for the turn: who has it waits until enough cards are free, takes them all at once and passes the turn
on. All at once excludes deadlock; the queue keeps a job of four cards from being overtaken for ever by jobs of one.
"""

import fcntl
import os
import re
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from echodiff.store.atomic import writing

LOCK_FOLDER = "ECHODIFF_LOCK_FOLDER"
SECONDS_BETWEEN_TRIES = 0.2


def lock_folder() -> Path:
    """The folder of the lock files: one a user and host, on a local disk (locks over NFS are not to be trusted)."""
    given = os.environ.get(LOCK_FOLDER)
    return Path(given) if given else Path(tempfile.gettempdir(), f"echodiff-{os.getuid()}-{socket.gethostname()}")


class Lease:
    """Cards that this process, and every process that inherits `descriptors`, holds."""

    def __init__(self, devices: list[str], descriptors: list[int]):
        self.devices, self.descriptors = devices, descriptors

    def release(self) -> None:
        """Give the cards back; processes that inherited the locks go on holding them."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.descriptors = []


def take(count: int, devices: Sequence[str], folder: Path, *, when_waiting: Callable[[], None] = lambda: None) -> Lease:
    """Wait for `count` of `devices` to be free and take them.

    Args:
        count: 0 < count <= len(devices).
        devices: names as `visible_devices` gives them.
        folder: where the lock files lie; made if needed.
        when_waiting: called once where other jobs have to end first.

    Raises:
        OutputError: the folder cannot be written.
        ValueError: more devices are asked for than there are, or none.
    """
    if not 0 < count <= len(devices):
        raise ValueError(f"expected 1 to {len(devices)} devices, found {count}")
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        turn = _open(folder / "turn.lock")
    try:
        if _lock(turn) and (lease := _try_take(count, devices, folder)) is not None:
            return lease
        when_waiting()
        fcntl.flock(turn, fcntl.LOCK_EX)
        while (lease := _try_take(count, devices, folder)) is None:
            time.sleep(SECONDS_BETWEEN_TRIES)
        return lease
    finally:
        os.close(turn)


def _try_take(count: int, devices: Sequence[str], folder: Path) -> Lease | None:
    """`count` free cards, or None and nothing held."""
    lease = Lease([], [])
    for device in devices:
        descriptor = _open(folder / f"device-{re.sub('[^A-Za-z0-9.-]', '_', device)}.lock")
        if not _lock(descriptor):
            os.close(descriptor)
            continue
        lease.devices.append(device)
        lease.descriptors.append(descriptor)
        if len(lease.devices) == count:
            return lease
    lease.release()
    return None


def _lock(descriptor: int) -> bool:
    """Lock the open file, if that can be had at once."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
