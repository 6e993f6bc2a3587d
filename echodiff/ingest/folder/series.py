"""Numbered pictures of one folder as the frames of one cine: `frame_000.png`, `frame_001.png`, ..."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from echodiff.ingest.case import Reject
from echodiff.ingest.folder.stem import stem_of_image
from echodiff.ingest.readers.picture import STILLS

NUMBERED = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)  # before, the last number, after
PARTING = "_-. "


class SeriesKey(NamedTuple):
    """What the frames of a cine have in common."""

    folder: Path
    before: str
    after: str
    ending: str


def series_key(path: Path) -> SeriesKey | None:
    """The series of a picture; None of one without a number, and of other files."""
    match = NUMBERED.fullmatch(stem_of_image(path)) if path.suffix.lower() in STILLS else None
    return SeriesKey(path.parent, match[1], match[3], path.suffix.lower()) if match else None


def series_of(images: Iterable[Path]) -> dict[Path, tuple[Path, ...]]:
    """First frame -> all frames of each cine of at least two, in the order of their numbers."""
    found: Mapping[SeriesKey, list[Path]] = defaultdict(list)
    for path in images:
        key = series_key(path)
        if key is not None:
            found[key].append(path)
    ordered = [tuple(sorted(frames, key=lambda path: (number_of(path), path))) for frames in found.values()]
    return {frames[0]: frames for frames in ordered if len(frames) > 1}


def places_of(series: Mapping[Path, tuple[Path, ...]], folder: Path) -> dict[Path, str]:
    """First frame -> the cine's place in the folder: that of its folder, with its own name where several lie there."""
    in_folder = Counter(first.parent for first in series)
    places: dict[Path, str] = {}
    taken: set[str] = set()
    for first in series:
        key = series_key(first)
        name = f"{key.before}{key.after}".strip(PARTING) if key else ""
        inside = first.parent.relative_to(folder)
        alone = in_folder[first.parent] == 1 and inside != Path()
        place = (inside if alone else inside / (name or stem_of_image(first))).as_posix()
        places[first] = place if place not in taken else first.relative_to(folder).as_posix()
        taken.add(places[first])
    return places


def number_of(path: Path) -> int:
    """The last number in a picture's name."""
    match = NUMBERED.fullmatch(stem_of_image(path))
    return int(match[2]) if match else 0


def refuse_gaps(frames: Iterable[Path]) -> None:
    """Refuse a cine whose frames are not numbered at even distances: rules for end-diastole would lose the time.

    Raises:
        Reject: with the numbers.
    """
    numbers = [number_of(path) for path in frames]
    steps = [after - before for before, after in zip(numbers, numbers[1:], strict=False)]
    for place, step in enumerate(steps):
        if step == 0 or step != steps[0]:
            raise Reject(
                f"expected frames numbered at even distances, found {numbers[place + 1]} after {numbers[place]}; put "
                "the missing ones back, or number them anew"
            )
