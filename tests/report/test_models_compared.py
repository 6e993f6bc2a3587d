"""Subgroups, paired tests and the ablation table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from echodiff.config.load import parse_config
from echodiff.errors import ConfigError, InputError
from echodiff.evaluate.diversity_table import PATIENTS, SAMPLES
from echodiff.evaluate.extreme import DEFORMATIONS, extreme_guides
from echodiff.evaluate.extreme_table import extreme_table
from echodiff.evaluate.physics_distance import physics_distance
from echodiff.report import physics, scores
from echodiff.report.ablation import COLUMNS, ablation, is_best
from echodiff.report.extreme import extreme, extreme_sheet
from echodiff.report.inputs import read_kinds
from echodiff.report.measures import mean_of_independent
from echodiff.report.paired_tests import paired_tests
from echodiff.report.scores import HIGHER, LOWER, NEITHER
from echodiff.report.subgroups import subgroups

DATASETS = {name: {"format": "camus", "folder": "x", "title": name.upper()} for name in ("camus", "vscan", "echo")}


def _config(**report):
    models = {name: {"preset": "fast"} for name in ("first", "second")}
    content = {"training_dataset": "camus", "datasets": DATASETS, "models": models, "report": report}
    return parse_config(content, origin="test")


@pytest.fixture
def pixel():
    """Fifteen cases a dataset; the second model is 1 dB and 0.1 better in every case, and has a row of a floor.

    Fewer than 14 tied differences would be permuted by scipy, which takes seconds.
    """
    rng = np.random.default_rng(0)
    rows = []
    for dataset in DATASETS:
        for i in range(15):
            base = rng.normal(15, 2)
            names = {"dataset": dataset, "case_id": f"{dataset}{i}", "quality": "Good" if i < 12 else "Poor"}
            ef = [39.9, (40.0, 49.9)[i % 2], 50.0][i % 3]  # the ends of the bands
            names |= {"ef": ef if dataset == "camus" else np.nan, "scanner": "one"}
            for model, more in (("first", 0), ("second", 1)):
                scores = {"psnr_sector_db": base + more, "ssim_sector": 0.3 + more / 10}
                rows.append(names | scores | {"model": model, "comparison": "synthetic"})
                rows.append(names | {"psnr_sector_db": 0.0, "ssim_sector": 0.0, "model": model, "comparison": "floor"})
    return pd.DataFrame(rows)


@pytest.fixture
def fidelity(pixel):
    rows = pixel.loc[pixel["comparison"] == "synthetic", ["dataset", "case_id", "model"]].assign(kind="translation")
    dice = np.random.default_rng(1).uniform(0.8, 0.9, len(rows))
    return rows.assign(dice_lv=dice, dice_lv_myo=dice, dice_la=dice)


@pytest.fixture
def cases(pixel):
    """The case tables; one label map of `vscan` was predicted."""
    rows = pixel[["dataset", "case_id"]].drop_duplicates(ignore_index=True).assign(status="kept", label_source="file")
    rows.loc[rows["case_id"] == "vscan3", "label_source"] = "predicted"
    return rows.assign(patient=rows["case_id"], frame_hash="")


def test_tables_mark_datasets_with_labels_that_no_file_gave(pixel, fidelity, cases):
    """In every table that compares models; nothing is marked where all labels are of files."""
    scores = {"pixel": pixel, "fidelity": fidelity}
    for labels, mark, count in ((cases, " †", 1), (cases.assign(label_source="file"), "", 0)):
        tables = (
            (
                subgroups(scores, labels, _config()),
                "heading",
                f"VSCAN{mark}, model first",
                "CAMUS, model first",
            ),
            (paired_tests(scores, labels, _config()), "group", f"VSCAN{mark}", "ECHO"),
            (ablation({"pixel": pixel}, labels, _config()), "group", f"All translated datasets{mark}", "CAMUS"),
            (ablation({"pixel": pixel}, labels, _config()), "group", f"VSCAN{mark}", "ECHO"),
            (
                paired_tests(scores, labels, _config()),
                "group",
                f"All translated datasets{mark}",
                "CAMUS",
            ),
        )
        for table, column, marked, plain in tables:
            assert {marked, plain} <= set(table.cells[column]), table.name
            assert len([note for note in table.notes if "VSCAN: 1 predicted of 15" in note]) == count


def test_subgroups_are_means_over_their_own_cases_and_small_ones_say_so(pixel, fidelity, cases):
    table = subgroups({"pixel": pixel, "fidelity": fidelity}, cases, _config())
    data = table.data.set_index(["model", "dataset", "factor", "group"]).sort_index()
    own = pixel.query("comparison == 'synthetic' and model == 'first' and dataset == 'camus'")
    row = data.loc[("first", "camus", "quality", "Good")]
    assert (row["n"], row["psnr_sector_db"]) == (12, pytest.approx(own["psnr_sector_db"].head(12).mean()))
    assert row["dice_lv_low"] < row["dice_lv"] < row["dice_lv_high"]
    small = data.loc[("first", "camus", "quality", "Poor")]
    assert small["n"] == 3 and np.isnan(small["psnr_sector_db_low"])
    assert "3, fewer than 5 patients" in table.cells["n"].tolist()
    bands = data.loc[("first", "camus", "ef")].index.tolist()
    assert bands == ["40 to 49 %", "50 % and more", "below 40 %"]
    assert data.loc[("first", "camus", "ef"), "n"].tolist() == [5, 5, 5]
    assert not {"scanner"} & set(table.data["factor"])  # one scanner is no subgroup
    assert data.loc[("first", "vscan")].index.get_level_values(0).unique().tolist() == ["", "quality"]


def test_subgroups_stand_beside_the_floor_of_their_own_cases(pixel, fidelity, cases):
    """A floor of other cases, or of all, would not say that a group is easier without any model."""
    others = pixel[pixel["comparison"] == "synthetic"].assign(comparison="another_patient")
    others["psnr_sector_db"] = np.where(others["quality"] == "Good", 12.0, 9.0)
    table = subgroups({"pixel": pd.concat([pixel, others]), "fidelity": fidelity}, cases, _config())
    data = table.data.set_index(["model", "dataset", "factor", "group"]).sort_index()
    floors = data["floor_psnr_sector_db"]
    assert (floors["first", "camus", "quality", "Good"], floors["second", "echo", "quality", "Poor"]) == (12, 9)
    assert floors["first", "vscan", "", "All cases"] == pytest.approx((12 * 12 + 3 * 9) / 15)
    assert [column.spanner for column in table.columns if column.key.startswith("floor_")] == 2 * [scores.FLOOR]
    without = subgroups({"pixel": pixel}, cases, _config())
    assert set(without.cells["floor_ssim_sector"]) == {"-"}


def test_subgroups_say_how_many_guides_have_the_structure(pixel, fidelity, cases):
    """A mean over the cases that are left is not one over N."""
    fidelity.loc[fidelity["case_id"].isin(["camus0", "camus1"]), "dice_la"] = np.nan
    table = subgroups({"pixel": pixel, "fidelity": fidelity}, cases, _config())
    row = (table.data[["model", "dataset", "group"]] == ["first", "camus", "All cases"]).all(axis=1).argmax()
    assert table.data.loc[row, ["n", "dice_la_n", "dice_lv_n"]].tolist() == [15, 13, 15]
    assert table.cells.loc[row, "dice_la"].endswith("] (N 13)") and "(N" not in table.cells.loc[row, "dice_lv"]


def test_subgroups_do_without_mask_fidelity(pixel, cases):
    assert not any("dice" in column for column in subgroups({"pixel": pixel}, cases, _config()).data)


def test_without_a_known_factor_there_is_the_row_of_all_cases(pixel, cases):
    table = subgroups({"pixel": pixel.drop(columns=["quality", "scanner", "ef"])}, cases, _config())
    assert set(table.data["group"]) == {"All cases"} and table.data["n"].tolist() == [15] * 6


def test_paired_tests_find_the_model_that_is_better_in_every_case(pixel, fidelity, cases):
    table = paired_tests({"pixel": pixel, "fidelity": fidelity}, cases, _config())
    data = table.data.set_index(["dataset", "score"])
    assert set(table.data["model"]) == {"second"}
    row = data.loc[("vscan", "psnr_sector_db")]
    assert (row["n"], row["difference"], row["effect"]) == (15, pytest.approx(1), 1)
    assert row["p"] < 0.001 < row["p_holm"] < 0.05
    cells = table.cells[(table.cells["group"] == "VSCAN †") & (table.cells["score"] == "In the sector: PSNR, dB")]
    printed = ["15", "+1.00", "+1.00", "< 0.001", f"{row['p_holm']:.3f}"]
    assert cells[["n", "difference", "effect", "p", "p_holm"]].to_numpy().tolist() == [printed]
    assert table.highlight == np.flatnonzero(table.data["p_holm"] < 0.05).tolist()
    assert data.loc[("all", "psnr_sector_db"), "n"] == 30  # of the translated datasets, not of the training dataset
    assert data.loc[("vscan", "dice_lv"), "p_holm"] > 0.05
    turned = paired_tests({"pixel": pixel, "fidelity": fidelity}, cases, _config(ablation={"against": "second"})).data
    assert turned.set_index(["dataset", "score"]).loc[("vscan", "psnr_sector_db"), "effect"] == -1


@pytest.mark.parametrize(
    "better, best, said",
    [
        (HIGHER, ["second"], "higher is better for every score."),
        (LOWER, ["first"], "higher is better for In the sector: PSNR, dB; lower is better for In the sector: SSIM."),
        (NEITHER, [], "neither end is better for In the sector: SSIM."),
    ],
)
def test_a_score_says_itself_which_end_is_better(pixel, cases, monkeypatch, better, best, said):
    """The second model has the higher numbers in every case."""
    psnr, ssim = scores.PIXEL_SCORES
    monkeypatch.setattr(scores, "PIXEL_SCORES", (psnr, replace(ssim, better=better)))
    rows = ablation({"pixel": pixel}, cases, _config()).data
    assert rows.loc[rows["ssim_sector_best"], "model"].unique().tolist() == best
    assert said in paired_tests({"pixel": pixel}, cases, _config()).notes[0]


def test_paired_tests_pair_cases_by_name_and_not_by_position(pixel, cases):
    shuffled = pixel.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        paired_tests({"pixel": shuffled}, cases, _config()).data, paired_tests({"pixel": pixel}, cases, _config()).data
    )


def test_a_single_translated_dataset_is_tested_once(pixel, fidelity, cases):
    """All of one dataset would be the same tests again, for which each would be corrected."""
    two = {"pixel": pixel[pixel["dataset"] != "echo"], "fidelity": fidelity[fidelity["dataset"] != "echo"]}
    table = paired_tests(two, cases, _config()).data
    assert sorted(table["dataset"].unique()) == ["camus", "vscan"]
    assert table["p_holm"].min() == pytest.approx(len(table) * table["p"].min())


def test_paired_tests_of_one_model_are_refused(pixel, cases):
    with pytest.raises(InputError, match="and of another model, found first"):
        paired_tests({"pixel": pixel[pixel["model"] == "first"]}, cases, _config())
    with pytest.raises(ConfigError, match="report.ablation.against"):
        _config(ablation={"against": "third"})


def _frechet(first, second):
    rows = []
    for model, value in (("first", first), ("second", second)):
        for dataset in ("vscan", "echo"):
            for metric in ("fd_efficientnet_lite0", "kd_efficientnet_lite0"):
                names = {"dataset": dataset, "model": model, "metric": metric, "set": "after", "reference": "training"}
                rows.append(names | {"value": value, "low": value - 4, "high": value + 4})
                floor = {"vscan": 20.0, "echo": 30.0}[dataset]
                rows.append(names | {"set": "floor_same_n", "value": floor, "low": floor - 2, "high": floor + 2})
    return pd.DataFrame(rows).assign(extractor="efficientnet_lite0", n=15, n_reference=40)


def test_ablation_marks_the_best_only_where_intervals_are_apart(pixel, fidelity, cases):
    tables = {"pixel": pixel, "fidelity": fidelity, "frechet": _frechet(50.0, 55.0)}
    data = ablation(tables, cases, _config()).data.set_index(["dataset", "model"])
    # 8 wide each, they overlap in one dataset; the mean of two has 5.7 and they still do; 60 is apart.
    assert not data["fd_efficientnet_lite0_best"].any()
    apart = ablation(tables | {"frechet": _frechet(50.0, 60.0)}, cases, _config()).data.set_index(["dataset", "model"])
    assert apart.loc[("vscan", "first"), "fd_efficientnet_lite0_best"]
    assert not apart["fd_efficientnet_lite0_best"].xs("second", level="model").any()
    assert apart.loc[("", "first"), "fd_efficientnet_lite0"] == 50 and np.isnan(
        apart.loc[("camus", "first"), "fd_efficientnet_lite0"]
    )
    assert data.loc[("vscan", "second"), "ssim_sector_best"] and not data.loc[("vscan", "second"), "dice_lv_best"]
    assert data.loc[("", "first"), "n"] == 30 and data.loc[("vscan", "first"), "n"] == 15


def test_ablation_of_one_model_has_one_row_a_block_and_no_mark(pixel, cases):
    one = pixel[pixel["model"] == "first"]
    table = ablation({"pixel": one}, cases, _config())
    assert table.data["model"].tolist() == ["first", ""] * 4 and not table.data["ssim_sector_best"].any()
    assert not any("*" in note for note in table.notes)


def test_a_row_whose_case_is_in_no_case_table_is_refused(pixel, cases):
    """Its patient is not known: counted as one of its own it would make intervals too narrow."""
    with pytest.raises(InputError, match="case table of camus: expected a row for the case camus3, found none"):
        paired_tests({"pixel": pixel}, cases[cases["case_id"] != "camus3"], _config())


def test_held_out_images_are_of_patients_of_the_training_dataset(pixel, with_rows_of):
    """They stand beside a translated dataset in the table of memory, some of whose ids may be the same as theirs."""
    rows = [
        {"kind": kind, "case_id": f"c{i}", "flagged": i < 4} for kind in ("synthetic", "held_out") for i in range(40)
    ]
    memory = pd.DataFrame(rows).assign(model="first")
    memory["dataset"] = memory["kind"].map({"synthetic": "vscan", "held_out": "camus"})
    images = pd.concat(
        pd.DataFrame({"case_id": [f"c{i}" for i in range(40)], "patient": [f"p{i // of}" for i in range(40)]}).assign(
            dataset=dataset, frame_hash="", status="kept", label_source="file"
        )
        for dataset, of in (("vscan", 2), ("camus", 4))
    )
    data = ablation({"pixel": pixel, "memory": memory}, with_rows_of(images, pixel), _config()).data
    found = data[(data["dataset"] == "vscan") & data["model"].isin(["first", ""])]
    expected = [binomtest(n // 10, n).proportion_ci(method="wilson") for n in (20, 10)]
    ends = found[["flagged_percent_low", "flagged_percent_high"]].to_numpy()
    np.testing.assert_allclose(ends, 100 * np.array([(end.low, end.high) for end in expected]), rtol=1e-5)


def test_flagged_images_are_a_share_of_a_models_own_and_missing_where_it_has_none(pixel, cases, with_rows_of):
    rows = [{"kind": "synthetic", "case_id": f"c{i}", "flagged": i < 3} for i in range(12)]
    rows += [{"kind": "held_out", "case_id": f"h{i}", "flagged": True} for i in range(12)]
    memory = pd.DataFrame(rows).assign(model="first")
    memory["dataset"] = memory["kind"].map({"synthetic": "vscan", "held_out": "camus"})
    known = with_rows_of(cases, memory)
    data = ablation({"pixel": pixel, "memory": memory}, known, _config()).data
    data = data.set_index(["dataset", "model"])[[f"flagged_percent{end}" for end in ("", "_low", "_high")]]
    low, high = binomtest(3, 12).proportion_ci(method="wilson")
    assert data.loc[("vscan", "first")].tolist() == pytest.approx([25, 100 * low, 100 * high])
    assert data.loc[[("vscan", "second"), ("echo", "first")]].isna().all(axis=None)


def test_the_distance_of_physics_has_its_floor_at_the_rows_n(pixel, cases, with_rows_of):
    """Training images and translations of one distribution: the distance is the floor's. A patient has two images."""
    rng = np.random.default_rng(3)
    names = [name for name, *_ in physics.MEASURES]
    rows = pd.DataFrame(rng.normal(size=(40, len(names))), columns=names)
    rows = rows.assign(kind="dataset", dataset="camus", model="", case_id=[f"t{i}" for i in range(40)])
    patients = rows[["case_id", "dataset"]].assign(patient=[f"p{i // 2}" for i in range(40)], frame_hash="")
    own = pd.DataFrame(rng.normal(size=(36, len(names))), columns=names)
    own = own.assign(kind="translation", model="first", dataset=["vscan"] * 10 + ["echo"] * 26)
    own["case_id"] = [f"v{i}" for i in range(36)]
    labelled = with_rows_of(pd.concat([cases, patients.assign(status="kept", label_source="file")]), own)
    tables = {"pixel": pixel, "physics": pd.concat([rows, own])}
    table = ablation(tables, labelled, _config())
    data = table.data.set_index(["dataset", "model"])
    value, floor = data.loc[("vscan", "first"), "physics"], data.loc[("vscan", ""), "physics"]
    assert 0.2 < floor == pytest.approx(value, rel=0.4)
    compared = [name for name, _, heading, _ in physics.MEASURES if heading != "Sector"]
    apart = [
        physics_distance(own.loc[own["dataset"] == name, compared].to_numpy(), rows[compared].to_numpy())
        for name in ("vscan", "echo")
    ]
    found = data.loc[[("vscan", "first"), ("echo", "first"), ("", "first")], "physics"].tolist()
    assert found == pytest.approx([*apart, np.mean(apart)])
    assert data.loc[("vscan", ""), "physics_low"] < floor < data.loc[("vscan", ""), "physics_high"]
    # 26 are more than half of the training images: no floor there, nor of both datasets together.
    assert data.loc[[("echo", ""), ("", "")], "physics"].isna().all()
    without = ablation(tables, labelled.assign(patient=labelled["case_id"]), _config())
    without = without.data.set_index(["dataset", "model"])
    assert without.loc[("vscan", ""), "physics"] != floor


