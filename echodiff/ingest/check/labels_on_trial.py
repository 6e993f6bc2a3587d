"""What the label maps of the cases on trial say: values to be mapped, and structures that are missing."""

from collections.abc import Sequence
from dataclasses import replace

from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.trial import KNOWN, Trial, dataset_of
from echodiff.labels import LV, STRUCTURES


def with_labels_on_trial(guess: Guess, trials: Sequence[Trial]) -> Guess:
    """The guess with `label_values` where they are needed, and with remarks on the label maps."""
    values = sorted(frozenset().union(*(trial.values for trial in trials)))
    if not set(values) <= KNOWN and hasattr(dataset_of(guess), "label_values"):
        remark = (
            f"expected the label values 0 to 3, found {', '.join(map(str, values))}: "
            "write behind each in label_values 0 for background, 1 for LV, 2 for MYO or 3 for LA"
        )
        options = {**guess.options, "label_values": dict.fromkeys(values, 0)}
        return replace(guess, options=options, remarks=(*guess.remarks, remark))
    labelled = [trial.structures for trial in trials if trial.kept and trial.row["label_source"] == "file"]
    lone = sum(structures == {LV} for structures in labelled)
    if lone:
        options = {**guess.options, "completion": "shape"}
        return replace(guess, options=options, remarks=(*guess.remarks, _completed(lone, len(labelled))))
    return replace(guess, remarks=(*guess.remarks, *_missing(labelled)))


MEANING = "say in label_values what their values mean, if it is not 1 for LV, 2 for MYO and 3 for LA"


def _completed(lone: int, labelled: int) -> str:
    """What `completion: shape` does to the label maps that have the LV alone."""
    maps = "the label map" if labelled == 1 else f"{lone} of the {labelled} label maps"
    return (
        f"expected LV, MYO and LA, found the LV alone in {maps} on trial: with completion: shape, wall and atrium are "
        "estimated from it by the shapes of the training dataset, and marked in every table; leave it out to keep "
        f"label maps as they are, or {MEANING}"
    )


def _missing(labelled: Sequence[frozenset[int]]) -> list[str]:
    """The structures that no label map has, in one remark."""
    there = frozenset().union(*labelled)
    missing = [name for name, label in STRUCTURES.items() if label not in there]
    if not labelled or not missing:
        return []
    maps = "the label map" if len(labelled) == 1 else f"any of the {len(labelled)} label maps"
    return [
        f"expected LV, MYO and LA, found no {' and no '.join(missing)} in {maps} on trial: models draw from all three "
        "structures, and only label maps with the LV alone can be completed; add what is missing to the label maps, or "
        f"{MEANING}"
    ]
