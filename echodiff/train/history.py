"""What is noted while a model learns: one row for every few steps, kept in the checkpoint, written as Parquet."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from echodiff.store.table import write_table

COLUMNS = (
    "step",  # the last step of the row
    "epoch",  # passes over the training images, a fraction
    "seconds",  # of training, over all parts of a run that was interrupted
    "images_per_second",
    "loss_d",  # adversarial loss of the discriminator; ln 2 a term means undecided
    "logit_real",
    "logit_fake",
    "r1",  # half the squared gradient on real steps, of the steps that took it
    "r1_fake",
    "loss_g",  # adversarial loss of the generator
    "reconstruction",  # L1 distance to the image, in units of [-1, 1]
    "gradient_norm_g",
    "gradient_norm_d",
    "rate_g",
    "rate_d",
    "memory_gib",  # peak: of the GPU, or of the process on a CPU
    "validation_fd",  # Frechet distance of validation samples to the training images, in rows where it was measured
)


def refuse_unlisted(names: Iterable[str]) -> None:
    """Refuse measures that have no column, which would be lost without a word.

    Raises:
        ValueError: with their names.
    """
    unlisted = sorted(set(names) - set(COLUMNS))
    if unlisted:
        raise ValueError(
            f"history: expected measures that have a column, found {', '.join(unlisted)}; add it to COLUMNS in "
            "echodiff/train/history.py"
        )


@dataclass
class History:
    """Rows of COLUMNS; what a model does not have (no discriminator), or was not measured, is NaN."""

    rows: list[list[float]] = field(default_factory=list)

    def append(self, values: Mapping[str, float]) -> None:
        """Add a row.

        Raises:
            ValueError: a value is of no column.
        """
        refuse_unlisted(values)
        self.rows.append([float(values.get(name, math.nan)) for name in COLUMNS])

    def state_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {"columns": list(COLUMNS), "rows": torch.tensor(self.rows, dtype=torch.float64)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "History":
        """The history of a checkpoint; new columns are NaN, those that are no more are left out."""
        history = cls()
        for row in state["rows"].tolist():
            values = dict(zip(state["columns"], row, strict=True))
            history.append({name: value for name, value in values.items() if name in COLUMNS})
        return history

    @property
    def last(self) -> dict[str, float]:
        """The last row, without what is NaN."""
        row = zip(COLUMNS, self.rows[-1], strict=True)
        return {name: value for name, value in row if not math.isnan(value)}

    def write(self, path: Path) -> None:
        """Write as Parquet, `step` as an integer."""
        frame = pd.DataFrame(self.rows, columns=list(COLUMNS)).astype({"step": "int64"})
        write_table(frame, path)


class RunningMeans:
    """Means of named numbers between two rows of the history, kept on the device so that no step waits for them."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add a step's values.

        Raises:
            ValueError: a value is of no column of the history; so a new loss is missed at its first step.
        """
        refuse_unlisted(values)
        for name, value in values.items():
            value = value.detach().double()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """The means so far."""
        return {name: total.item() / self._counts[name] for name, total in self._sums.items()}

    def clear(self) -> None:
        """Begin anew."""
        self._sums, self._counts = {}, {}
