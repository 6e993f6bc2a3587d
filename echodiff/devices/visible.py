"""Which GPUs a process may use, each under a name that is the same for every process of the machine."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from echodiff.errors import InputError

QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
SECONDS_TO_ANSWER = 60  # the driver takes long after a start without persistence mode


def visible_devices(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The devices that CUDA_VISIBLE_DEVICES names, or all of the machine; empty without a GPU.

    An index and a UUID can mean the same card, so both become the UUID where the driver tells it. Names that the
    driver does not know (a MIG slice, a machine without nvidia-smi) are taken as they are. As in CUDA, the list
    ends at "-1".

    Raises:
        InputError: the driver does not answer, as with a card that has failed.
    """
    uuids = _uuid_by_index()
    named = environment.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return list(uuids.values())
    names = [name.strip() for name in named.split(",") if name.strip()]
    if "-1" in names:
        names = names[: names.index("-1")]
    return [uuids.get(name, name) for name in names]


def _uuid_by_index() -> dict[str, str]:
    if shutil.which(QUERY[0]) is None:
        return {}
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER)
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{' '.join(QUERY)}: expected the driver's list of GPUs within {SECONDS_TO_ANSWER} s, found no answer; see "
            "what `nvidia-smi` says, or restart the machine"
        ) from error
    if answer.returncode != 0:
        return {}
    rows = (line.split(",") for line in answer.stdout.splitlines() if "," in line)
    return {index.strip(): uuid.strip() for index, uuid in rows}