def test_the_floor_of_physics_is_over_the_measures_that_the_row_has(pixel, cases, with_rows_of):
    """Without the size of a pixel there are no widths: how training images differ in these is no matter then."""
    rng = np.random.default_rng(4)
    names = [name for name, *_ in physics.MEASURES]
    widths = [name for name in names if name.endswith("_mm")]
    rows = pd.DataFrame(rng.normal(size=(40, len(names))), columns=names)
    rows = rows.assign(kind="dataset", dataset="camus", model="", case_id=[f"t{i}" for i in range(40)])
    own = rows.head(20).assign(kind="translation", model="first", dataset=["vscan"] * 10 + ["echo"] * 10)
    own.loc[own["dataset"] == "echo", widths] = np.nan
    known = with_rows_of(cases, rows, own)
    apart = rows.copy()  # widths of two kinds of training images: whatever the split, far apart
    apart.loc[:19, widths] += 1000
    floors = [
        ablation({"pixel": pixel, "physics": pd.concat([real, own])}, known, _config()).data.query("model == ''")
        for real in (rows, apart)
    ]
    plain, changed = (floor.set_index("dataset")["physics"] for floor in floors)
    assert changed["echo"] == pytest.approx(plain["echo"]) and changed["vscan"] != pytest.approx(plain["vscan"])


