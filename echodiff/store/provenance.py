"""Where a result comes from: the program's version, the stage and its options, never a path or a name of a person."""

import hashlib
import json
import platform
from collections.abc import Mapping
from typing import Any

from echodiff import __version__


def provenance(stage: str, options: Mapping[str, Any]) -> str:
    """A JSON text for a result's attributes.

    It holds no time and no host, so that the same run gives the same bytes again.
    """
    record = {
        "program": "echodiff",
        "version": __version__,
        "python": platform.python_version(),
        "stage": stage,
        "options": dict(options),
    }
    return json.dumps(record, sort_keys=True, default=str)


def seed_of(*parts: object) -> int:
    """A 63-bit seed that depends on `parts` alone: the same on every machine, in every order of work.

    Used for each case's own noise: `seed_of(seed, case_id, sample)`.
    """
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
