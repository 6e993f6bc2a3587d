"""Which GPUs a process may use, each under a name that is the same for every process of the machine."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping

from echodiff.errors import InputError

QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
NO_GPU = (6, 9)  # what the tool exits with where it finds no card, or no driver: also on a machine that has none
SECONDS_TO_ANSWER = 60  # the driver takes long after a start without persistence mode


def visible_devices(
    environment: Mapping[str, str] = os.environ, *, when_failing: Callable[[str], None] = lambda said: None
) -> list[str]:
    """The devices that CUDA_VISIBLE_DEVICES names, or all of the machine; empty without a GPU.

    An index and a UUID can mean the same card, so both become the UUID where the driver tells it. Names that the
    driver does not know (a MIG slice, a machine without nvidia-smi) are taken as they are. As in CUDA, the list
    ends at "-1".

    `when_failing` is told what the driver says where it lists no GPUs and the job goes on without.

    Raises:
        InputError: the driver does not answer, or fails and nobody names the devices: a card is lost, or the driver
            was updated under a running machine. A job of days would be computed on the CPU.
    """
    named = environment.get("CUDA_VISIBLE_DEVICES")
    names = [name.strip() for name in (named or "").split(",") if name.strip()]
    if "-1" in names:
        names = names[: names.index("-1")]
    if named is not None and not names:
        return []
    answer = _ask()
    if answer is None:
        return names
    if answer.returncode == 0:
        rows = (line.split(",") for line in answer.stdout.splitlines() if "," in line)
        uuids = {index.strip(): uuid.strip() for index, uuid in rows}
        return list(uuids.values()) if named is None else [uuids.get(name, name) for name in names]
    said = " ".join((answer.stdout + answer.stderr).split())
    if not names and answer.returncode not in NO_GPU:
        raise InputError(
            f"{' '.join(QUERY)}: expected the driver's list of GPUs, found status {answer.returncode} ({said}); "
            "restart the machine, or name the cards that work by CUDA_VISIBLE_DEVICES (empty: work on the CPU)"
        )
    when_failing(f"{QUERY[0]} says: {said}")
    return names


def _ask() -> subprocess.CompletedProcess[str] | None:
    """What the driver's tool answers; None where there is no such tool."""
    if shutil.which(QUERY[0]) is None:
        return None
    try:
        return subprocess.run(QUERY, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{' '.join(QUERY)}: expected the driver's list of GPUs within {SECONDS_TO_ANSWER} s, found no answer; see "
            "what `nvidia-smi` says, or restart the machine"
        ) from error