def test_leakage_of_real_images_is_of_held_out_ones(pixel, cases, with_rows_of):
    """They are measured in the sector of the translations; training images are black outside their own."""
    names = [name for name, *_ in physics.MEASURES]
    rows = pd.DataFrame(np.random.default_rng(3).normal(size=(30, len(names))), columns=names)
    rows = rows.assign(dataset="camus", model="", case_id=[f"t{i}" for i in range(30)])
    rows["kind"] = ["dataset"] * 20 + ["held_out"] * 10
    rows["leakage"] = np.where(rows["kind"] == "held_out", 0.01, 0.0)
    tables = {"pixel": pixel, "physics": rows}
    table = ablation(tables, with_rows_of(cases, rows), _config())
    real = table.data["model"] == ""
    assert table.data.loc[real, "leakage"].tolist() == pytest.approx([0.01] * 4)
    assert set(table.cells.loc[real, "leakage"]) == {"0.010 [0.010, 0.010]"}


def test_samples_of_a_guide_stand_beside_different_patients(pixel, cases):
    """The real images' MS-SSIM is that of patients, whatever the dataset whose guides the samples have."""
    likeness = {("first", SAMPLES): 0.8, ("second", SAMPLES): 0.6, ("first", PATIENTS): 0.3, ("second", PATIENTS): 0.3}
    rows = pd.DataFrame(
        {"dataset": "vscan", "model": model, "kind": kind, "case_id": f"vscan{i}", "ms_ssim": value + (i % 2) / 100}
        for (model, kind), value in likeness.items()
        for i in range(8)
    )
    table = ablation({"pixel": pixel, "diversity": rows}, cases, _config())
    found = table.data.set_index(["dataset", "model"])["ms_ssim"]
    assert found["vscan"].to_dict() == pytest.approx({"first": 0.805, "second": 0.605, "": 0.305})
    assert found["echo"].isna().tolist() == [True, True, False] and found[("echo", "")] == pytest.approx(0.305)
    assert table.cells["ms_ssim"].tolist()[2].startswith("0.305 [0.3") and not table.data["ms_ssim_best"].any()


