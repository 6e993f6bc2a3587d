"""The table of pixel metrics: rows of comparison, subgroups, order, faults."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from echodiff.errors import InputError
from echodiff.evaluate.comparisons import COMPARISONS, LabelMeans, OtherPatients
from echodiff.evaluate.pixel_table import pixel_table


def _cases(images, patients=None, **columns):
    columns = {"frame_hash": images.case_id, **columns}
    return pd.DataFrame({"case_id": images.case_id, "patient": patients or images.case_id, **columns})


def _noisy(images):
    rng = np.random.default_rng(3)
    return replace(images, images=rng.integers(0, 256, images.images.shape, dtype=np.uint8))


def test_every_case_has_a_row_for_each_comparison(small_image_set):
    table = pixel_table(
        small_image_set, _noisy(small_image_set), _cases(small_image_set, quality="Good"), model="m", seed=1
    )
    assert table.groupby("case_id")["comparison"].apply(list).tolist() == [list(COMPARISONS)] * 6
    itself = table[table["comparison"] == "real_itself"]
    assert (itself["mse"] == 0).all() and (itself["psnr_db"] == np.inf).all()
    black = table[table["comparison"] == "all_black"].set_index("case_id")
    expected = np.mean((small_image_set.images[2] / 255.0) ** 2)
    assert black.loc["case002", "mse"] == pytest.approx(expected, rel=1e-10)
    assert set(table["quality"]) == {"Good"}


def test_rows_do_not_depend_on_order_or_number_of_cases(small_image_set):
    synthetic, cases = _noisy(small_image_set), _cases(small_image_set, quality=list("abcdef"))
    whole = pixel_table(small_image_set, synthetic, cases, model="m", seed=1)
    part = synthetic.select(["case004", "case001"])
    few = pixel_table(small_image_set, part, cases.iloc[::-1], model="m", seed=1)
    merged = whole.merge(few, on=["case_id", "comparison"], suffixes=("", "_few"))
    assert len(merged) == 2 * len(COMPARISONS)
    assert (merged["patient"] == merged["case_id"]).all() and set(merged["quality"]) == {"b", "e"}
    for name in ("mse", "ssim_lv", "compared_case", "patient", "quality"):
        pd.testing.assert_series_equal(merged[name], merged[f"{name}_few"], check_names=False)


def test_another_patient_is_never_the_same_patient():
    case_ids, patients = ["a1", "a2", "b1", "b2"], ["a", "a", "b", "b"]
    for seed in range(20):
        assert OtherPatients(case_ids, patients, seed=seed).of("a1") in ("b1", "b2")
    assert OtherPatients(["a1", "a2"], ["a", "a"], seed=0).of("a1") is None


def test_another_patient_is_never_a_twin(small_image_set):
    """Two patients with one frame: the copy would be a floor without any distance."""
    images = small_image_set.images.copy()
    images[1] = images[0]
    doubled = replace(small_image_set, images=images)
    cases = _cases(doubled, frame_hash=["twin", "twin", None, None, "", "e"])
    drawn = set()
    for seed in range(30):
        table = pixel_table(doubled.select(doubled.case_id), doubled, cases, model="m", seed=seed)
        rows = table[table["comparison"] == "another_patient"].set_index("case_id")
        assert (rows["mse"] > 0).all()
        drawn.add(rows.loc["case000", "compared_case"])
    assert drawn == {"case002", "case003", "case004", "case005"}


def test_a_dataset_of_one_patient_has_no_row_of_another(small_image_set):
    one = _cases(small_image_set, patients=["p"] * 6)
    table = pixel_table(small_image_set, _noisy(small_image_set), one, model="m", seed=1)
    assert table.loc[table["comparison"] == "another_patient", "mse"].isna().all()


def test_label_means_leave_the_painted_case_out(small_image_set):
    changed = small_image_set.images.copy()
    changed[0] = 255
    repainted = replace(small_image_set, images=changed)
    before = LabelMeans.of(small_image_set, small_image_set.case_id).paint(0, small_image_set)
    np.testing.assert_array_equal(LabelMeans.of(repainted, repainted.case_id).paint(0, repainted), before)
    lv = small_image_set.masks[0] == 1
    others = np.concatenate([small_image_set.images[i][lv] for i in range(1, 6)])
    assert before[lv][0] == np.rint(others.mean())
    assert (before[small_image_set.sectors[0] == 0] == 0).all()


def test_label_means_are_over_the_cases_that_have_the_structure(small_image_set):
    """Of the painted case's structures, one that no other case has is black."""
    masks = small_image_set.masks.copy()
    masks[2:][masks[2:] == 3] = 0
    images = replace(small_image_set, masks=masks)
    own = masks[0] == 3
    painted = LabelMeans.of(images, images.case_id).paint(0, images)
    assert set(painted[own]) == {np.rint(small_image_set.images[1][masks[1] == 3].mean())}
    alone = LabelMeans.of(images, [*"aabbcc"]).paint(0, images)
    assert set(alone[own]) == {0} and alone[masks[0] == 1].min() > 0


def test_label_means_leave_out_all_cases_of_the_patient(small_image_set):
    """With another frame of the same patient the floor would know something of him."""
    changed = small_image_set.images.copy()
    changed[1] = 255
    patients = ["a", "a", "b", "b", "c", "c"]
    painted = [
        LabelMeans.of(images, patients).paint(0, images)
        for images in (small_image_set, replace(small_image_set, images=changed))
    ]
    np.testing.assert_array_equal(*painted)
    table = pixel_table(small_image_set, small_image_set, _cases(small_image_set, ["p"] * 6), model="m", seed=0)
    assert table.loc[table["comparison"] == "label_mean", "mse"].isna().all()


def test_a_translation_of_other_cases_is_refused(small_image_set):
    stranger = replace(_noisy(small_image_set), case_id=[f"x{i}" for i in range(6)])
    cases = pd.concat([_cases(small_image_set), _cases(stranger)])
    with pytest.raises(InputError, match="found x0"):
        pixel_table(small_image_set, stranger, cases, model="m", seed=1)


def test_an_empty_translation_or_one_of_another_size_is_refused(small_image_set):
    smaller = replace(small_image_set, images=small_image_set.images[:, ::2, ::2])
    for synthetic, found in ((small_image_set.select([]), "an empty translation"), (smaller, r"\(32, 32\)")):
        with pytest.raises(InputError, match=f"found {found}"):
            pixel_table(small_image_set, synthetic, _cases(small_image_set), model="m", seed=1)


def test_a_case_without_a_row_in_the_case_table_is_refused(small_image_set):
    with pytest.raises(InputError, match="case005"):
        pixel_table(small_image_set, small_image_set, _cases(small_image_set).iloc[:-1], model="m", seed=1)
