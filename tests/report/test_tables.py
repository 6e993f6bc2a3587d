"""The tables: what they print, and that their three files say the same."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml

from echodiff.errors import InputError
from echodiff.evaluate.pixel import pair_metrics
from echodiff.ingest.identity.privacy import KINDS
from echodiff.report.privacy import LABELS, privacy
from echodiff.report.published import published_dataset, published_metrics, published_value
from echodiff.report.rejects import rejects
from echodiff.report.table import format_interval, mean_sd
from echodiff.report.table1 import table1
from echodiff.report.table2 import kernel_cell, table2
from echodiff.report.table3 import IN_CSV_ONLY, METRICS, table3


def test_published_values_are_those_of_the_paper():
    assert published_value("vscan", "fid_before") == (279.53, pytest.approx(np.nan, nan_ok=True))
    assert published_value("3d_spatial", "psnr_db") == (30.48, 0.09)
    assert np.isnan(published_value("camus", "ssim")[0])
    assert len(published_metrics()) == 25
    assert published_dataset("2d_t")["original_size"] == "1016x708"


def test_every_pixel_metric_is_in_table_3_or_in_its_csv():
    gray, ones = np.arange(4096, dtype=np.uint8).reshape(64, 64), np.ones((64, 64), np.uint8)
    measured = set(pair_metrics(gray, gray, mask=ones, sector=ones))
    assert measured == {*METRICS, *IN_CSV_ONLY}, "add it to METRICS or IN_CSV_ONLY in echodiff/report/table3.py"


def test_table1_counts_and_sets_published_beside_ours(cases, config):
    table = table1(cases, config)
    rows = table.data.set_index("dataset")
    assert list(rows.index) == ["camus", "vscan"]  # the configuration's order
    assert rows.loc["vscan", ["found", "kept", "rejected", "patients"]].tolist() == [6, 4, 2, 2]
    assert rows.loc["vscan", "original_size"] == "416x240"
    assert rows.loc["camus", "original_size"] == "variable, 416x240 to 416x270"
    assert rows.loc["vscan", "labels"] == "in the files (3); predicted (1)"
    assert (rows.loc["vscan", "scanner"], rows.loc["camus", "scanner"]) == ("E95", "E95")
    assert rows.loc["vscan", "published_original_size"] == "416x240"
    assert rows.loc["camus", "stage"] == "training"


def test_table1_says_how_ed_was_found_and_what_is_known_of_the_patients(cases, config):
    rows = table1(cases, config).data.set_index("dataset")
    assert rows.loc["vscan", "ed"] == "ECG trace (3), R wave (1); confidence from 0.75"
    assert rows.loc["camus", "ed"] == "named in the files"
    assert rows.loc["camus", "quality"] == "Good (2), Poor (1), unknown (1)"
    assert rows.loc["camus", "ef"] == "55 ± 5" and rows.loc["vscan", "ef"] == "-"
    unknown = cases.assign(quality=None, ef=np.nan, ed_rule=None, ed_confidence=np.nan, scanner=None)
    cells = table1(unknown, config).cells.set_index("dataset")
    assert (cells[["ed", "quality", "ef"]] == "-").all(axis=None)
    assert cells["scanner"].tolist() == ["-", "GE Vscan Extend"]  # the configuration's, where the files do not say
    half = cases.assign(ef=cases["ef"].where(cases["case_id"] != "camus1"))
    assert table1(half, config).data.set_index("dataset").loc["camus", "ef"] == "53 ± 5 (of 3)"
    many = cases.assign(scanner=[f"S{i % 5}" for i in range(len(cases))])
    assert table1(many, config).data["scanner"].str.endswith("and 1 more").all()


def test_rejects_are_counted_by_kind(cases, config):
    sizes = [f"expected a video of 112 x 112 pixels, found {i} x {i}" for i in range(200, 212)]
    sizes[5] = "no end-diastolic frame"
    sizes[3] = sizes[4]
    data = rejects(cases.assign(status="rejected", reason=sizes), config).data
    rows = data[(data["status"] == "rejected") & (data["dataset"] == "vscan")]
    assert rows["cases"].tolist() == [5, 1] and rows["sentences"].tolist() == [4, 1]
    assert rows["reason"].tolist() == [sizes[4], "no end-diastolic frame"]
    missing = rejects(cases.assign(reason=None), config).data
    assert "no reason given" in set(missing["reason"])


def test_signs_in_reasons_are_shown_as_they_are(cases, config, tmp_path):
    reason = "expected <b>1</b> & 5 % of {a_b}, found $x\\y <script>"
    rejects(cases.assign(reason=reason), config).write(tmp_path / "t")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;b&gt;1&lt;/b&gt; &amp; 5 % of {a_b}, found $x\\y &lt;script&gt;" in page
    latex = (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert "\\& 5 \\% of \\{a\\_b\\}, found \\$x\\textbackslash{}y" in latex


def test_privacy_counts_kinds_of_identity(cases, config):
    cases = cases.assign(sex=None, age=np.nan)
    rows = privacy(cases, config).data.set_index("dataset")
    assert rows.loc["vscan", ["patient_name", "dates", "patient_id", "cases"]].tolist() == [5, 5, 0, 6]
    assert rows.loc["camus", [*KINDS]].sum() == 0 and rows["private"].tolist() == [1, 1]
    assert rows.loc["vscan", ["burned_in_yes", "burned_in_no", "burned_in_not_said"]].tolist() == [1, 1, 4]
    assert rows.loc["vscan", "outside_lit"] == pytest.approx(0.03)
    assert rows.loc["vscan", "names"] == "keyed hashes" and rows.loc["camus", "names"] == "as in the source"
    assert set(KINDS) == set(LABELS)
    unread = cases.assign(private_tags=cases["private_tags"].replace(3, 1).where(cases["case_id"] != "vscan1"))
    tags = privacy(unread, config).data.set_index("dataset").loc["vscan"]
    assert tags[["private", "burned_in_yes", "burned_in_no", "burned_in_not_said"]].tolist() == [1, 0, 1, 4]
    volumes = privacy(cases.assign(identity_found="text", private_tags=None, burned_in=None), config).cells
    assert (volumes["text"] == "6").all() and (volumes[["patient_name", "private"]] == "-").all(axis=None)
    one = cases["identity_found"].where(cases["case_id"] == "vscan1", None).where(cases["case_id"] != "vscan1", "text")
    searched = privacy(cases.assign(identity_found=one, private_tags=None, burned_in=None), config).cells
    assert searched["text"].tolist() == ["-", "1"]
    videos = cases.assign(identity_found=None, private_tags=None, burned_in=None)
    cells = privacy(videos, config).cells
    assert (cells[["patient_name", "dates", "private", "burned_in_not_said"]] == "-").all(axis=None)


def test_privacy_says_that_sex_and_age_are_passed_on(cases, config, tmp_path):
    """CAMUS's Info_4CH.cfg has both; its volumes have no tags, so that only these are counted."""
    known = (cases["dataset"] == "camus") & (cases["status"] == "kept")
    cases = cases.assign(
        sex=np.where(known, "F", None), age=np.where(known & (cases["case_id"] != "camus0"), 50, np.nan)
    )
    volumes = cases.assign(identity_found="", private_tags=None, burned_in=None)
    table = privacy(volumes, config)
    rows, cells = table.data.set_index("dataset"), table.cells.set_index("title")
    assert rows.loc["camus", ["passed_on_sex", "passed_on_age", "body", "cases"]].tolist() == [4, 3, 4, 6]
    assert rows.loc["vscan", ["passed_on_sex", "passed_on_age"]].tolist() == [0, 0]
    assert cells.loc["CAMUS", "body"] == "4" and cells.loc["Vscan", "body"] == "-"
    table.write(tmp_path / "t")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert "Passed on to the case table: sex and age" in page and "None of this is passed on" not in page


