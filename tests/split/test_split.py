"""Patients are divided reproducibly, in proportion, and never stand on both sides."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echodiff.config.split import Split
from echodiff.errors import InputError
from echodiff.split.files import read_subset
from echodiff.split.patients import check_split, split_patients, stratum
from echodiff.split.twins import groups_of, twins
from echodiff.store.table import read_table, write_table


def case_table(patients: int, cases_each: int = 1, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        (
            f"c{p:04d}_{k}",
            f"p{p:04d}",
            "kept",
            rng.choice(["Good", "Medium", "Poor", None]),
            rng.uniform(20, 70),
            f"{p:08x}{k:08x}",
        )
        for p in range(patients)
        for k in range(cases_each)
    ]
    return pd.DataFrame(rows, columns=["case_id", "patient", "status", "quality", "ef", "frame_hash"])


@settings(max_examples=40, deadline=None)
@given(patients=st.integers(2, 120), cases=st.integers(1, 3), seed=st.integers(0, 99), fraction=st.floats(0.05, 0.9))
def test_no_patient_on_both_sides_and_the_fraction_holds(patients, cases, seed, fraction):
    rows = split_patients(case_table(patients, cases), Split(validation_fraction=fraction, seed=seed))
    check_split(rows, "split")
    assert len(rows) == patients * cases
    validation = rows.loc[rows["subset"] == "validation", "patient"].nunique()
    assert validation == min(max(round(fraction * patients), 1), patients - 1)


def test_the_papers_division():
    rows = split_patients(case_table(450), Split())
    assert rows["subset"].value_counts().to_dict() == {"train": 405, "validation": 45}


def test_the_division_of_patients_without_twins_does_not_depend_on_their_frames():
    cases = case_table(60)
    unknown = split_patients(cases.assign(frame_hash=None), Split())
    assert (unknown["group"] == unknown["patient"]).all()
    assert unknown["subset"].equals(split_patients(cases, Split())["subset"])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), folds=st.sampled_from([None, 4]), links=st.integers(1, 12))
def test_patients_with_an_identical_frame_stay_together(seed, folds, links):
    cases = case_table(40, 2, seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(links):
        one, other = rng.choice(len(cases), 2, replace=False)
        cases.loc[other, "frame_hash"] = cases.loc[one, "frame_hash"]
    rows = split_patients(cases, Split(seed=seed, folds=folds, validation_fraction=0.3))
    check_split(rows, "split")
    assert (rows.groupby("frame_hash")[["subset", "group", "fold"]].nunique() == 1).all(axis=None)
    assert (rows.groupby("patient")[["subset", "group", "fold"]].nunique() == 1).all(axis=None)


def test_twins_of_twins_are_one_group():
    """b shares a frame with a, and another with c."""
    patients = pd.Series(["c", "b", "b", "a", "d"])
    frames = pd.Series(["2", "2", "1", "1", "3"])
    groups = groups_of(patients, frames)
    assert groups.tolist() == ["a", "a", "a", "a", "d"]
    assert twins(pd.DataFrame({"patient": patients, "group": groups})) == [["a", "b", "c"]]
    assert groups_of(patients, pd.Series([None, "", pd.NA, "", None])).tolist() == patients.tolist()


def test_order_of_the_table_does_not_matter_and_the_seed_does():
    cases = case_table(60)
    first = split_patients(cases, Split(seed=1))
    pd.testing.assert_frame_equal(first, split_patients(cases.sample(frac=1, random_state=3), Split(seed=1)))
    assert not first["subset"].equals(split_patients(cases, Split(seed=2))["subset"])


def test_every_fold_validates_each_patient_once():
    cases = case_table(53, 2)
    sides = [split_patients(cases, Split(folds=5, fold=fold)) for fold in range(5)]
    validated = sum((rows["subset"] == "validation").astype(int) for rows in sides)
    assert (validated == 1).all()
    sizes = [rows.loc[rows["subset"] == "validation", "patient"].nunique() for rows in sides]
    assert max(sizes) - min(sizes) <= 1


def test_strata_stay_in_proportion():
    rows = split_patients(case_table(400, seed=5), Split(validation_fraction=0.25))
    for _, group in rows.groupby("stratum"):
        assert abs((group["subset"] == "validation").sum() - 0.25 * len(group)) <= 1


def test_rejected_cases_are_left_out():
    cases = case_table(20)
    cases.loc[3, "status"] = "rejected"
    assert "c0003_0" not in set(split_patients(cases, Split())["case_id"])


@pytest.mark.parametrize(
    ("quality", "ef", "expected"),
    [
        ("Good", 60, "good/preserved"),
        (None, 45, "unknown/mildly_reduced"),
        ("Poor", None, "poor/unknown"),
        ("Medium", 40.9, "medium/reduced"),
        (np.nan, np.nan, "unknown/unknown"),
    ],
)
def test_stratum(quality, ef, expected):
    assert stratum(quality, ef) == expected


def test_too_few_patients_are_refused():
    with pytest.raises(InputError, match="expected at least 5 patients for 5 folds, found 3"):
        split_patients(case_table(3), Split(folds=5))
    with pytest.raises(InputError, match="at least 2 patients"):
        split_patients(case_table(1), Split())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda rows: pd.concat([rows, rows.head(1)]), "expected each case once, found c0000_0 twice"),
        (lambda rows: rows.assign(subset=["test", *rows["subset"][1:]]), "found test"),
        (lambda rows: rows[rows["subset"] == "train"], "one case of the subset 'validation', found none"),
        (lambda rows: rows[rows["subset"] == "validation"], "one case of the subset 'train', found none"),
    ],
)
def test_a_split_that_is_none_is_refused(change, found):
    with pytest.raises(InputError, match=found):
        check_split(change(split_patients(case_table(10), Split(validation_fraction=0.3))), "split")


def test_a_patient_on_both_sides_is_refused_when_read(tmp_path):
    rows = split_patients(case_table(10, 2), Split(validation_fraction=0.3))
    rows.loc[0, "subset"] = "validation" if rows.loc[0, "subset"] == "train" else "train"
    write_table(rows, tmp_path / "split.parquet")
    with pytest.raises(InputError, match="found patient p0000 in training and in validation"):
        read_subset(tmp_path / "split.parquet", "train")


def test_a_frame_on_both_sides_is_refused_when_read(tmp_path):
    rows = split_patients(case_table(10), Split(validation_fraction=0.3))
    one, other = (rows.index[rows["subset"] == subset][0] for subset in ("train", "validation"))
    rows.loc[other, "frame_hash"] = rows.loc[one, "frame_hash"]
    write_table(rows, tmp_path / "split.parquet")
    with pytest.raises(InputError, match="identical frames of c000._0 and c000._0 in training and in validation"):
        read_subset(tmp_path / "split.parquet", "train")


def test_command_says_which_patients_are_twins(tmp_path, run_echodiff):
    cases = case_table(20)
    cases.loc[7, "frame_hash"] = cases.loc[3, "frame_hash"]
    write_table(cases, tmp_path / "cases.parquet")
    arguments = ("split", "--config", "config/config.yaml", "--cases", tmp_path / "cases.parquet")
    result = run_echodiff(*arguments, "--output", tmp_path / "split.parquet")
    assert "split: p0003, p0007 have an identical frame and were kept together" in result.stdout


def test_command(tmp_path, run_echodiff):
    write_table(case_table(20), tmp_path / "cases.parquet")
    arguments = ("split", "--config", "config/config.yaml", "--cases", tmp_path / "cases.parquet")
    result = run_echodiff(*arguments, "--output", tmp_path / "split.parquet")
    assert result.returncode == 0, result.stderr
    assert "18 patients for training, 2 for validation" in result.stdout
    assert len(read_table(tmp_path / "split.parquet")) == 20
    assert len(read_subset(tmp_path / "split.parquet", "validation")) == 2


def test_command_names_the_missing_file(tmp_path, run_echodiff):
    result = run_echodiff(
        "split", "--config", "config/config.yaml", "--cases", tmp_path / "none.parquet", "--output", tmp_path / "s"
    )
    assert result.returncode == 1
    assert "none.parquet: expected a Parquet table, found no such file" in result.stderr
    assert "Traceback" not in result.stderr
