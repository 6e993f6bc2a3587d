"""Overlap, memory, physics and the audit: what their tables say, and trivial translators among the models."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import binomtest

from echodiff.config.load import parse_config
from echodiff.config.models import Augmentation
from echodiff.evaluate.physics import physics_of
from echodiff.report.audit import WRAPPED_PSNR_DB, audit, implied_psnr_sd_db
from echodiff.report.bland_altman import draw_bland_altman
from echodiff.report.distances import distances as distance_table
from echodiff.report.distribution import distribution
from echodiff.report.diversity import diversity, diversity_sheet
from echodiff.report.fidelity import fidelity
from echodiff.report.memory import GALLERY_COLUMNS, GALLERY_GROUPS, MOVED, MOVED_BY, gallery, memory
from echodiff.report.physics import depth_gain_figure, draw_depth_gain, physics
from echodiff.report.sheet import CAPTION_SIZE, sheet_figure
from echodiff.report.table2 import table2
from echodiff.report.table3 import table3


def test_trivial_translators_follow_the_models_and_say_what_they_are(distances, pixel, cases, config):
    trivial = distances.assign(model="nearest_mask")
    table = table2(pd.concat([trivial, distances]), config)
    assert table.data["model"].tolist() == ["small", "small", "nearest_mask", "nearest_mask"]
    assert table.cells["group"].tolist()[-1] == "Trivial: nearest training mask"
    rows = table3(pd.concat([pixel.assign(model="resector"), pixel]), cases, config).data
    assert rows.loc[rows["row"] == "synthetic", "model"].tolist() == 2 * ["small", "resector"]
    floors = rows[rows["row"] == "another_patient"]  # of no model: once a dataset, over the same cases
    assert floors["dataset"].tolist() == ["camus", "vscan"] and floors["n"].tolist() == [6, 6]


def test_distribution_has_a_row_a_set_with_its_interval(distances, config):
    frechet = distances[distances["metric"] == "fd_efficientnet_lite0"]
    overlap = frechet.assign(value=0.5, low=0.4, high=0.6)
    rows = pd.concat([overlap.assign(metric=m) for m in ("precision", "recall", "density", "coverage")])
    table = distribution(pd.concat([distances, rows]), config)
    assert table.data.groupby("dataset")["set"].count().tolist() == [4, 4]
    assert set(table.cells["recall"]) == {"0.50 [0.40, 0.60]"}


@pytest.fixture
def cases(cases, memory_rows, fidelity_rows, with_rows_of):
    return with_rows_of(cases, memory_rows, fidelity_rows)


@pytest.fixture
def memory_rows(image_sets):
    """Of six synthetic images of vscan one is flagged; of four held-out real ones none."""
    rows = []
    for kind, n in (("synthetic", 6), ("held_out", 4)):
        for i in range(n):
            case = f"case{i:03d}" if kind == "synthetic" else f"held{i:03d}"
            dataset = "vscan" if kind == "synthetic" else "camus"  # whose they are
            row = {"dataset": dataset, "model": "small", "kind": kind, "case_id": case}
            row |= dict(zip(MOVED_BY, (-7.6, 0.95, 0.031, -0.02) if i else (0.2, 1.001, 0.0, 0.004), strict=True))
            for space in ("features", "thumbnail", "correlation"):
                row |= {f"{space}_distance": 1.0 + i, f"{space}_threshold": 1.5, f"{space}_training": "case005"}
                row |= {f"{space}_held_out_distance": 2.0 + 2 * i}
            rows.append(row | {"flagged": kind == "synthetic" and i == 0})
    return pd.DataFrame(rows)


def test_memory_marks_a_dataset_unfit_above_the_configured_share(memory_rows, cases, config):
    row = memory(memory_rows, cases, config).data.iloc[0]
    assert (row["n"], row["flagged"], row["verdict"]) == (6, 1, "unfit for release")
    assert (row["held_out_n"], row["held_out_flagged"]) == (4, 0)
    assert row["features_ratio"] == pytest.approx(0.5)
    assert memory(memory_rows, cases, _with_limit(config, 0.2)).data["verdict"].tolist() == [
        "few found, too few patients"
    ]


def _with_limit(config, share):
    section = config.evaluate.memory.model_copy(update={"max_flagged_share": share})
    return config.model_copy(update={"evaluate": config.evaluate.model_copy(update={"memory": section})})


@pytest.mark.parametrize(
    ("n", "limit", "verdict"),
    [(24, 0.01, "none found, too few patients"), (380, 0.01, "none found, too few patients"), (381, 0.01, "fit"),
     (24, 0.2, "fit"), (24, 0.0, "none found, too few patients")],
)  # fmt: skip
@pytest.mark.parametrize("images", [1, 3])
def test_memory_calls_a_dataset_fit_only_where_its_patients_show_it(memory_rows, config, n, limit, verdict, images):
    """None of 24 flagged leaves room for 14 %: the upper end of Wilson's interval is z² / (N + z²)."""
    none = memory_rows[memory_rows["kind"] == "synthetic"].iloc[[1] * n * images]
    none = none.assign(case_id=[f"c{i}" for i in range(len(none))])
    cases = none[["dataset", "case_id"]].assign(patient=[f"p{i // images}" for i in range(len(none))], frame_hash="")
    table = memory(none, cases, _with_limit(config, limit))
    assert table.data[["n", "patients"]].to_numpy().tolist() == [[n * images, n]]
    assert table.data["verdict"].tolist() == table.cells["verdict"].tolist() == [verdict]
    assert table.data["share_high"].iloc[0] == pytest.approx(binomtest(0, n).proportion_ci(method="wilson").high)
    assert (table.cells["share"] == "0.0 [0.0, 13.8]").all() == (n == 24)
    assert any("it takes 381" in note for note in table.notes) == (limit == 0.01)


