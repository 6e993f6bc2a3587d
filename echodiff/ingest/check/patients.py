"""Whether files that were read on trial say whose they are, and whether many stills of a patient are one cine's."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.trial import Trial, file_of
from echodiff.ingest.readers.dicom_series import read_instance

MANY = 4  # studies of one patient, from which on they are rather those of many


def with_patients_on_trial(guess: Guess, trials: Sequence[Trial]) -> Guess:
    """The guess with a remark where one Patient ID stands for most studies, as de-identification may leave it, or where
    numbered stills are many.
    """
    if guess.format == "frames":
        return _of_frames(guess, trials)
    if guess.format != "dicom":
        return guess
    studies: dict[str, set[str]] = defaultdict(set)
    for trial in trials:
        instance = read_instance(trial.case.files["image"])
        if instance.study:
            studies[instance.patient].add(instance.study)
    most, total = max(map(len, studies.values()), default=0), sum(map(len, studies.values()))
    if most < MANY or 2 * most < total:
        return guess
    remark = (
        f"found one Patient ID in {most} of {total} studies on trial, which the split takes for one patient; if it "
        "stands for many, as ANONYMOUS after de-identification, write `patient: study` into the entry: each study is "
        "then a patient"
    )
    return replace(guess, remarks=(*guess.remarks, remark))


def _of_frames(guess: Guess, trials: Sequence[Trial]) -> Guess:
    numbered = [trial.case for trial in trials if trial.case.known["stills"] > 1]
    if not numbered:
        return guess
    first = max(numbered, key=lambda case: case.known["stills"])
    remark = (
        f"found {first.known['stills']} numbered stills of one patient in one folder, such as "
        f"{file_of(first, guess.folder)}, each of them a case; if they are frames of a cine, write `cine: folder` into "
        "the entry, or leave only the end-diastolic one there"
    )
    return replace(guess, remarks=(*guess.remarks, remark))
