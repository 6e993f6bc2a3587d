"""CAMUS's Info_4CH.cfg: lines `Key: value`, in the spellings of both releases."""

import math
from pathlib import Path
from typing import Any

MOST_FRAMES = 10_000  # of a sequence; a higher number is damage


def read_info(path: Path) -> dict[str, str]:
    """Key (lower case) -> value; lines of another form are skipped."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def ed_frame(info: dict[str, str]) -> int | None:
    """Index from 0 of the ED frame (the file counts from 1); None where it does not say."""
    number = _count(info.get("ed"))
    return None if number is None else number - 1


def frame_count(info: dict[str, str]) -> int | None:
    """Frames of the half sequence."""
    return _count(info.get("nbframe"))


def details(info: dict[str, str]) -> dict[str, Any]:
    """Columns of the case table: quality, EF in %, sex, age in years, frame rate in Hz."""
    return {
        "quality": info.get("imagequality", "").capitalize() or None,
        "ef": _number(info.get("ef", info.get("lvef"))),
        "sex": info.get("sex", "").upper()[:1] or None,
        "age": _number(info.get("age")),
        "frame_rate_hz": _number(info.get("framerate")),
    }


def _count(text: str | None) -> int | None:
    number = _number(text)
    return int(number) if number is not None and 1 <= number <= MOST_FRAMES else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
