"""Checkpoints: everything that is needed to go on with a training as if it had not been interrupted.

A file holds the weights, their running mean, both optimisers, the step, the history, the options that decide what is
learned and the fingerprints of the training images and of the code that learns. No random state: every step's numbers
are a function of the seed and the step. Its name is made from options, images, code and schema version, so that a
training with other ones begins anew and leaves it alone. It loads with `weights_only=True`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from echodiff.config.models import Model
from echodiff.errors import InputError
from echodiff.store.source_code import code_fingerprint
from echodiff.store.torch_file import load_file

SCHEMA_VERSION = 2
KIND = "echodiff training"
# The code that decides what is learned; the loop around it, files and speed may change on the way.
LEARNING = (
    "diffusion",
    "labels.py",
    "store/intensity.py",
    "store/provenance.py",
    "train/augment.py",
    "train/data.py",
    "train/draws.py",
    "train/generator_file.py",
    "train/objective.py",
    "train/state.py",
    "train/step.py",
)


def checkpoint_path(folder: Path, model: Model, data_fingerprint: str, size: int) -> Path:
    """Where the training of `model` on these images is kept."""
    parts = [SCHEMA_VERSION, model.learned_from(), data_fingerprint, size, code_fingerprint(*LEARNING)]
    text = json.dumps(parts, sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.pt"


def load_checkpoint(path: Path, model: Model, data_fingerprint: str) -> dict[str, Any]:
    """Read the checkpoint of this training.

    Raises:
        InputError: as `load_file`, or it belongs to other options, images or code.
    """
    content = load_file(path, kind=KIND, schema_version=SCHEMA_VERSION, device="cpu")
    reason = why_not(content, model, data_fingerprint)
    if reason:
        raise InputError(f"{path}: expected a checkpoint of this training, found one {reason}; delete it and run again")
    return content


def why_not(content: Mapping[str, Any], model: Model, data_fingerprint: str) -> str:
    """Why a checkpoint cannot be gone on with, in words; empty where it can."""
    differing = _differences(content["model"], model.learned_from())
    if differing:
        return "with " + ", ".join(differing)
    if content["data_fingerprint"] != data_fingerprint:
        return "of other training images"
    return "" if content.get("code") == code_fingerprint(*LEARNING) else "of other code"


def explain_others(folder: Path, own: Path, model: Model, data_fingerprint: str) -> list[str]:
    """A sentence for each other checkpoint of the folder: why it is not gone on with."""
    sentences = []
    for path in sorted(folder.glob("*.pt")):
        if path != own:
            try:
                content = load_file(path, kind=KIND, schema_version=SCHEMA_VERSION, device="meta")
                reason = why_not(content, model, data_fingerprint) or "of another image size"
            except InputError as error:
                reason = str(error).removeprefix(f"{path}: ")
            sentences.append(f"{path}: not gone on with, it is a checkpoint {reason}")
    return sentences


def remove_remains(folder: Path) -> None:
    """Remove what a killed process left half written."""
    for path in folder.glob(".*.pt.*.tmp"):
        path.unlink(missing_ok=True)


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """`key = old, now new` for every option that differs."""
    result = []
    for key in sorted(old.keys() | new.keys()):
        a, b = old.get(key), new.get(key)
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            result += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            result.append(f"{prefix}{key} = {a} (now {b})")
    return result
