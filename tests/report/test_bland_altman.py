"""Bland-Altman plots: a line and a legend of its own for each dataset, and what is left out."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from echodiff.evaluate.clinical import MEASURES
from echodiff.evaluate.paired import mean_interval
from echodiff.report.bland_altman import bland_altman_figure


@pytest.fixture
def rows():
    """Eight held-out images without bias, as many of the Vscan that are 2 too large, in units of the measure."""
    rng = np.random.default_rng(0)
    tables = []
    for dataset, kind, bias in (
        ("camus", "dataset", 0.0),
        ("camus", "translation", 0.0),
        ("vscan", "translation", 2.0),
    ):
        ids = [f"{kind}{i}" for i in range(8)]
        guide = rng.uniform(10, 20, 8)
        columns = {f"{name}_guide": guide for name in MEASURES}
        columns |= {f"{name}_segmented": guide + bias + rng.normal(0, 0.1, 8) for name in MEASURES}
        tables.append(pd.DataFrame(columns).assign(dataset=dataset, kind=kind, model="small", case_id=ids))
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def cases(cases, rows, with_rows_of):
    return with_rows_of(cases, rows)


def legends(figure):
    return [[text.get_text().replace("\n", " ") for text in panel.get_legend().get_texts()] for panel in figure.axes]


def test_every_dataset_has_its_own_number_and_bias_with_an_interval(rows, cases, config):
    figure = bland_altman_figure(rows, cases, config, model="small")
    own = rows[rows["dataset"] == "vscan"]
    difference = (own["lv_area_cm2_segmented"] - own["lv_area_cm2_guide"]).to_numpy()
    _, low, high = mean_interval(difference)
    limit = 1.96 * np.std(difference, ddof=1)
    ends = limit * np.sqrt(7 / chi2.ppf([0.975, 0.025], 7))
    real, drawn, vscan = legends(figure)[0]
    assert real.startswith("real, held out: CAMUS N 8") and drawn.startswith("synthetic: CAMUS N 8")
    expected = f"bias 2.0 [{low:.1f}, {high:.1f}] limits ± {limit:.1f} [{ends[0]:.1f}, {ends[1]:.1f}]"
    assert vscan == f"synthetic: Vscan N 8, {expected}"
    markers = [points.get_paths()[0].vertices.shape for points in figure.axes[0].collections]
    colours = {tuple(points.get_facecolor()[0]) for points in figure.axes[0].collections}
    assert len(markers) == len(colours) == 3


def test_points_and_lines_are_bland_and_altmans(rows, cases, config):
    """Difference against mean; a line at each bias, the limits of agreement of the real images alone."""
    rows.loc[3, "lv_area_cm2_segmented"] = np.nan
    panel = bland_altman_figure(rows, cases, config, model="small").axes[0]
    lines = [(line.get_ydata()[0], line.get_linestyle()) for line in panel.lines]
    expected = []
    for (dataset, kind), points in zip(
        (("camus", "dataset"), ("camus", "translation"), ("vscan", "translation")), panel.collections, strict=True
    ):
        own = rows[(rows["dataset"] == dataset) & (rows["kind"] == kind)].dropna()
        guide, segmented = own["lv_area_cm2_guide"], own["lv_area_cm2_segmented"]
        difference = segmented - guide
        np.testing.assert_allclose(points.get_offsets(), np.column_stack([guide + difference / 2, difference]))
        expected.append((pytest.approx(difference.mean()), "-"))
        if kind == "dataset":
            limits = difference.mean() + 1.96 * difference.std(ddof=1) * np.array([-1, 1])
            expected += [(pytest.approx(limit), "--") for limit in limits]
    assert lines == expected


def test_the_figure_grows_with_its_legends(rows, cases, config):
    """Four lines a dataset at most, beside two panels one below the other."""
    more = {f"d{i}": config.datasets["vscan"] for i in range(10)}
    own = rows[rows["dataset"] == "vscan"]
    drawn = pd.concat([rows, *(own.assign(dataset=name) for name in more)])
    known = cases[(cases["dataset"] == "vscan") & cases["case_id"].isin(own["case_id"])]
    known = pd.concat([cases, *(known.assign(dataset=name) for name in more)])
    many = config.model_copy(update={"datasets": config.datasets | more})
    heights = [
        bland_altman_figure(*tables, model="small").get_size_inches()[1]
        for tables in ((rows, cases, config), (drawn, known, many))
    ]
    assert heights == [8.0, pytest.approx(1.2 + 0.96 * 13)]


def test_axes_have_the_unit(rows, cases, config):
    labels = [panel.get_ylabel() for panel in bland_altman_figure(rows, cases, config, model="small").axes]
    assert labels == [f"segmented minus guide, {unit}" for unit in ("cm²", "mm", "cm²", "mm")]


def test_what_is_left_out_is_named_with_the_reason(rows, cases, config):
    vscan = rows["dataset"] == "vscan"
    rows.loc[vscan, [f"{name}_segmented" for name in MEASURES]] = np.nan
    rows.loc[vscan.idxmax(), [f"{name}_guide" for name in MEASURES]] = np.nan  # one guide without the structure
    assert legends(bland_altman_figure(rows, cases, config, model="small"))[0][2].endswith(
        "left out, structure not found"
    )
    rows.loc[vscan, [f"{name}_guide" for name in MEASURES]] = np.nan
    for texts in legends(bland_altman_figure(rows, cases, config, model="small")):
        assert texts[2] == "synthetic: Vscan left out, size of a pixel unknown"
