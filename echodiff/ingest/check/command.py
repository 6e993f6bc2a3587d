"""`echodiff check`: look through a folder of unknown content before anything is run on it."""

from pathlib import Path
from typing import Annotated

import typer


def check(
    folder: Annotated[Path, typer.Argument(help="Folder of files.")],
    name: Annotated[str, typer.Option(help="Name of the dataset in the printed entry.")] = "my_data",
    cases: Annotated[int, typer.Option(min=0, help="Number of cases to try to read, evenly spread; 0: all.")] = 20,
    processes: Annotated[int, typer.Option(min=1, help="Processes that read cases.")] = 1,
    ids: Annotated[
        Path | None, typer.Option(help="CSV table to write: case ids and their files. It identifies patients.")
    ] = None,
) -> None:
    """Say which format a folder has, what is fine and what is not, and print the dataset entry to paste."""
    from echodiff.errors import InputError
    from echodiff.ingest.check.detect import contents, guesses, remedy
    from echodiff.ingest.check.ids import write_ids
    from echodiff.ingest.check.labels_on_trial import with_labels_on_trial
    from echodiff.ingest.check.patients import with_patients_on_trial
    from echodiff.ingest.check.report import entry, summary
    from echodiff.ingest.check.trial import find_cases, read_on_trial, spread

    if folder.is_file():
        raise InputError(f"{folder}: expected a folder, found a file; give the folder that holds it")
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder, found none; check the path")
    guess = next(guesses(folder), None)
    if guess is None:
        raise InputError(
            f"{folder}: expected CAMUS, EchoNet-Dynamic, DICOM, pictures, videos, or images in NIfTI, MetaImage or "
            f"NRRD, found {contents(folder)}; {remedy(folder)}"
        )
    found = find_cases(guess)
    trials = read_on_trial(guess, spread(found, cases), processes)
    guess = with_patients_on_trial(with_labels_on_trial(guess, trials), trials)
    print(summary(guess, trials, len(found)))
    print(f"\nEntry to add to `datasets` in the configuration:\n\n{entry(guess, name)}")
    if ids is not None:
        write_ids(ids, guess, name, found)
        print(
            f"\n{ids}: the ids that `echodiff ingest` gives {len(found)} cases of a dataset named {name}, with their "
            "files; it shows who is behind an id, so keep it where the files are"
        )
    if not any(trial.kept for trial in trials):
        raise InputError(f"{folder}: expected at least one usable case, found none among {len(trials)} read on trial")