def test_a_model_without_one_of_the_datasets_has_no_value_over_all(pixel, cases):
    """Its mean would be over other datasets than the means beside it."""
    frechet = _frechet(50.0, 55.0)
    fewer = frechet[(frechet["model"] != "second") | (frechet["dataset"] != "echo")]
    images = pixel[(pixel["model"] != "second") | (pixel["dataset"] != "echo")]
    data = ablation({"pixel": images, "frechet": fewer}, cases, _config()).data.set_index(["dataset", "model"])
    assert data.loc[[("", "first"), ("", "second"), ("echo", "second")], "n"].tolist() == [30, 15, 0]
    assert data.loc[("", "first"), "fd_efficientnet_lite0"] == 50
    assert np.isnan(data.loc[("", "second"), "fd_efficientnet_lite0"])
    assert data.loc[("vscan", "second"), "fd_efficientnet_lite0"] == 55


def test_what_real_images_reach_stands_below_the_models(pixel, fidelity, cases, with_rows_of):
    others = pixel[pixel["comparison"] == "synthetic"].assign(comparison="another_patient", psnr_sector_db=9.0)
    held_out = fidelity[(fidelity["dataset"] == "camus") & (fidelity["model"] == "first")]
    held_out = held_out.assign(kind="dataset", model="", dice_lv=0.95)
    memory = pd.DataFrame(
        [
            {"dataset": dataset, "model": model, "kind": kind, "case_id": f"{kind}{i}", "flagged": i < 1}
            for model in ("first", "second")
            for kind, dataset, n in (("synthetic", "vscan", 15), ("held_out", "camus", 4))
            for i in range(n)
        ]
    )  # fmt: skip
    tables = {
        "pixel": pd.concat([pixel, others]),
        "fidelity": pd.concat([fidelity, held_out]),
        "frechet": _frechet(50.0, 55.0),
        "memory": memory,
    }
    known = with_rows_of(cases, memory)
    table = ablation(tables, known, _config())
    data = table.data.set_index(["dataset", "model"])
    real = data.xs("", level="model")
    assert real["fd_efficientnet_lite0"].tolist()[:3] == [25.0, pytest.approx(np.nan, nan_ok=True), 20.0]
    assert (real.loc["", "fd_efficientnet_lite0_low"], real.loc["echo", "fd_efficientnet_lite0_high"]) == (23.0, 32.0)
    assert (real["psnr_sector_db"] == 9).all() and real["dice_lv"].tolist() == pytest.approx([0.95] * 4)
    assert real["flagged_percent"].tolist() == [25.0] * 4  # one of four, however many models were set beside them
    assert real["n"].isna().all() and not real[[name for name in real if name.endswith("_best")]].any(axis=None)
    titles = table.cells["title"].tolist()
    assert titles == ["model first", "model second", "Real images"] * 4
    assert [titles[row] for row in table.highlight] == ["Real images"] * 4