def test_patients_of_few_images_beside_one_of_many_do_not_make_a_dataset_fit(memory_rows, config):
    """What the share says is mostly of one patient then, however many others there are."""
    none = memory_rows[memory_rows["kind"] == "synthetic"].iloc[[1] * 600]
    none = none.assign(case_id=[f"c{i}" for i in range(600)])
    cases = none[["dataset", "case_id"]].assign(patient=[f"p{min(i, 400)}" for i in range(600)], frame_hash="")
    table = memory(none, cases, _with_limit(config, 0.01))
    assert table.data[["patients", "verdict"]].to_numpy().tolist() == [[401, "none found, too few patients"]]
    assert table.data["share_high"].iloc[0] == pytest.approx(1 / (1 + 600**2 / (400 + 200**2) / 1.959964**2))


@pytest.mark.parametrize(
    ("augmentation", "verdict"),
    [({}, "fit"), ({"gain": 0.5}, "fit"), ({"rotation_degrees": 10, "scale": 0.1, "shift": 0.05}, "fit"),
     ({"rotation_degrees": 11}, MOVED), ({"scale": 0.11}, MOVED), ({"shift": 0.06}, MOVED),
     ({"elastic": 0.03}, MOVED)],
)  # fmt: skip
def test_a_model_is_called_fit_only_for_motions_that_are_found(memory_rows, config, augmentation, verdict):
    """Copies that were moved farther are not all flagged, so that no share shows that there is none."""
    none = memory_rows[memory_rows["kind"] == "synthetic"].iloc[[1] * 400]
    none = none.assign(case_id=[f"c{i}" for i in range(400)])
    cases = none[["dataset", "case_id"]].assign(patient=none["case_id"], frame_hash="")
    model = config.models["small"].model_copy(update={"augmentation": Augmentation(**augmentation)})
    table = memory(none, cases, config.model_copy(update={"models": {"small": model}}))
    assert table.data["verdict"].tolist() == [verdict]
    assert any("by more than 10 degrees" in note for note in table.notes) == (verdict == MOVED)
    assert any("are looked for" in note for note in table.notes) == ("shift" in augmentation and verdict == "fit")


def test_held_out_images_are_counted_once_beside_every_dataset(memory_rows, cases, config, with_rows_of):
    """They stand in the table of each translated dataset, under the training dataset's name."""
    held_out = memory_rows[memory_rows["kind"] == "held_out"].assign(flagged=True)
    synthetic = memory_rows[memory_rows["kind"] == "synthetic"]
    echo = synthetic.assign(dataset="camus", case_id="e" + synthetic["case_id"])
    rows = pd.concat([synthetic, held_out, echo, held_out])
    table = memory(rows, with_rows_of(cases, rows), config)
    assert table.data["dataset"].tolist() == ["camus", "vscan"]
    assert table.cells["held_out"].tolist() == ["4 of 4", "4 of 4"] and table.data["n"].tolist() == [6, 6]


