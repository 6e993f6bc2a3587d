"""CAMUS's Info_4CH.cfg: lines `Key: value`, in the spellings of both releases."""

from pathlib import Path
from typing import Any


def read_info(path: Path) -> dict[str, str]:
    """Key (lower case) -> value; lines of another form are skipped."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def ed_frame(info: dict[str, str]) -> int | None:
    """Index from 0 of the ED frame (the file counts from 1); None where it does not say."""
    number = _number(info.get("ed"))
    return int(number) - 1 if number is not None and number >= 1 else None


def frame_count(info: dict[str, str]) -> int | None:
    """Frames of the half sequence."""
    number = _number(info.get("nbframe"))
    return int(number) if number is not None and number >= 1 else None


def details(info: dict[str, str]) -> dict[str, Any]:
    """Columns of the case table: quality, EF in %, sex, age in years, frame rate in Hz."""
    return {
        "quality": info.get("imagequality", "").capitalize() or None,
        "ef": _number(info.get("ef", info.get("lvef"))),
        "sex": info.get("sex", "").upper()[:1] or None,
        "age": _number(info.get("age")),
        "frame_rate_hz": _number(info.get("framerate")),
    }


def _number(text: str | None) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