def test_without_a_floor_of_each_dataset_there_is_none_of_all(pixel, cases):
    frechet = _frechet(50.0, 55.0)
    one = frechet[(frechet["dataset"] != "vscan") | (frechet["set"] == "after")]
    data = ablation({"pixel": pixel, "frechet": one}, cases, _config()).data.set_index(["dataset", "model"])
    floors = data.xs("", level="model")["fd_efficientnet_lite0"]
    assert floors.loc["echo"] == 30 and floors.drop("echo").isna().all()


def test_leakage_is_said_as_it_is_computed(pixel, fidelity, cases):
    assert any("a gray of 8 or more" in note for note in ablation({"pixel": pixel}, cases, _config()).notes)


def test_tests_say_what_a_pair_is(pixel, fidelity, cases):
    notes = paired_tests({"pixel": pixel, "fidelity": fidelity}, cases, _config()).notes
    assert any(note.startswith("Pairs: patients.") for note in notes)
    assert any("infinite PSNR" in note for note in notes)


def test_best_needs_intervals_and_a_direction():
    values = {"a": (1.0, 0.9, 1.1), "b": (2.0, 1.9, 2.1)}
    assert is_best("b", values, HIGHER) and is_best("a", values, LOWER)
    assert not is_best("a", values, HIGHER) and not is_best("b", values, NEITHER)
    assert not is_best("b", values | {"c": (0.0, np.nan, np.nan)}, HIGHER)