def test_memory_has_no_verdict_on_trivial_translators(memory_rows, cases, config):
    """A re-sectored image is the original patient's own: nothing to release, whatever this test finds."""
    table = memory(pd.concat([memory_rows, memory_rows.assign(model="resector")]), cases, config)
    assert table.cells["verdict"].tolist() == ["unfit for release", "-"] and table.data["verdict"].isna().tolist()[1]
    assert table.highlight == [0]
    assert any(note.startswith("Trivial: re-sector. It is the original's own tissue") for note in table.notes)


def test_gallery_shows_the_closest_first_beside_its_training_image(memory_rows, image_sets, cases, config):
    """Two pairs a row, each with how the training image was moved."""
    sheet = gallery(memory_rows, image_sets[0], [image_sets[3]], cases, config)
    assert [row.title for row in sheet] == ["1 and 2", "3 and 4", "5 and 6"]
    first, training, second, _ = sheet[0].images
    np.testing.assert_array_equal(first, image_sets[3].images[0])
    np.testing.assert_array_equal(training, image_sets[0].images[5])
    np.testing.assert_array_equal(second, image_sets[3].images[1])
    assert sheet[0].captions[0] == "Vscan †\ncase000\nflagged"  # one of its label maps is predicted
    assert sheet[0].captions[1] == "case005\n0.7 x limit"
    assert sheet[0].captions[2:] == ("Vscan †\ncase001", "case005\n1.3 x limit\nturned -8°, x 0.95\nshift +3, -2 %")


def test_gallery_fits_a_page(memory_rows, image_sets, cases, config):
    """Ten pairs at most, an odd one beside a gap; on A4 with margins of 20 mm its captions can still be read."""
    odd = memory_rows[memory_rows["kind"] == "synthetic"].head(5)
    sheet = gallery(odd, image_sets[0], [image_sets[3]], cases, config)
    assert sheet[-1].title == "5" and sheet[-1].images[2:] == [None, None]
    many = pd.concat([memory_rows, memory_rows])
    sheet = gallery(many, image_sets[0], [image_sets[3]], cases, config)
    figure = sheet_figure(sheet, columns=GALLERY_COLUMNS, groups=GALLERY_GROUPS, title="Drawn by model small")
    assert len(sheet) == 5
    width, height = figure.get_size_inches()
    assert CAPTION_SIZE * min(170 / 25.4 / width, 257 / 25.4 / height) > 7  # points
    assert "turned -8°, x 0.95" in {text.get_text() for text in figure.texts}


@pytest.fixture
def physics_rows(image_sets):
    rows = []
    for images in image_sets:
        names = {key: images.attributes.get(key, "") for key in ("dataset", "kind", "model")}
        for i, case in enumerate(images.case_id):
            planes = (images.images[i], images.masks[i], images.sectors[i], images.spacing_mm[i])
            rows.append({"case_id": case} | names | physics_of(*planes, dynamic_range_db=60.0))
    return pd.DataFrame(rows)


def test_physics_sets_training_source_and_synthetic_side_by_side(physics_rows, cases, config):
    data = physics(physics_rows, cases, config).data
    vscan = data[data["dataset"] == "vscan"].set_index("row")
    assert vscan.index.tolist() == ["Training, real", "Source, real", "Synthetic, model small"]
    own = physics_rows[(physics_rows["dataset"] == "vscan") & (physics_rows["kind"] == "translation")]
    assert vscan.loc["Synthetic, model small", "mean_gray_mean"] == pytest.approx(own["mean_gray"].mean())
    camus = data[data["dataset"] == "camus"]["row"].tolist()
    assert camus == ["Training, real", "Synthetic, model small"]


def test_physics_has_held_out_images_beside_the_training_images(physics_rows, cases, config, with_rows_of):
    """What chance alone does; they are no row of the training images, and no line of the figure."""
    unseen = physics_rows[physics_rows["kind"] == "dataset"].query("dataset == 'camus'").assign(kind="held_out")
    unseen = unseen.head(3).assign(mean_gray=7.0)
    data = physics(pd.concat([physics_rows, unseen]), cases, config).data.set_index(["dataset", "row"])
    for dataset in ("camus", "vscan"):
        assert data.loc[(dataset, "Held-out, real"), ["n", "mean_gray_mean"]].tolist() == [3, 7]
        assert data.loc[(dataset, "Training, real"), "n"] == 6
    both = [depth_gain_figure(rows, config).axes[0] for rows in (physics_rows, pd.concat([physics_rows, unseen]))]
    assert len(both[0].lines) == len(both[1].lines)


