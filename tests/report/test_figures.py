"""The figures: which cases are shown, how a guide is drawn, and that a PNG comes out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from echodiff.errors import InputError, OutputError
from echodiff.report import figure_commands
from echodiff.report.figures import figure2, figure3, figure4, pairs_of, ranked
from echodiff.report.guides import draw_guide
from echodiff.report.sheet import Row, draw_sheet, sheet_figure

TITLES = {"camus": "CAMUS", "vscan": "Vscan"}


@pytest.fixture
def pairs(image_sets, pixel):
    return pairs_of(image_sets, pixel, datasets=["camus", "vscan"], titles=TITLES)


def test_guide_has_the_grays_of_the_paper():
    guide = draw_guide(np.array([[0, 1], [2, 3]], np.uint8))
    assert guide.dtype == np.uint8
    background, lv, myo, la = guide.ravel().tolist()
    assert (background, lv) == (0, 255) and 0 < la < myo < 255


def test_pairs_are_found_in_any_order_and_gaps_are_named(image_sets, pixel):
    found = pairs_of(image_sets[::-1], pixel, datasets=["vscan"], titles=TITLES)
    assert found[0].original.attributes["kind"] == "dataset" and found[0].synthetic.attributes["model"] == "small"
    assert set(found[0].metrics["dataset"]) == {"vscan"}
    with pytest.raises(InputError, match="vscan.*'translation', found 0"):
        pairs_of(image_sets[:3], pixel, datasets=["vscan"], titles=TITLES)
    with pytest.raises(InputError, match="found 2"):
        pairs_of([*image_sets, image_sets[3]], pixel, datasets=["vscan"], titles=TITLES)


def test_figure2_takes_cases_at_even_distances(pairs):
    rows = figure2(pairs[0], cases=3)
    assert [row.title for row in rows] == ["case000", "case002", "case005"]
    guide, real, synthetic = rows[1].images
    np.testing.assert_array_equal(guide, draw_guide(pairs[0].original.masks[2]))
    np.testing.assert_array_equal(real, pairs[0].original.images[2])
    np.testing.assert_array_equal(synthetic, pairs[0].synthetic.images[2])
    assert len(figure2(pairs[0], cases=12)) == 6


def test_figures_3_and_4_show_the_worst_median_and_best_by_psnr(pairs, pixel):
    own = pixel[(pixel["dataset"] == "vscan") & (pixel["comparison"] == "synthetic")]
    order = own.sort_values("psnr_db")["case_id"].tolist()
    assert ranked(pairs[1])["case_id"].tolist() == order
    place = {case: i for i, case in enumerate(pairs[1].synthetic.case_id)}
    worst, median, best = (pairs[1].synthetic.images[place[order[i]]] for i in (0, 2, 5))
    row = figure4(pairs)[1]
    for column, expected in ((2, worst), (5, median), (8, best)):
        np.testing.assert_array_equal(row.images[column], expected)
    np.testing.assert_array_equal(figure3(pairs)[1].images[1], best)
    assert row.captions[8] == f"{own['psnr_db'].max():.1f} dB, SSIM {_ssim(own, order[-1]):.2f}"


def _ssim(own, case):
    return own.set_index("case_id").loc[case, "ssim"]


def test_metrics_of_another_model_do_not_rank_these_images(image_sets, pixel):
    (pair,) = pairs_of(image_sets, pixel.assign(model="other"), datasets=["vscan"], titles=TITLES)
    with pytest.raises(InputError, match="expected pixel metrics"):
        ranked(pair)


def test_sheet_is_a_png_with_every_image_at_its_place(tmp_path):
    white, black = np.full((64, 64), 255, np.uint8), np.zeros((64, 64), np.uint8)
    rows = [Row("first", (white, black)), Row("second", (black, None))]
    for name in ("a.png", "b.png"):
        draw_sheet(tmp_path / name, rows, columns=("one", "two"), dpi=50)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    sheet = np.asarray(Image.open(tmp_path / "a.png").convert("L")).astype(int)
    black_share = (sheet < 5).mean()
    tile = (1.75 * 50) ** 2 / sheet.size
    assert black_share == pytest.approx(2 * tile, rel=0.1)  # two black tiles on a white sheet


UID = "1.2.840.113619.2.55.3.604688119.971.1386759.4.1"


def test_texts_of_a_sheet_lie_apart_however_long_they_are():
    tile = np.zeros((8, 8), np.uint8)
    captions = ("", f"{UID}\n0.98 x limit\nflagged", "-12.34 dB, SSIM 0.45")
    rows = [Row("EchoNet-Dynamic (phantom) †", [tile] * 3, captions), Row(UID, [tile] * 3, captions)]
    columns, title = ("Guide", "Nearest training", "Synthetic"), "EchoNet-Dynamic (phantom) †, drawn by model two_steps"
    notes = ["† Label maps that no file gave (EchoNet-Dynamic (phantom): 24 completed of 24): guesses."]
    figure = sheet_figure(rows, columns=columns, groups=[(UID, 2), ("b", 1)], title=title, notes=notes)
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in figure.texts]
    boxes += [axes.get_window_extent(renderer) for axes in figure.axes]
    for place, box in enumerate(boxes):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1, figure.texts[place].get_text()
        touched = [other for other in boxes[place + 1 :] if other.overlaps(box.padded(-1))]
        assert not touched, figure.texts[place].get_text()


def test_lines_of_a_caption_stay_apart():
    """However long the first is, a number is not torn from its unit."""
    figure = sheet_figure([Row("", [np.zeros((8, 8), np.uint8)], ["patient0012_4CH\n1.1 x limit"])], columns=[""])
    lines = [text.get_text() for text in figure.texts]
    assert "patient0012_4CH" in lines and "1.1 x limit" in lines


def test_scores_of_a_sheet_are_as_large_as_its_headings():
    figure = sheet_figure([Row("", [np.zeros((8, 8), np.uint8)], ["14.1 dB, SSIM 0.44"])], columns=[""])
    (scores,) = (text for text in figure.texts if "SSIM" in text.get_text())
    assert scores.get_fontsize() > 10


def test_figures_name_the_model_and_mark_label_maps_that_no_file_gave(image_sets, pixel, cases, config, monkeypatch):
    """One label map of the Vscan is predicted; the command hands over what the sheet prints."""
    sheets = []
    monkeypatch.setattr("echodiff.report.sheet.draw_sheet", lambda path, rows, **texts: sheets.append((rows, texts)))
    monkeypatch.setattr("echodiff.report.figure_commands.load_config", lambda files: config)
    monkeypatch.setattr("echodiff.store.image_set.read_image_set", lambda path: image_sets[int(path.stem)])
    tables = {"pixel": pixel, "cases": cases}
    monkeypatch.setattr("echodiff.report.inputs.read_table", lambda path, columns: tables[path.stem])
    files = [*(Path(f"{place}.h5") for place in range(4)), Path("pixel.parquet")]
    sources, output = [Path("cases.parquet")], Path("f.png")
    for figure in (figure_commands.figure2, figure_commands.figure3, figure_commands.figure4):
        figure([], files, sources, output)
    case, nearest = image_sets[0].case_id[:2]
    row = {"dataset": "vscan", "model": "small", "kind": "synthetic", "case_id": case, "flagged": False}
    row |= {"correlation_distance": 0.9, "correlation_threshold": 1.0, "correlation_training": nearest}
    row |= dict.fromkeys(("moved_rotation_degrees", "moved_right", "moved_down"), 0.0) | {"moved_scale": 1.0}
    tables["memory"] = pd.DataFrame([row])
    figure_commands.memory_gallery([], [*files[:1], files[3], Path("memory.parquet")], sources, output)
    (_, second), (third, texts), (fourth, _), (closest, gallery) = sheets
    assert second["title"] == "CAMUS, drawn by model small" and not second["notes"]
    assert texts["title"] == "Drawn by model small" and "Vscan: 1 predicted of 4" in texts["notes"][0]
    assert third[0].title == fourth[0].title == closest[0].captions[0].splitlines()[0] == "Vscan †"
    assert len(gallery["columns"]) == len(closest[0].images) == 4
    assert "Vscan: 1 predicted of 4" in gallery["notes"][0]


def test_a_sheet_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    (tmp_path / "s.png").mkdir()
    with pytest.raises(OutputError, match=r"s\.png"):
        draw_sheet(tmp_path / "s.png", [Row("", (np.zeros((4, 4), np.uint8),))], columns=("",), dpi=50)