def test_the_mean_of_independent_values_has_the_interval_of_its_formula():
    assert mean_of_independent([(1.0, 0.7, 1.3), (3.0, 2.6, 3.4)]) == pytest.approx((2.0, 1.75, 2.25))


def test_lower_ends_that_were_cut_off_do_not_narrow_the_mean():
    """0.3 and 0.4 wide to either side, the lower ends cut off at 0."""
    assert mean_of_independent([(0.1, 0.0, 0.4), (0.2, 0.0, 0.6)]) == pytest.approx((0.15, 0.0, 0.4))


def test_tables_are_told_apart_by_their_columns(pixel, fidelity, tmp_path):
    parts = {"a": fidelity, "b": pixel.head(3), "c": pixel.tail(2), "strange": pd.DataFrame({"a": [1]})}
    paths = {name: tmp_path / f"{name}.parquet" for name in parts}
    for name, table in parts.items():
        table.to_parquet(paths[name])
    found = read_kinds([paths["a"], paths["b"], paths["c"]], COLUMNS)
    assert set(found) == {"pixel", "fidelity"} and len(found["pixel"]) == 5
    with pytest.raises(InputError, match=r"strange.parquet: expected .*columns a"):
        read_kinds([paths["b"], paths["strange"]], COLUMNS)
    with pytest.raises(InputError, match="pixel metrics"):
        read_kinds([paths["a"]], COLUMNS)
    with pytest.raises(InputError, match=r"a.parquet: expected a table of metrics \(pixel\)"):
        read_kinds([paths["b"], paths["a"]], {"pixel": scores.PIXEL_COLUMNS})
    with pytest.raises(InputError, match=r"b.parquet: .*found none named more"):
        read_kinds([paths["b"]], {"pixel": (*scores.PIXEL_COLUMNS, "more")})