def test_physics_says_in_how_many_images_a_width_is_known(physics_rows, cases, config):
    """The widest speckle has none: a mean over the rest is not one over N."""
    rows = physics_rows.assign(axial_near_mm=1.0)
    rows.loc[(rows["dataset"] == "camus") & (rows["case_id"] == "case000"), "axial_near_mm"] = np.nan
    table = physics(rows, cases, config)
    assert table.cells["axial_near_mm"].iloc[0] == "1.00 ± 0.00 (N 5)" and "(N" not in table.cells["mean_gray"].iloc[0]
    assert table.data["axial_near_mm_n"].tolist()[:2] == [5, 5] and table.data["n"].iloc[0] == 6


def test_table3_says_how_many_cases_have_the_structure(pixel, cases, config):
    pixel.loc[(pixel["dataset"] == "vscan") & (pixel["case_id"] == "case001"), "psnr_la_db"] = np.nan
    table = table3(pixel, cases, config)
    row = (table.data[["dataset", "row"]] == ["vscan", "synthetic"]).all(axis=1).argmax()
    assert table.data.loc[row, ["n", "psnr_la_db_n", "psnr_lv_db_n"]].tolist() == [6, 5, 6]
    assert table.cells.loc[row, "psnr_la_db"].endswith("(N 5)") and "(N" not in table.cells.loc[row, "psnr_lv_db"]


@pytest.fixture
def many(physics_rows):
    """Thirteen datasets with titles of 60 letters and eight models, with their configuration."""
    names = [f"d{i}" for i in range(12)]
    titles = ["Hospital of the University of Somewhere, GE Vivid E95, 2019", "X" * 60]
    entries = {name: {"format": "dicom", "folder": "y", "title": titles[i % 2]} for i, name in enumerate(names)}
    camus = {"camus": {"format": "camus", "folder": "x", "title": "CAMUS"}}
    models = {f"model{i}": {"preset": "fast"} for i in range(8)}
    config = parse_config({"training_dataset": "camus", "datasets": camus | entries, "models": models}, origin="test")
    real = physics_rows[physics_rows["kind"] == "dataset"]
    drawn = physics_rows[(physics_rows["dataset"] == "vscan") & (physics_rows["kind"] == "translation")]
    parts = [real[real["dataset"] == "camus"]]
    for name in names:
        parts.append(real[real["dataset"] == "vscan"].assign(dataset=name))
        parts += [drawn.assign(dataset=name, model=model) for model in models]
    return pd.concat(parts, ignore_index=True), config


def test_depth_gain_tells_eight_models_apart(many):
    panel = depth_gain_figure(*many).axes[1]
    looks = [(line.get_color(), line.get_linestyle()) for line in panel.lines]
    assert len(looks) == len(set(looks)) == 10  # training, source and eight models
    assert len({line.get_marker() for line in panel.lines}) == 9  # real images have none


def test_depth_gain_has_a_scale_in_every_column_and_titles_beside_one_another(many):
    figure = depth_gain_figure(*many)
    figure.canvas.draw()
    panels = [panel for panel in figure.axes if panel.axison]
    assert len(panels) == 13
    scaled = [panel.xaxis.get_tick_params()["labelbottom"] for panel in panels]
    assert scaled == 10 * [False] + 3 * [True] and all(panel.get_xlabel() for panel in panels[10:])
    assert panels[0].get_ylim() == (0, 255) and "0 to 255" in figure.get_supylabel()
    boxes = [panel.title.get_window_extent() for panel in panels]
    assert not any(first.overlaps(second) for i, first in enumerate(boxes) for second in boxes[:i])
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y1 <= figure.bbox.height for box in boxes)
    legend = figure.legends[0].get_window_extent()
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.width and legend.y0 >= 0