def test_rejects_count_every_case_once(cases, config):
    data = rejects(cases, config).data
    assert data.groupby("dataset")["cases"].sum().tolist() == [6, 6]
    row = data[(data["dataset"] == "vscan") & (data["status"] == "rejected")].iloc[0]
    assert (row["reason"], row["cases"], row["examples"]) == ("no end-diastolic frame", 2, "vscan4, vscan5")


@pytest.mark.parametrize(
    ("after", "half_width", "expected"),
    [(40.0, 5.0, "fell, above the floor"), (24.0, 5.0, "fell, not told from the floor"),
     (6.0, 5.0, "fell, not told from the floor"), (4.0, 5.0, "fell below the floor"),
     (112.0, 5.0, "fell, intervals overlap"), (130.0, 5.0, "did not fall"),
     (120.0, np.nan, "did not fall"), (40.0, np.nan, "fell, no interval"),
     (np.nan, np.nan, "unknown, fewer than 2 images")],
)  # fmt: skip
def test_table2_says_whether_the_distance_fell_and_how_far(distances, config, after, half_width, expected):
    """The floor of the row's N ranges from 10 to 20."""
    chosen = (distances["dataset"] == "vscan") & (distances["metric"] == "fd_efficientnet_lite0")
    for name, value in (("before", 120.0), ("after", after)):
        rows = chosen & (distances["set"] == name)
        distances.loc[rows, ["value", "low", "high"]] = [value, value - half_width, value + half_width]
    table = table2(distances, config)
    assert table.data.set_index("dataset").loc["vscan", "outcome"] == expected
    assert table.data.set_index("dataset").loc["camus", "outcome"] == "same scanner"


