"""What segmenters reach that learned from real, synthetic or both: table, tests and plot."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from echodiff.config.load import parse_config
from echodiff.report.use import KEYS, use, use_tests
from echodiff.report.use_plot import draw_use, offsets, use_figure

CONFIG = {
    "training_dataset": "camus",
    "datasets": {"camus": {"format": "camus", "folder": "x", "title": "CAMUS"}},
}
PATIENTS = 15  # fewer than 14 tied differences would be permuted by scipy, which takes seconds


@pytest.fixture
def rows():
    """Both is 0.05 better in Dice than real at 50 %, and the same at 100 %; synthetic alone is 0.1 worse than that."""
    rng = np.random.default_rng(0)
    base = {key: rng.uniform(0.7, 0.9, PATIENTS) for key in KEYS}
    tables = []
    for arm, model, percent, counts, change in (
        ("real", "real", 50, (20, 0), 0.0),
        ("real", "real", 100, (40, 0), 0.02),
        ("synthetic", "small", 100, (0, 60), -0.08),
        ("both", "small", 50, (20, 60), 0.05),
        ("both", "small", 100, (40, 60), 0.02),
    ):
        scores = {key: values + change for key, values in base.items()}
        names = {"arm": arm, "model": model, "percent": percent, "n_real": counts[0], "n_synthetic": counts[1]}
        tables.append(pd.DataFrame(scores).assign(**names, dataset="camus", case_id=[f"p{i}" for i in range(PATIENTS)]))
    return pd.concat(tables[::-1], ignore_index=True)


@pytest.fixture
def cases(cases, rows, with_rows_of):
    return with_rows_of(cases, rows)


def test_table_has_a_row_an_arm_and_share(rows, cases, config):
    table = use(rows, cases, config)
    assert table.data[["arm", "percent", "n_real", "n_synthetic", "n"]].to_numpy().tolist() == [
        ["real", 50, 20, 0, PATIENTS],
        ["real", 100, 40, 0, PATIENTS],
        ["synthetic", 100, 0, 60, PATIENTS],
        ["both", 50, 20, 60, PATIENTS],
        ["both", 100, 40, 60, PATIENTS],
    ]
    real = rows.query("arm == 'real' and percent == 100")["dice_lv"]
    assert table.data["dice_lv_mean"].iloc[2] == pytest.approx(real.mean() - 0.1)
    assert table.cells["share"].tolist() == ["50 %", "100 %", "-", "50 %", "100 %"]
    real, alone, both = "Real only", "Synthetic only, model small", "Both, model small"
    assert table.cells["group"].str.removesuffix(" †").tolist() == [real, real, alone, both, both]


def test_tests_pair_patients_at_the_same_share(rows, cases, config):
    data = use_tests(rows.sample(frac=1, random_state=1), cases, config).data.set_index(["arm", "percent", "score"])
    assert len(data) == 3 * len(KEYS)
    better = data.loc[("both", 50, "dice_lv")]
    assert (better["difference"], better["effect"], better["n"]) == (pytest.approx(0.05), 1, PATIENTS)
    assert better["p"] < better["p_holm"] < 0.05
    assert data.loc[("both", 100, "dice_la"), "p_holm"] == 1
    assert data.loc[("synthetic", 100, "dice_la"), "difference"] == pytest.approx(-0.1)


def test_tests_of_distances_say_that_they_leave_out_what_was_not_found(rows, cases, config):
    failed = (rows["arm"] == "synthetic") & rows["case_id"].isin(["p0", "p1", "p2"])
    rows.loc[failed, "hd95_la_mm"] = np.nan
    table = use_tests(rows, cases, config)
    data = table.data.set_index(["arm", "percent", "score"])
    assert data.loc[("synthetic", 100, "hd95_la_mm"), "n"] == PATIENTS - 3
    assert any("leave out the images in which either segmenter does not find it" in note for note in table.notes)
    assert any(note.startswith("Pairs: patients.") for note in table.notes)


def test_arms_that_learn_from_label_maps_that_no_file_gave_are_marked(rows, cases, config):
    """One of the Vscan's is predicted: real images are CAMUS's own, all other arms rest on the Vscan's too."""
    table = use(rows, cases, config)
    assert table.cells["group"].str.endswith("†").tolist() == [False, False, True, True, True]
    assert table.notes[-1].startswith("† Label maps not given in the files (Vscan: 1 predicted of 4)")
    tests = use_tests(rows, cases, config)
    assert tests.cells["group"].str.endswith("†").all() and tests.notes[-1] == table.notes[-1]
    of_files = cases.assign(label_source="file")
    for clean in (use(rows, of_files, config), use_tests(rows, of_files, config)):
        assert not clean.cells["group"].str.contains("†").any() and "†" not in clean.notes[-1]


def test_notes_say_that_the_model_knows_all_patients_at_every_share(rows, cases, config):
    for table in (use(rows, cases, config), use_tests(rows, cases, config)):
        assert any("information about the other half" in note for note in table.notes), table.name


def test_plot_says_of_how_many_patients_it_is_and_draws_the_interval_of_synthetic_images_alone(rows, cases, config):
    figure = use_figure(rows, cases, config)
    assert figure.get_suptitle() == f"Dice on {PATIENTS} held-out patients of CAMUS"
    for panel in figure.axes:
        lines = {line.get_label(): line for line in panel.containers}
        assert set(lines) == {"real only", "both, model small", "synthetic only, model small"}
        (points, _, (bars,)) = lines["synthetic only, model small"].lines
        low, high = bars.get_segments()[0][:, 1]
        (mean,) = points.get_ydata()
        assert low < mean < high and abs(points.get_xdata()[0]) < 2


@pytest.mark.parametrize("lines", [2, 8, 12])
@pytest.mark.parametrize("shares", [[0, 50, 100], [0, 10, 25, 50, 100], [0, 100]])
def test_lines_stay_about_their_share(lines, shares):
    moved = offsets(lines, shares)
    assert len(set(moved)) == lines and sum(moved) == pytest.approx(0)
    assert moved[-1] - moved[0] <= min(6, min(np.diff(shares)) / 2) + 1e-9


def test_eight_lines_of_a_plot_are_told_apart(rows, cases):
    names = [f"m{i}" for i in range(7)]
    content = CONFIG | {"models": {name: {"preset": "fast"} for name in names}}
    own = rows[rows["arm"] != "real"]
    figure = use_figure(
        pd.concat([rows, *(own.assign(model=name) for name in names)]), cases, parse_config(content, origin="")
    )
    points = [line.lines[0] for line in figure.axes[0].containers]
    assert len({(line.get_color(), line.get_marker(), line.get_linestyle()) for line in points}) == 15
    assert len({line.get_color() for line in points}) == 8


def test_plot_is_a_png_with_a_line_an_arm(rows, cases, config, tmp_path):
    draw_use(tmp_path / "u.png", rows, cases, config)
    picture = np.asarray(Image.open(tmp_path / "u.png").convert("RGB")).astype(int)
    blue = (picture[..., 2] - picture[..., 0]) > 100
    assert blue.sum() > 200 and (picture.sum(axis=2) < 120).sum() > 200