def test_depth_gain_has_a_band_of_one_deviation_around_the_training_images(physics_rows, config):
    panel = depth_gain_figure(physics_rows, config).axes[0]
    (band,) = panel.collections
    own = physics_rows[(physics_rows["dataset"] == "camus") & (physics_rows["kind"] == "dataset")]["gain_1"]
    heights = band.get_paths()[0].vertices
    first = heights[np.isclose(heights[:, 0], heights[:, 0].min()), 1]
    assert (first.min(), first.max()) == pytest.approx((own.mean() - own.std(ddof=0), own.mean() + own.std(ddof=0)))


def test_depth_gain_is_a_png(physics_rows, config, tmp_path):
    draw_depth_gain(tmp_path / "g.png", physics_rows, config)
    picture = np.asarray(Image.open(tmp_path / "g.png").convert("L"))
    assert picture.shape[0] > 200 and (picture < 100).any()


def test_audit_predicts_the_wrapped_psnr_of_unrelated_frames_from_their_share(pixel, config):
    assert pytest.approx(27.90, abs=0.005) == WRAPPED_PSNR_DB
    row = audit(pixel, config).data.set_index("dataset").loc["vscan"]
    assert row["n"] == 6  # once for each case, however many models there are
    twice = audit(pd.concat([pixel, pixel.assign(model="other")]), config).data
    assert twice["n"].tolist() == [6, 6, 0, 0, 0, 0]
    assert row["wrapped_mean"] == pytest.approx(row["predicted_mean"], abs=0.15)
    black = pixel[(pixel["dataset"] == "vscan") & (pixel["comparison"] == "all_black")]
    assert row["black_mean"] == pytest.approx(black["legacy_psnr_uint8_wrap_db"].mean())
    assert (row["published_psnr_mean"], row["published_psnr_sd"]) == (30.09, 0.12)


def test_audit_shows_published_datasets_that_the_run_does_not_have(pixel, config):
    table = audit(pixel, config)
    data = table.data.set_index("dataset")
    assert data.index.tolist() == ["camus", "vscan", "vscan_air", "echonet", "2d_t", "3d_spatial"]
    assert (data.loc["3d_spatial", "published_psnr_mean"], data.loc["3d_spatial", "n"]) == (30.48, 0)
    assert data.loc["3d_spatial", "implied_psnr_mean"] == pytest.approx(10 * np.log10(1e3 / 11.50))
    assert table.cells.set_index("title").loc["3D (spatial)", ["n", "wrapped"]].tolist() == ["-", "-"]


def test_audit_says_what_the_rows_say(pixel, config):
    """Whether the printed PSNR is near that of unrelated patients depends on the run's data."""
    shifted = pixel.assign(legacy_psnr_uint8_wrap_db=pixel["legacy_psnr_uint8_wrap_db"] + 5)
    for rows in (pixel, shifted):
        table = audit(rows, config)
        row = table.data.set_index("dataset").loc["vscan"]
        pairs, black = (abs(row["published_psnr_mean"] - row[f"{key}_mean"]) for key in ("wrapped", "black"))
        assert any(f"lies {pairs:.2f} dB from that of unrelated patients" in note for note in table.notes)
        assert any(
            f"{black:.2f} dB from that of an all-black image and 11.1 to 13.8 dB" in note for note in table.notes
        )
        assert any("implies is 3.7 to 20.2 times the printed one" in note for note in table.notes)
    notes = audit(pixel[pixel["dataset"] == "camus"], config).notes
    assert any(note.startswith("The printed PSNR lies 11.1 to 13.8 dB from the one that its own MSE") for note in notes)


@pytest.mark.parametrize(("mse", "sd", "expected"), [(11.50, 3.69, 1.39), (11.95, 7.21, 2.62), (22.39, 5.41, 1.05)])
def test_published_mse_implies_a_spread_of_psnr_that_is_not_the_printed_one(mse, sd, expected):
    assert implied_psnr_sd_db(mse, sd) == pytest.approx(expected, abs=0.01)
    draws = np.random.default_rng(0).lognormal(np.log(mse), sd / mse / 4, 200_000)
    assert np.std(10 * np.log10(1e3 / draws)) == pytest.approx(implied_psnr_sd_db(mse, sd / 4), rel=0.02)


