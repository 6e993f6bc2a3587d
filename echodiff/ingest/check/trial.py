"""Cases read on trial: what ingest would make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.ingest.case import CaseReference
from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.label_anatomy import Numbering, fitting
from echodiff.ingest.check.label_content import label_values
from echodiff.ingest.processes.work import CaseWork
from echodiff.ingest.processes.workers import Lost, results_of
from echodiff.ingest.readers import reader_of
from echodiff.labels import BACKGROUND, LABELS, STRUCTURES

TRIAL_SIZE = 64  # pixels of the frames that are made and thrown away
LARGEST = max(LABELS)
KNOWN = frozenset(LABELS)


@dataclass(frozen=True)
class Trial:
    """A case and what reading it gave."""

    case: CaseReference
    row: dict[str, Any]
    """Its row of the case table."""
    values: frozenset[int] = frozenset()
    """Values in its label map; none where it has no label map, or one that cannot be read."""
    structures: frozenset[int] = frozenset()
    """Labels on its end-diastolic frame; none where it was rejected."""
    numberings: frozenset[Numbering] = frozenset()
    """What its labels 1, 2 and 3 may mean, by their places; none where it lacks one of them or has no label map."""

    @property
    def kept(self) -> bool:
        """Whether ingest would keep the case."""
        return self.row["status"] == "kept"


@dataclass
class TrialWork:
    """What a process does with a case on trial; it carries options only, so that it can be sent to one."""

    dataset: Dataset

    def __call__(self, case: CaseReference) -> Trial:
        """Read one case. Never raises: what goes wrong is the reason in its row."""
        values = label_values(case.files["label"]) if "label" in case.files else frozenset()
        dataset = self.dataset
        if hasattr(dataset, "label_values") and not values <= KNOWN:
            # Which value means what is the user's to say: on trial any structure will do.
            mapping = {value: min(place, LARGEST) for place, value in enumerate(sorted(values))}
            dataset = dataset.model_copy(update={"label_values": mapping})
        result = CaseWork(dataset, Image(size=TRIAL_SIZE), None)(case)
        labels = () if result.frame is None else map(int, np.unique(result.frame.mask))
        structures = frozenset(labels) - {BACKGROUND}
        drawn = structures == set(STRUCTURES.values()) and result.row["label_source"] == "file"
        numberings = fitting(result.frame.mask, result.frame.sector) if drawn else frozenset()
        return Trial(case, result.row, values, structures, numberings)


def find_cases(guess: Guess) -> list[CaseReference]:
    """All cases of the folder.

    Raises:
        InputError: the folder is not of the guessed format after all.
    """
    return list(reader_of(dataset_of(guess)).find(guess.folder))


def read_on_trial(guess: Guess, cases: Sequence[CaseReference], processes: int) -> list[Trial]:
    """Read cases as ingest does, each in a process that it may take down with it, for `case_seconds` at most."""
    dataset = dataset_of(guess)
    if dataset.labels == "predicted":  # the segmenter is trained in the run
        dataset = dataset.model_copy(update={"labels": "none"})
    if dataset.completes:  # the shape model may not exist yet
        dataset = dataset.model_copy(update={"completion": "dilation"})
    results = results_of(TrialWork(dataset), cases, max(processes, 1), limit_s=dataset.case_seconds)
    return [
        Trial(case, {"status": "rejected", "reason": result.reason}) if isinstance(result, Lost) else result
        for case, result in zip(cases, results, strict=True)
    ]


def spread(cases: Sequence[CaseReference], most: int) -> list[CaseReference]:
    """At most `most` of the cases (0: all), evenly spread."""
    if most <= 0 or most >= len(cases):
        return list(cases)
    return [cases[index * len(cases) // most] for index in range(most)]


def dataset_of(guess: Guess) -> Dataset:
    """The dataset entry that the guess stands for."""
    return TypeAdapter(Dataset).validate_python({"format": guess.format, "folder": guess.folder, **guess.options})


def file_of(case: CaseReference, folder: Path) -> str:
    """The case's image as a path inside the folder, or the case's name where it has none."""
    path = next(iter(case.files.values()), None)
    return case.name if path is None else Path(path).relative_to(folder).as_posix()
