"""Cases read on trial: what ingest would make of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from echodiff.config.datasets import Dataset
from echodiff.config.image import Image
from echodiff.ingest.case import CaseReference
from echodiff.ingest.check.detect import Guess
from echodiff.ingest.readers import reader_of
from echodiff.ingest.work import CaseWork
from echodiff.ingest.workers import Lost, results_of
from echodiff.labels import STRUCTURES

TRIAL_SIZE = 64  # pixels of the frames that are made and thrown away
LARGEST = max(STRUCTURES.values())


@dataclass(frozen=True)
class Trial:
    """A case and its row of the case table."""

    case: CaseReference
    row: dict[str, Any]

    @property
    def kept(self) -> bool:
        """Whether ingest would keep the case."""
        return self.row["status"] == "kept"


def find_cases(guess: Guess) -> list[CaseReference]:
    """All cases of the folder.

    Raises:
        InputError: the folder is not of the guessed format after all.
    """
    return list(reader_of(dataset_of(guess)).find(guess.folder))


def read_on_trial(guess: Guess, cases: Sequence[CaseReference], processes: int) -> list[Trial]:
    """Read cases as ingest does, each in a process that it may take down with it, for `case_seconds` at most."""
    options = dict(guess.options)
    if "label_values" in options:  # which value means what is the user's to say: on trial any structure will do
        options["label_values"] = {value: min(place, LARGEST) for place, value in enumerate(options["label_values"])}
    if options.get("labels") == "predicted":  # the segmenter is trained in the run
        options["labels"] = "none"
    dataset = dataset_of(replace(guess, options=options))
    if dataset.lv_only:  # the shape model may not exist yet
        dataset = dataset.model_copy(update={"completion": "dilation"})
    work = CaseWork(dataset, Image(size=TRIAL_SIZE), None)
    results = results_of(work, cases, max(processes, 1), limit_s=dataset.case_seconds)
    rows = [
        {"status": "rejected", "reason": result.reason} if isinstance(result, Lost) else result.row
        for result in results
    ]
    return [Trial(case, row) for case, row in zip(cases, rows, strict=True)]


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