def test_diversity_sets_samples_beside_real_patients(config):
    rows = [
        {"dataset": "camus", "model": "small", "kind": kind, "case_id": f"c{i}", "count": 4, "ms_ssim": value,
         "feature_distance": 1.0, "deviation": 0.1 * i}
        for kind, value in (("samples", 0.8), ("patients", 0.4)) for i in range(3)
    ]  # fmt: skip
    data = diversity(pd.DataFrame(rows), config).data.set_index("kind")
    assert data.index.tolist() == ["samples", "patients"]
    assert data.loc["samples", ["guides", "samples", "ms_ssim_mean"]].tolist() == pytest.approx([3, 4, 0.8])
    assert data.loc["patients", "deviation_mean"] == pytest.approx(0.1)


def test_diversity_sheet_has_guide_samples_and_deviation(image_sets):
    names = ["a_s1", "a_s2", "a_s3", "b_s1", "b_s2", "b_s3"]
    rows, columns = diversity_sheet(replace(image_sets[1], case_id=names))
    assert columns == ["Guide", "Sample 1", "Sample 2", "Sample 3", "Deviation"]
    assert [row.title for row in rows] == ["a", "b"] and len(rows[0].images) == 5
    deviation = np.std(image_sets[1].images[:3] / 255, axis=0) / 0.25
    np.testing.assert_allclose(rows[0].images[-1] / 255, np.clip(deviation, 0, 1), atol=0.003)


@pytest.fixture
def fidelity_rows():
    rows = []
    for kind, dataset, model, score in (
        ("dataset", "camus", "", 0.93),
        ("translation", "camus", "small", 0.9),
        ("translation", "vscan", "small", 0.85),
    ):
        for i in range(5):
            row = {"dataset": dataset, "kind": kind, "model": model, "case_id": f"c{i}"}
            row |= {f"{key}_{name}": score for key in ("dice",) for name in ("lv", "lv_myo", "la")}
            row |= {f"hd95_{name}_mm": 4.0 for name in ("lv", "lv_myo", "la")}
            row |= {f"assd_{name}_mm": 1.5 for name in ("lv", "lv_myo", "la")}
            for name in ("lv_area_cm2", "lv_long_axis_mm", "la_area_cm2", "wall_thickness_mm"):
                row |= {f"{name}_guide": 10.0 + i, f"{name}_segmented": 12.0 + i}
            rows.append(row)
    return pd.DataFrame(rows)


def test_fidelity_has_its_ceiling_and_the_bias_of_clinical_measures(fidelity_rows, cases, config):
    data = fidelity(fidelity_rows, cases, config).data.set_index(["dataset", "row"])
    assert data.loc[("camus", "Ceiling: held-out real images"), "dice_lv_mean"] == pytest.approx(0.93)
    row = data.loc[("vscan", "Synthetic, model small")]
    assert (row["dice_la_mean"], row["lv_area_cm2_bias"]) == (pytest.approx(0.85), pytest.approx(2.0))
    assert row["lv_area_cm2_limits"] == pytest.approx(0, abs=1e-9)
    assert row["assd_la_mm_mean"] == pytest.approx(1.5)


def test_distances_of_structures_that_were_not_found_are_not_passed_over(fidelity_rows, cases, config):
    """A segmenter that misses the atrium in two of five images has a mean distance over three, which the cell says."""
    missed = fidelity_rows["case_id"].isin(["c0", "c1"]) & (fidelity_rows["dataset"] == "vscan")
    fidelity_rows.loc[missed, "hd95_la_mm"] = np.nan
    cells = fidelity(fidelity_rows, cases, config).cells.iloc[-1]
    assert (cells["hd95_la_mm"], cells["hd95_lv_mm"]) == ("4.0 ± 0.0 (N 3)", "4.0 ± 0.0")


def test_the_bias_says_of_how_many_images_it_is(fidelity_rows, cases, config):
    """An atrium that is found in two of five images may have any bias there: the cell and the file say of how many."""
    missed = fidelity_rows["case_id"].isin(["c0", "c1", "c2"]) & (fidelity_rows["dataset"] == "vscan")
    fidelity_rows.loc[missed, "la_area_cm2_segmented"] = np.nan
    fidelity_rows.loc[fidelity_rows["dataset"] == "vscan", "wall_thickness_mm_segmented"] = np.nan
    table = fidelity(fidelity_rows, cases, config)
    cells, row = table.cells.iloc[-1], table.data.iloc[-1]
    assert (cells["la_area_cm2"], cells["lv_area_cm2"]) == ("2.0 ± 0.0 (N 2)", "2.0 ± 0.0")
    assert cells["wall_thickness_mm"] == "-"
    assert row[["la_area_cm2_n", "lv_area_cm2_n", "wall_thickness_mm_n"]].tolist() == [2, 5, 0]


