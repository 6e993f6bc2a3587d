"""Which file a case id of the outputs stands for: for the eyes of whoever holds the files."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from echodiff.ingest.case import CaseReference
from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.trial import dataset_of
from echodiff.ingest.identity.names import Names, writable
from echodiff.ingest.run import key_of
from echodiff.store.atomic import atomic_path

BETWEEN = "; "  # the files of a case


def write_ids(path: Path, guess: Guess, name: str, cases: Sequence[CaseReference]) -> None:
    """Write a CSV with the id that ingest gives each case, and its files as paths in the folder; for its owner alone.

    Args:
        path: the table, with the columns `case_id` and `files`.
        guess: format, folder and options of the dataset.
        name: the dataset's name, on which hashed ids depend.
        cases: as found in the folder.

    Raises:
        OutputError: the table, or a new key of the ids, cannot be written.
    """
    dataset = dataset_of(guess)
    names = Names(name, dataset.case_ids, key_of(dataset))
    rows = sorted((names.case(case), _files(case, guess.folder)) for case in cases)
    with atomic_path(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("case_id", "files"), *rows])


def _files(case: CaseReference, folder: Path) -> str:
    """The case's files, or its name in the source where it has none."""
    return writable(BETWEEN.join(os.path.relpath(path, folder) for path in case.files.values()) or case.name)
