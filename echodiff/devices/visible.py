"""Which GPUs a process may use, each under a name that is the same for every process of the machine."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from echodiff.errors import InputError

QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
NO_GPU = (6, 9)  # what the tool exits with where it finds no card, or no driver: also on a machine that has none
NO_DEVICE = ("-1", "NoDevFiles")  # the latter is SLURM's, for jobs without a GPU
DEVICE_FILES = Path("/dev")  # nvidia0, nvidia1, ...: a card each
SECONDS_TO_ANSWER = 60  # the driver takes long after a start without persistence mode


def named_devices(environment: Mapping[str, str] = os.environ) -> list[str] | None:
    """What CUDA_VISIBLE_DEVICES names, None where it is not set; as in CUDA, the list ends at what is no device."""
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    names = [name.strip() for name in named.split(",") if name.strip()]
    return list(itertools.takewhile(lambda name: name not in NO_DEVICE, names))


def visible_devices(
    environment: Mapping[str, str] = os.environ, *, when_failing: Callable[[str], None] = lambda said: None
) -> list[str]:
    """The devices that CUDA_VISIBLE_DEVICES names, or all of the machine; empty without a GPU.

    An index and a UUID can mean the same card, so both become the UUID where the driver tells it. Names that the
    driver does not know (a MIG slice, a machine without nvidia-smi) are taken as they are.

    `when_failing` is told what the driver says where it lists no GPUs and the job goes on without.

    Raises:
        InputError: the driver does not answer, or fails and nobody names the devices: a card is lost, or the driver
            was updated under a running machine; or there are cards, nobody names them, and the tool that lists them is
            missing, as in a container with CUDA alone. A job of days would be computed on the CPU.
    """
    named = named_devices(environment)
    if named == []:
        return []
    answer, names = _ask(), named or []
    if answer is None:
        if named is None and (cards := sorted(path.name for path in DEVICE_FILES.glob("nvidia[0-9]*"))):
            raise InputError(
                f"{QUERY[0]}: expected the driver's tool, as there are GPUs ({', '.join(cards)} in {DEVICE_FILES}), "
                "found no such program; let the container have it (NVIDIA_DRIVER_CAPABILITIES=compute,utility), or "
                "name the cards by CUDA_VISIBLE_DEVICES, 0,1 say (empty: work on the CPU)"
            )
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