def test_limits_of_agreement_are_of_the_sample_standard_deviation(fidelity_rows, cases, config):
    fidelity_rows.loc[:, "la_area_cm2_segmented"] = 10.0 + 2 * fidelity_rows["case_id"].str[1:].astype(int)
    row = fidelity(fidelity_rows, cases, config).data.iloc[-1]
    assert row["la_area_cm2_limits"] == pytest.approx(1.96 * np.std(range(5), ddof=1))


def test_label_maps_that_no_file_gave_are_marked(fidelity_rows, physics_rows, pixel, cases, config):
    """One of the four kept cases of Vscan has a predicted label map; a rejected one would not count."""
    tables = (
        fidelity(fidelity_rows, cases, config),
        table3(pixel, cases, config),
        physics(physics_rows, cases, config),
    )
    for table in tables:
        groups = set(table.cells["group"])
        assert any(group.startswith("Vscan †") for group in groups)
        assert not any(group.startswith("CAMUS †") for group in groups)
        assert "Vscan: 1 predicted of 4" in table.notes[-1]
        assert "LV, MYO and LA of predicted ones are estimated" in table.notes[-1]
    completed = cases.assign(label_source=cases["label_source"].replace("predicted", "completed"))
    assert (
        "(Vscan: 1 completed of 4): MYO and LA of completed ones" in physics(physics_rows, completed, config).notes[-1]
    )
    of_files = cases.assign(label_source="file")
    assert not any("†" in text for text in fidelity(fidelity_rows, of_files, config).notes)


def test_bland_altman_is_a_png(fidelity_rows, cases, config, tmp_path):
    draw_bland_altman(tmp_path / "b.png", fidelity_rows, cases, config, model="small")
    picture = np.asarray(Image.open(tmp_path / "b.png").convert("L"))
    assert picture.shape[0] > 500 and (picture < 100).any()


def test_distances_have_a_row_for_each_frame_and_reference(distances, config):
    rows = distances[distances["dataset"] == "vscan"]
    held_out = rows.assign(reference="held_out", value=rows["value"] * 2, n_reference=10)
    polar = rows.assign(metric=rows["metric"] + "_polar", value=rows["value"] / 2)
    data = distance_table(pd.concat([rows, held_out, polar]), config).data.set_index(["frame", "reference"])
    assert data.index.tolist() == [("full", "training"), ("full", "held_out"), ("polar", "training")]
    assert data["frechet_after"].tolist() == [40, 80, 20] and data["n_reference"].tolist() == [100, 10, 100]
    assert data.loc[("polar", "training"), "kernel_before"] == pytest.approx(0.06)


def test_distances_show_floors_with_their_numbers_and_held_out_images_without_before(distances, config, tmp_path):
    rows = distances[distances["dataset"] == "camus"]
    held_out = rows.assign(reference="held_out", n_reference=10)
    table = distance_table(pd.concat([rows, held_out[held_out["set"] != "before"]]), config)
    assert table.cells["frechet_before"].tolist() == ["14.0 [9.0, 19.0]", "-"]
    floors = ["15.0 [10.0, 20.0] (20 v. 100)", "15.0 [10.0, 20.0] (20 v. 10)"]
    assert table.cells["frechet_floor_same_n"].tolist() == floors
    assert table.data["floor_n_reference"].tolist() == [100, 10]
    table.write(tmp_path / "t")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert all(f">{floor}<" in page for floor in floors)
    many = distance_table(rows[rows["set"] != "floor_same_n"], config)
    assert many.cells["frechet_floor_same_n"].tolist() == ["-"]
    many.write(tmp_path / "many")
    assert "15.0 [10.0" not in (tmp_path / "many.html").read_text(encoding="utf-8")


def test_cells_are_the_columns_that_are_printed(distances, memory_rows, physics_rows, pixel, cases, config):
    """A cell under another key than its column's would be written and never shown."""
    tables = (
        distance_table(distances, config),
        table2(distances, config),
        memory(memory_rows, cases, config),
        physics(physics_rows, cases, config),
        audit(pixel, config),
    )
    for table in tables:
        printed = {column.key for column in table.columns} | ({table.group} if table.group else set())
        assert set(table.cells.columns) == printed, table.name