@pytest.fixture
def deformed(small_image_set):
    """Both models draw black from every deformed guide of three patients."""
    guides = extreme_guides(small_image_set.select(["case000", "case001", "case002"]))
    black = replace(guides, images=np.zeros_like(guides.images))
    return [replace(black, attributes={"dataset": "camus", "model": name}) for name in ("second", "first")]


def test_extreme_has_a_row_a_model_and_deformation(deformed, cases):
    rows = pd.concat([extreme_table(images, images.masks) for images in deformed])
    table = extreme(rows, cases, _config())
    assert any("a gray of 8 or more" in note for note in table.notes)
    assert set(table.cells["group"]) == {"Model first", "Model second"}
    guessed = extreme(rows, cases.assign(label_source="completed"), _config())
    assert set(guessed.cells["group"]) == {"Model first †", "Model second †"} and "completed" in guessed.notes[-1]
    assert table.data["model"].tolist() == ["first"] * len(DEFORMATIONS) + ["second"] * len(DEFORMATIONS)
    data = table.data.set_index(["model", "deformation"])
    assert data.loc[("first", "tiny"), ["n", "dice_lv_mean", "leakage_mean"]].tolist() == [3, 1, 0]
    cells = table.cells[table.cells["title"] == "Without LA"].iloc[0]
    assert (cells["dice_la"], cells["invented_la"], cells["invented_myo"]) == ("-", "0", "-")


