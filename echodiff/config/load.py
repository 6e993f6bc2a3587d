"""Reading, merging, checking and writing configurations."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from echodiff.config.faults import fault
from echodiff.config.root import Config
from echodiff.errors import ConfigError
from echodiff.store.atomic import atomic_path


def load_config(paths: Path | str | Sequence[Path | str], overrides: Mapping[str, Any] | None = None) -> Config:
    """Read one YAML file, or several of which later ones override earlier ones key by key, and check them.

    Raises:
        ConfigError: a file is missing or no YAML mapping, a key is unknown, a value does not fit; the sentence
            names the file and the key's path.
    """
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    merged: dict[str, Any] = {}
    for path in paths:
        merged = merge(merged, _read_yaml(Path(path)))
    return parse_config(merge(merged, overrides or {}), origin=" + ".join(str(path) for path in paths))


def parse_config(content: Mapping[str, Any], *, origin: str) -> Config:
    """Check a configuration that is already a mapping; `origin` names it in errors.

    Raises:
        ConfigError: as `load_config`.
    """
    try:
        return Config.model_validate(dict(content))
    except ValidationError as error:
        raise ConfigError(_sentence(error, origin)) from error


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over`; mappings are merged key by key, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        both_mappings = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merge(result[key], value) if both_mappings else value
    return result


def write_config(config: Config, folder: Path | str) -> Path:
    """Write the checked configuration, every default spelled out, as `<folder>/<hash of its content>.yaml`.

    The name follows the content, so that runs with other options never overwrite one another's file.
    """
    text = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path = Path(folder) / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.yaml"
    if not path.is_file():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return path


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: expected a configuration in YAML, found no such file; check the path")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: expected a configuration in YAML, could not read it ({reason})") from error
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: expected keys and values at the top level, found {type(content).__name__}; see config/README.md"
        )
    return content


def _sentence(error: ValidationError, origin: str) -> str:
    """All faults of a configuration in one line, each with its key's path."""
    return f"{origin}: " + "; ".join(fault(detail) for detail in error.errors(include_url=False))