def test_table2_speaks_of_the_training_datasets_row_only_where_there_is_one(distances, config):
    notes = [" ".join(table2(rows, config).notes) for rows in (distances, distances[distances["dataset"] == "vscan"])]
    assert ["The row of CAMUS" in text for text in notes] == [True, False]


def test_table2_has_each_floor_once_with_its_own_numbers(distances, config):
    floor = distances["set"] == "floor_same_n"
    distances.loc[floor, "n_reference"] = 80
    distances.loc[distances["set"] == "floor_halves", ["n", "n_reference"]] = [50, 50]
    shown = ["title", "n", "n_training", "after"]
    same_n = ["Training images v. the rest", "20", "80", "15.0 [10.0, 20.0]"]
    others = [
        ["Validation v. training images", "20", "100", "14.0 [9.0, 19.0]"],
        ["Halves of the training images", "50", "50", "6.0 [1.0, 11.0]"],
    ]
    table = table2(distances, config)
    assert table.cells[shown].to_numpy().tolist()[:4] == [same_n, *others, ["CAMUS", "20", "100", "30.0 [25.0, 35.0]"]]
    assert table.cells["before"].tolist()[:3] == ["-"] * 3 and table.cells["kernel_after"].iloc[0].startswith("15")
    assert len(table.cells) == 3 + 2  # one set of floors, a row a dataset
    assert table.data.loc[1, ["floor_same_n_n", "floor_same_n_n_reference"]].tolist() == [20, 80]
    unknown = distances.assign(high=distances["high"].mask(floor), low=distances["low"].mask(floor))
    assert table2(unknown, config).data.set_index("dataset").loc["vscan", "outcome"] == "fell, no floor"
    unsure = distances.assign(low=distances["low"].mask(distances["set"] == "before"))
    assert table2(unsure, config).data.set_index("dataset").loc["vscan", "outcome"] == "fell, no interval"
    without = table2(distances[~floor | (distances["dataset"] != "vscan")], config)
    assert without.cells[shown].to_numpy().tolist()[:3] == [same_n, *others]
    assert without.data.set_index("dataset").loc["vscan", "outcome"] == "fell, no floor"


def test_table2_does_without_floors(distances, config):
    """Training images that are all of one group cannot be divided."""
    table = table2(distances[distances["set"].isin(["before", "after"])], config)
    assert table.cells["title"].tolist() == ["CAMUS", "Vscan"]
    assert table.data["outcome"].tolist() == ["same scanner", "fell, no floor"]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.4782, 0.4478, 0.5086), "478 [448, 509]"), ((-2e-4, -2.3e-3, 3.5e-3), "-0.2 [-2.3, 3.5]"),
     ((0.05, 0.045, 0.0555), "50 [45, 56]"), ((5e-3, 4.5e-3, 5.56e-3), "5.0 [4.5, 5.6]"),
     ((2e-4, 0.0, 5e-4), "0.20 [0.00, 0.50]"), ((0.25, np.nan, np.nan), "250.00"), ((np.nan,) * 3, "-")],
)  # fmt: skip
def test_a_kernel_distance_has_the_digits_that_its_interval_bears(interval, expected):
    assert kernel_cell(*interval) == expected


def test_what_rounds_to_zero_has_no_sign():
    assert format_interval(-0.04, -0.01, 0.04) == "0.0 [0.0, 0.0]"
    assert format_interval(-0.06, -0.26, np.float64(-0.0), 1) == "-0.1 [-0.3, 0.0]"
    assert mean_sd(pd.Series([-0.004, 0.0])) == "0.00 ± 0.00"


def test_table2_says_what_the_trivial_translators_in_it_are(distances, config):
    own, both = (" ".join(table2(rows, config).notes) for rows in
                 (distances, pd.concat([distances, distances.assign(model="nearest_mask")])))  # fmt: skip
    assert "Trivial" not in own and "ratios" not in own
    assert "Trivial: nearest training mask. It is the real training image" in both and "re-sector" not in both