def test_extreme_has_the_real_images_above_the_deformations(deformed, cases):
    """As what the segmenter can reach at all, and bold is the row that is compared with it."""
    rows = pd.concat([extreme_table(images, images.masks) for images in deformed])
    real = rows[rows["deformation"] == "unchanged"].assign(deformation="real_image", dice_lv=0.9)
    table = extreme(pd.concat([rows, real]), cases, _config())
    titles = table.cells["title"].tolist()
    assert titles[:2] == ["Ceiling: the patients' real images", "Unchanged"] and len(titles) == 2 * (
        1 + len(DEFORMATIONS)
    )
    assert table.data.loc[0, ["deformation", "n", "dice_lv_mean"]].tolist() == ["real_image", 3, pytest.approx(0.9)]
    assert {titles[row] for row in table.highlight} == {"Unchanged"}


def test_extreme_has_no_deviation_of_two_patients(deformed, cases):
    two = [images.select([case for case in images.case_id if not case.startswith("case002")]) for images in deformed]
    for images, mark in ((deformed, True), (two, False)):
        table = extreme(pd.concat([extreme_table(own, own.masks) for own in images]), cases, _config())
        assert table.cells["dice_lv"].str.contains("±").any() == mark
        assert table.data["dice_lv_sd"].notna().any() == mark
    assert set(table.cells["n"]) == {"2"}
    assert any(column.spanner.endswith("% of the unchanged guide's area") for column in table.columns)


def test_extreme_sheet_sets_every_model_beside_the_guide(deformed):
    rows, columns, groups = extreme_sheet(deformed, _config())
    assert len(rows) == len(DEFORMATIONS) and groups == [("case000", 3), ("case001", 3)]
    assert columns == ["Guide", "model first", "model second"] * 2
    assert all(len(row.images) == 6 for row in rows) and rows[0].images[0].max() == 255
