"""Bland-Altman plots of the clinical measures: segmented against guide."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.paired import mean_interval, spread_interval
from echodiff.report.canvas import BESIDE_BLACK, MARKERS, new_figure, write_figure
from echodiff.report.fidelity import CLINICAL, LIMITS
from echodiff.report.inputs import dataset_title, drawn_by, in_order
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.sheet import INK
from echodiff.report.table import format_interval

ENTRY = 0.48  # inches of a dataset's lines in a legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_bland_altman(path: Path, rows: pd.DataFrame, cases: pd.DataFrame, config: Config, *, model: str) -> None:
    """Write the figure of one model as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    write_figure(path, bland_altman_figure(rows, cases, config, model=model), config.report.dpi)


def bland_altman_figure(rows: pd.DataFrame, cases: pd.DataFrame, config: Config, *, model: str) -> "Figure":
    """Difference of segmented and guide against their mean, a panel a measure, real ceiling and one model's datasets.

    The legend of a panel has each dataset's number of images, its bias and its limits of agreement, both with the 95 %
    interval over patients. `cases`: the case tables, which say whose images they are.
    """
    rows = with_patients(rows, cases)
    real = rows[(rows["kind"] == "dataset") & (rows["dataset"] == config.training_dataset)]
    synthetic = rows[(rows["kind"] == "translation") & (rows["model"] == model)]
    groups = [(f"real, held out: {dataset_title(config, config.training_dataset)}", INK, "o", real)]
    for place, dataset in enumerate(in_order(config, synthetic["dataset"])):
        look = BESIDE_BLACK[place % len(BESIDE_BLACK)], MARKERS[place % len(MARKERS)]
        groups.append(
            (f"synthetic: {dataset_title(config, dataset)}", *look, synthetic[synthetic["dataset"] == dataset])
        )
    height = max(8.0, 1.2 + ENTRY * 2 * len(groups))  # of two panels, beside each its legend
    figure = new_figure((14.0, height), layout="constrained")
    for panel, (name, (title, unit)) in zip(figure.subplots(2, 2).ravel(), CLINICAL.items(), strict=True):
        for label, colour, marker, own in groups:
            _draw_agreement(panel, own, name, label=label, colour=colour, marker=marker, limits=own is real)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel(f"mean of segmented and guide, {unit}", fontsize=9)
        panel.set_ylabel(f"segmented minus guide, {unit}", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.2)
        panel.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    figure.suptitle(drawn_by([model]), fontsize=11)
    return figure


def _draw_agreement(
    panel: "Axes", rows: pd.DataFrame, name: str, *, label: str, colour: str, marker: str, limits: bool
) -> None:
    """Points of one dataset and the line of their bias; with its interval and `limits` of agreement where asked for."""
    guide, segmented = rows[f"{name}_guide"], rows[f"{name}_segmented"]
    known = guide.notna() & segmented.notna()
    label = textwrap.fill(label, 34)
    if not known.any():
        reason = "left out, size of a pixel unknown" if guide.isna().all() else "left out, structure not found"
        panel.plot([], [], " ", label=f"{label}\n{reason}")
        return
    difference = (segmented - guide)[known]
    given = difference.to_numpy(dtype=float), rows.loc[known, PATIENT]
    centre, low, high = mean_interval(*given)
    spread = [LIMITS * value for value in spread_interval(*given)]
    label = f"{label}\nN {known.sum()}, bias {format_interval(centre, low, high)}\nlimits ± {format_interval(*spread)}"
    points = {"s": 18, "alpha": 0.6, "color": colour, "marker": marker, "linewidths": 0}
    panel.scatter(((segmented + guide) / 2)[known], difference, label=label, **points)
    panel.axhline(centre, color=colour, linewidth=1.4)
    if limits:
        panel.axhspan(low, high, color=colour, alpha=0.12, linewidth=0)
        for edge in (centre - spread[0], centre + spread[0]):
            panel.axhline(edge, color=colour, linewidth=0.9, linestyle="--")
