"""The plot of use: Dice on held-out real patients against the share of real patients that was learned from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.overlap import OUTLINES
from echodiff.evaluate.paired import mean_interval
from echodiff.evaluate.use import BOTH, REAL, SYNTHETIC
from echodiff.report.canvas import BESIDE_BLACK, MARKERS, new_figure, write_figure
from echodiff.report.fidelity import LABELS
from echodiff.report.inputs import dataset_title, model_names, model_title
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.sheet import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Percent between neighbouring lines at most, and how much of the way to the next share all of them take at most.
APART, TAKEN, WIDEST = 1.5, 0.5, 6.0


def draw_use(path: Path, rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> None:
    """Write the plot as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    write_figure(path, use_figure(rows, cases, config), config.report.dpi)


def use_figure(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> "Figure":
    """Dice with its 95 % interval over patients, a panel a structure. `cases`: the case tables, which say whose images
    they are.
    """
    rows = with_patients(rows, cases)
    models = model_names(config, rows["model"])
    figure = new_figure((10.0, 4.0 + 0.14 * len(models)), layout="constrained")
    for panel, name in zip(figure.subplots(1, len(OUTLINES)), OUTLINES, strict=True):
        _draw_panel(panel, rows, models, f"dice_{name}")
        panel.set_title(LABELS[name], fontsize=10)
        panel.set_xlabel("Share of the real training patients, %", fontsize=9)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
    patients = rows[PATIENT].nunique()
    title = dataset_title(config, config.training_dataset)
    figure.suptitle(f"Dice on {patients} held-out patients of {title}", fontsize=11)
    figure.supylabel("Dice", fontsize=10)
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _draw_panel(panel: "Axes", rows: pd.DataFrame, models: Sequence[str], key: str) -> None:
    """Real images alone, then each model's with them and, at 0 % and as a dashed line, without."""
    shares = sorted({0, *rows.loc[rows["arm"] != SYNTHETIC, "percent"]})
    first, *moved = offsets(1 + len(models), shares)
    _draw_line(panel, rows[rows["arm"] == REAL], key, first, color=INK, marker="o", label="real only")
    for place, (model, offset) in enumerate(zip(models, moved, strict=True)):
        own = rows[rows["model"] == model]
        look = {"color": BESIDE_BLACK[place % len(BESIDE_BLACK)], "marker": MARKERS[place % len(MARKERS)]}
        _draw_line(panel, own[own["arm"] == BOTH], key, offset, label=f"both, {model_title(model)}", **look)
        alone = own[own["arm"] == SYNTHETIC].assign(percent=0)
        label = f"synthetic only, {model_title(model)}"
        _draw_line(panel, alone, key, offset, label=label, markerfacecolor="white", linestyle="--", **look)
        panel.axhline(alone[key].mean(), color=look["color"], linestyle="--", linewidth=1.0)
    panel.set_xticks(shares)
    panel.set_xlim(-WIDEST, max(shares) + WIDEST)


def _draw_line(panel: "Axes", rows: pd.DataFrame, key: str, offset: float, **look: str) -> None:
    """Means with their intervals, which are seen at a single share too."""
    percents = sorted(rows["percent"].unique())
    known = (rows[rows["percent"] == percent] for percent in percents)
    found = [mean_interval(own[key].to_numpy(dtype=float), own[PATIENT]) for own in known]
    means, lows, highs = np.array(found).T
    panel.errorbar(
        np.array(percents) + offset, means, yerr=[means - lows, highs - means], markersize=5, capsize=3, **look
    )


def offsets(lines: int, shares: Sequence[int]) -> np.ndarray:
    """Percent by which each of so many lines (lines,) is moved, so that intervals at one share are seen side by side.

    They stay about their share: together they take at most half of the way to the next one.
    """
    nearest = min(np.diff(shares), default=np.inf)
    apart = min(APART, min(WIDEST, TAKEN * nearest) / max(lines - 1, 1))
    return apart * (np.arange(lines) - (lines - 1) / 2)
