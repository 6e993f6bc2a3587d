"""What passes between the steps of ingest: a case that was found, the frame that was read from it, or a reject."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from echodiff.labels import BACKGROUND, LV


class Reject(Exception):
    """A case that cannot be used; its one sentence says what was expected and found, and goes to the case table."""


class NoLabels(Reject):
    """A case without labels that somebody drew, where such are needed."""


UNKNOWN_SPACING = (float("nan"), float("nan"))  # (row, column) of a source that does not say


@dataclass(frozen=True)
class CaseReference:
    """A case as found in a folder, before any pixel is read."""

    name: str
    """Name in the source, unique within the dataset: a patient's folder, a file's path without its ending."""

    patient: str
    """The patient's name in the source; cases of one patient share it."""

    files: Mapping[str, Path] = field(default_factory=dict)
    """The case's files by role, such as "image" and "label"."""

    known: Mapping[str, Any] = field(default_factory=dict)
    """What tables of the folder say of this case, as the reader needs it."""


@dataclass(frozen=True)
class SourceFrame:
    """The end-diastolic frame of a case at its original size H x W."""

    image: NDArray[np.uint8]
    """(H, W) gray values."""

    mask: NDArray[np.uint8]
    """(H, W) labels 0..3."""

    sector: NDArray[np.bool_]
    """(H, W) true inside the tissue sector."""

    spacing_mm: tuple[float, float]
    """(row, column) size of a pixel; NaN where the source does not say."""

    ed_frame: int
    """Index of the frame in its cine, from 0."""

    ed_rule: str
    """The rule that found it."""

    ed_confidence: float
    """0..1, of that rule."""

    frames: int
    """Frames of the cine; 1 for a still."""

    label_source: str = "file"
    """"file", "completed" (MYO and LA estimated from LV), "predicted" by a segmenter, or "none"."""

    cropped: bool = False
    """Whether the frame was cut out to its sector before, so that it is not cropped once more."""

    details: Mapping[str, Any] = field(default_factory=dict)
    """Columns for the case table that the source gives: scanner, quality, ef, sex, age, frame_rate_hz, ..."""

    @property
    def lv_only(self) -> bool:
        """Whether the files' label map has no structure but the LV."""
        return self.label_source == "file" and bool(np.isin(self.mask, (BACKGROUND, LV)).all())


class Reader(Protocol):
    """One format: finds cases without reading pixels, then reads one case at a time."""

    def find(self, folder: Path) -> Iterator[CaseReference]:
        """All cases of a folder, in a fixed order; InputError where the folder is not of this format at all."""
        ...

    def read(self, case: CaseReference) -> SourceFrame:
        """Read one case. Raises Reject where it cannot be used."""
        ...
