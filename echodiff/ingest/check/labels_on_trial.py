"""What the label maps of the cases on trial say: values to be mapped, and structures that are missing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from echodiff.ingest.check.dataset_json import NAME, named_values
from echodiff.ingest.check.detect import Guess
from echodiff.ingest.check.label_anatomy import USUAL, Numbering, commonest
from echodiff.ingest.check.trial import KNOWN, Trial, dataset_of
from echodiff.ingest.readers.itk import told_values
from echodiff.labels import BACKGROUND, LV, STRUCTURES


def with_labels_on_trial(guess: Guess, trials: Sequence[Trial]) -> Guess:
    """The guess with `label_values` where they are needed, and with remarks on the label maps."""
    values = sorted(frozenset().union(*(trial.values for trial in trials)))
    mapped = hasattr(dataset_of(guess), "label_values")
    images = [trial.case.files["image"] for trial in trials if trial.values and "image" in trial.case.files]
    named = named_values(images) if mapped else None
    if named and set(values) <= named.keys() | {BACKGROUND}:
        return _with(guess, *_of_names(named))
    if mapped and not set(values) <= KNOWN:
        return _with(guess, *_of_other_values(values, trials))
    labelled = [trial.structures for trial in trials if trial.kept and trial.row["label_source"] == "file"]
    lone = sum(structures == {LV} for structures in labelled)
    if lone:
        return _with(guess, {"completion": "shape"}, _completed(lone, len(labelled)))
    guess = _with(guess, *_of_other_places(trials, mapped=mapped))
    return replace(guess, remarks=(*guess.remarks, *_missing(labelled)))


def _with(guess: Guess, options: Mapping[str, Any], remark: str) -> Guess:
    remarks = (*guess.remarks, remark) if remark else guess.remarks
    return replace(guess, options={**guess.options, **options}, remarks=remarks)


def _of_names(named: Mapping[int, int]) -> tuple[dict[str, Any], str]:
    """Options and a remark where `dataset.json` names the values; empty where they are those that need no option."""
    if all(named.get(label) == label for label in STRUCTURES.values()) and named.keys() <= KNOWN:
        return {}, ""
    remark = f"label_values in the entry are what the names in {NAME} mean; {LOOK}"
    return {"label_values": {BACKGROUND: BACKGROUND, **dict(sorted(named.items()))}}, remark


def _of_other_values(values: Sequence[int], trials: Sequence[Trial]) -> tuple[dict[str, Any], str]:
    """Options and a remark for values that are not 0 to 3: filled in where the label maps tell what they mean."""
    found = f"expected the label values 0 to 3, found {told_values(values)}: "
    structures = [value for value in values if value != BACKGROUND]
    numbering, fits, maps = _numbering(trials)
    if len(structures) == 1:
        options = {"label_values": {BACKGROUND: BACKGROUND, structures[0]: LV}, "completion": "shape"}
        return options, f"{found}{told_values(structures)} was taken for the LV alone, which is completed; {LOOK}"
    # On trial each map's values were taken in their order: what they mean follows where all maps have the same.
    alike = all(set(trial.values) - {BACKGROUND} == set(structures) for trial in _complete(trials))
    if numbering and alike and len(structures) == len(numbering):
        options = {"label_values": {BACKGROUND: BACKGROUND, **dict(zip(structures, numbering, strict=True))}}
        return options, f"{found}label_values in the entry are what fits a heart in {fits} of {maps} label maps; {LOOK}"
    remark = f"{found}write behind each in label_values 0 for background, 1 for LV, 2 for MYO or 3 for LA"
    return {"label_values": dict.fromkeys(values, 0)}, remark


def _of_other_places(trials: Sequence[Trial], *, mapped: bool) -> tuple[dict[str, Any], str]:
    """Options and a remark for label maps whose structures do not lie as LV, MYO and LA do; empty where they do."""
    numbering, fits, maps = _numbering(trials)
    usual = sum(USUAL in trial.numberings for trial in trials)
    if 2 * usual >= maps:
        return {}, ""
    found = (
        "expected 1 for LV, 2 for MYO around it and 3 for LA below them, found structures that lie otherwise in "
        f"{maps - usual} of {maps} label maps on trial: "
    )
    if numbering is None or not mapped:
        return {}, f"{found}they may be numbered otherwise or turned over; look at them beside their frames"
    values = {BACKGROUND: BACKGROUND, **dict(zip(USUAL, numbering, strict=True))}
    return {"label_values": values}, f"{found}label_values in the entry are what fits in {fits}; {LOOK}"


def _numbering(trials: Sequence[Trial]) -> tuple[Numbering | None, int, int]:
    """What the three structures mean in most label maps that have all, if anything; in how many, of how many."""
    found = [trial.numberings for trial in _complete(trials)]
    numbering, fits = commonest(found)
    return (numbering if 2 * fits > len(found) else None), fits, len(found)


def _complete(trials: Sequence[Trial]) -> list[Trial]:
    """Those whose label maps, in the files, have all three structures."""
    labelled = [trial for trial in trials if trial.kept and trial.row["label_source"] == "file"]
    return [trial for trial in labelled if trial.structures == set(STRUCTURES.values())]


LOOK = "see that it is so, in results/figures/kept_<dataset>.png at the latest"
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