def test_one_value_has_no_deviation():
    assert mean_sd(pd.Series([12.3])) == mean_sd(pd.Series([12.3, np.nan])) == "12.30"
    assert mean_sd(pd.Series([12.3, 12.5])) == "12.40 ± 0.10"


def test_table2_never_calls_another_network_fid(distances, config, tmp_path):
    table2(distances, config).write(tmp_path / "t")
    html = (tmp_path / "t.html").read_text(encoding="utf-8")
    headings = re.findall(r"<th[^>]*>(.*?)</th>", html, flags=re.S)
    named_fid = [heading for heading in headings if "FID" in heading]
    assert named_fid and all("Published" in heading for heading in named_fid)
    assert "fd_efficientnet_lite0 is not FID" in html
    data = pd.read_csv(tmp_path / "t.csv").set_index("dataset")
    assert data.loc["vscan", ["published_fid_before", "published_fid_after"]].tolist() == [279.53, 70.18]
    assert data.loc["vscan", ["before", "after", "n"]].tolist() == [120, 40, 20]


def test_table2_refuses_distances_in_different_features(distances, config):
    other = distances.assign(extractor="inception_2015_12_05")
    with pytest.raises(InputError, match="one feature extractor"):
        table2(pd.concat([distances, other]), config)


def test_table3_means_are_over_cases_and_floors_stand_below_every_legacy_column(pixel, cases, config):
    data = table3(pixel, cases, config).data.set_index(["dataset", "row"])
    own = pixel[(pixel["dataset"] == "vscan") & (pixel["comparison"] == "synthetic")]
    assert data.loc[("vscan", "synthetic"), "psnr_db_mean"] == pytest.approx(own["psnr_db"].mean())
    assert data.loc[("vscan", "synthetic"), "ssim_sd"] == pytest.approx(own["ssim"].std(ddof=0))
    assert data.loc[("vscan", "published"), "legacy_psnr_uint8_wrap_db_mean"] == 30.09
    assert ("camus", "published") not in data.index
    for row in ("all_black", "another_patient", "label_mean", "real_itself"):
        assert data.loc[("vscan", row), "n"] == 6
        assert data.loc[("vscan", row), "legacy_psnr_uint8_wrap_db_mean"] > 0
    assert data.loc[("vscan", "real_itself"), "psnr_db_mean"] == np.inf
    assert any("infinite PSNR" in note for note in table3(pixel, cases, config).notes)


def test_the_three_files_say_the_same(pixel, cases, config, tmp_path):
    table = table3(pixel, cases, config)
    table.write(tmp_path / "t")
    texts = {ending: (tmp_path / f"t.{ending}").read_text(encoding="utf-8") for ending in ("html", "tex")}
    for cell in table.cells[["title", "psnr_db", "legacy_mse_1e3"]].stack().dropna():
        assert cell in texts["html"] and cell in texts["tex"]
    assert len(pd.read_csv(tmp_path / "t.csv")) == len(table.cells)
    rows = re.findall(r"<tr>(.*?)</tr>", texts["html"], flags=re.S)
    bold = [row for row in rows if "font-weight: bold" in row]
    assert len(bold) == len(table.highlight) == 2 and all("Synthetic" in row for row in bold)
    assert texts["html"].startswith("<!DOCTYPE html>") and "\\begin{tabular" in texts["tex"]


def test_the_same_table_is_the_same_file(pixel, cases, config, tmp_path):
    for name in ("a", "b"):
        table3(pixel, cases, config).write(tmp_path / name)
    for ending in ("csv", "html", "tex"):
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_dataset_of_another_configuration_is_refused(cases, config):
    with pytest.raises(InputError, match="dataset other"):
        table1(cases.assign(dataset="other"), config)


def test_command_line_writes_tables_and_names_faults(run_echodiff, config, cases, tmp_path):
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json")))
    cases.to_parquet(tmp_path / "cases.parquet")
    table = ("report", "table1", "--config", tmp_path / "c.yaml", "--output", tmp_path / "t1")
    done = run_echodiff(*table, tmp_path / "cases.parquet")
    assert done.returncode == 0, done.stderr
    assert {path.suffix for path in tmp_path.glob("t1.*")} == {".csv", ".html", ".tex"}
    cases.drop(columns="status").to_parquet(tmp_path / "other.parquet")
    done = run_echodiff(*table, tmp_path / "other.parquet")
    assert done.returncode == 1 and "other.parquet" in done.stderr and "status" in done.stderr
    assert "Traceback" not in done.stderr
