"""Files of tensors and plain values: whole or not at all, read without running any code that they may contain."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from echodiff.errors import InputError
from echodiff.store.atomic import atomic_path


def save_file(content: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values as one file, whole or not at all.

    Raises:
        OutputError: it cannot be written; what lay there before is untouched.
    """
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        try:
            torch.save(dict(content), file)
        except RuntimeError as error:  # torch hides the system's error behind its own
            raise OSError(f"writing failed: {error.__cause__ or error.__context__ or error}") from error


def load_file(path: Path | str, *, kind: str, schema_version: int, device: torch.device | str) -> dict[str, Any]:
    """Read a file written by `save_file`, without running any code that it may contain.

    Raises:
        InputError: it is missing, damaged, no file of this kind, or of another schema version.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: expected a file of '{kind}', found no such file; run the stage that makes it")
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).split("\n")[0][:200]
        raise InputError(
            f"{path}: expected a file of '{kind}', could not read it ({reason}); delete it and run again"
        ) from error
    found = content.get("kind") if isinstance(content, dict) else type(content).__name__
    if found != kind:
        raise InputError(f"{path}: expected a file of '{kind}', found {found!r}; delete it and run again")
    if content.get("schema_version") != schema_version:
        raise InputError(
            f"{path}: expected schema version {schema_version}, found {content.get('schema_version')}; "
            "finish with the version of the program that wrote it, or delete it and run again"
        )
    return content
