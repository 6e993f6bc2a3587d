"""A dataset of nnU-Net (Isensee et al. 2021), in the raw format of its version 2.

`imagesTr`, `labelsTr` and `dataset.json`; held-out cases in `imagesTs` and `labelsTs`. `splits_final.json` has folds
for nnU-Net's cross-validation that keep patients apart, which its own random folds do not.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from echodiff.errors import InputError
from echodiff.export.cases import Case, flat_name
from echodiff.export.pictures import save_nifti
from echodiff.labels import STRUCTURES

ENDING = ".nii.gz"
FOLDS = 5  # nnU-Net's own number


def write_nnunet(folder: Path, case: Case) -> dict[str, str]:
    """`imagesTr/<name>_0000.nii.gz` and `labelsTr/<name>.nii.gz`, 2D, of held-out cases in `imagesTs` and `labelsTs`.

    Raises:
        InputError: another case has the same name once signs are taken out.
        OSError: a file cannot be written.
    """
    side, name = "Ts" if case.held_out else "Tr", flat_name(case.name)
    files = {"image": f"images{side}/{name}_0000{ENDING}", "label_map": f"labels{side}/{name}{ENDING}"}
    for file, plane in zip(files.values(), (case.image, case.mask), strict=True):
        path = folder / file
        if path.exists():
            raise InputError(
                f"{case.name}: expected ids that differ in letters and digits, found two of the name {name}; "
                "export in another format"
            )
        path.parent.mkdir(exist_ok=True)
        save_nifti(path, plane, case.spacing_mm)
    return files


def finish_nnunet(folder: Path, cases: Sequence[Case]) -> None:
    """`dataset.json` and, where a split tells the patients of real cases, `splits_final.json`."""
    training = [case for case in cases if not case.held_out]
    description = {
        "channel_names": {"0": "ultrasound"},
        "labels": {"background": 0, **STRUCTURES},
        "numTraining": len(training),
        "file_ending": ENDING,
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=2) + "\n")
    folds = patient_folds(training)
    if folds:
        (folder / "splits_final.json").write_text(json.dumps(folds, indent=2) + "\n")


def patient_folds(training: Sequence[Case]) -> list[dict[str, list[str]]]:
    """Folds that judge on real cases of patients who are not learned from, neither as they are nor as guides.

    Each fold's `val` are the real cases of every fifth patient; `train` is everything else but the synthetic images
    that these patients' label maps guided. None where fewer than two patients are known.
    """
    patients = sorted({case.group for case in training if case.group is not None and not case.is_synthetic})
    count = min(FOLDS, len(patients))
    if count < 2:
        return []
    folds = []
    for fold in range(count):
        judged = set(patients[fold::count])
        val = [flat_name(case.name) for case in training if case.group in judged and not case.is_synthetic]
        train = [flat_name(case.name) for case in training if case.group not in judged]
        folds.append({"train": sorted(train), "val": sorted(val)})
    return folds
