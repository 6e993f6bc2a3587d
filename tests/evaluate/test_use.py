"""Use: who learns from what, and that no held-out patient is among it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from echodiff.errors import InputError
from echodiff.evaluate.use import arm_of, epochs_of, part_of_patients
from echodiff.store.image_set import ImageSet


def _set(ids, gray, **attributes):
    planes = np.full((3, len(ids), 8, 8), gray, np.uint8)
    return ImageSet(*planes, np.ones((len(ids), 2), np.float32), ids, attributes)


@pytest.fixture
def split():
    """Twenty patients of two cases each, every fifth patient held out."""
    rows = [
        {"case_id": f"p{i:02d}{part}", "patient": f"p{i:02d}", "subset": "validation" if i % 5 == 0 else "train"}
        for i in range(20)
        for part in "ab"
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def real(split):
    return _set(split["case_id"].tolist(), 1, dataset="camus", kind="dataset")


@pytest.fixture
def synthetic(split):
    """Of another dataset three images, and one from each label map of a training patient."""
    training = split.loc[split["subset"] == "train", "case_id"].tolist()
    same = {"kind": "translation", "model": "m"}
    return [_set(["v1", "v2", "v3"], 2, dataset="vscan", **same), _set(training, 3, dataset="camus", **same)]


def test_shares_are_of_whole_training_patients_and_nested(split):
    parts = {percent: part_of_patients(split, percent, seed=1) for percent in (1, 25, 50, 100)}
    assert [len(part) for part in parts.values()] == [2, 8, 16, 32]
    assert set(parts[1]) < set(parts[25]) < set(parts[50]) < set(parts[100])
    assert set(parts[100]) == set(split.loc[split["subset"] == "train", "case_id"])
    assert all(f"{case[:3]}{part}" in parts[25] for case in parts[25] for part in "ab")
    assert parts[25] == part_of_patients(split.iloc[::-1], 25, seed=1) != part_of_patients(split, 25, seed=2)


def _grays(arm):
    return {
        int(gray): int(count)
        for gray, count in zip(*np.unique(arm.images.images[:, 0, 0], return_counts=True), strict=True)
    }


def test_arms_have_the_images_that_they_name(split, real, synthetic):
    arms = {
        name: arm_of(name, real, [] if name == "real" else synthetic, split, percent=25, seed=1)
        for name in ("real", "synthetic", "both")
    }
    assert _grays(arms["real"]) == {1: 8}
    assert _grays(arms["synthetic"]) == {2: 3, 3: 32}  # label maps of all training patients, no real image
    assert _grays(arms["both"]) == {1: 8, 2: 3, 3: 8}  # of the chosen patients only
    counts = {name: (arm.n_real, arm.n_synthetic) for name, arm in arms.items()}
    assert counts == {"real": (8, 0), "synthetic": (0, 35), "both": (8, 11)}


def test_guides_of_held_out_patients_are_refused(split, real, synthetic):
    leaked = replace(synthetic[1], case_id=["p05a", *synthetic[1].case_id[1:]])
    with pytest.raises(InputError, match="p05a.*held out"):
        arm_of("both", real, [synthetic[0], leaked], split, percent=50, seed=1)
    with pytest.raises(InputError, match="expected synthetic images for the arm 'synthetic'"):
        arm_of("synthetic", real, [], split, percent=100, seed=1)


@pytest.mark.parametrize(("n", "expected"), [(8, 100), (9, 50), (800, 1), (100_000, 1)])
def test_every_arm_takes_about_as_many_steps(n, expected):
    assert epochs_of(100, n, 8) == expected
