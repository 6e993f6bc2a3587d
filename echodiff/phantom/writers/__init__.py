"""Writers: one patient's files in the layout of a scanner or an archive, and the row of what is true about them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from echodiff.phantom.machines import Machine


@dataclass(frozen=True)
class Job:
    """One patient to write: its number from 1, its seed, the frames of its cine, the dataset's folder and layout."""

    machine: Machine
    number: int
    seed: int
    frames: int
    folder: Path
    layout: str


@dataclass(frozen=True)
class Written:
    """What writing a patient gave: its row of truth.parquet, and rows of the tables that the whole dataset shares."""

    truth: dict[str, Any]
    tables: dict[str, list[list[Any]]] = field(default_factory=dict)  # file name -> rows


Writer = Callable[[Job], Written]
