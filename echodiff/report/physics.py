"""The table of ultrasound physics, training images, sources and translations side by side, and gain over
depth.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.physics import GAIN_BANDS, PATCH
from echodiff.report import label_sources
from echodiff.report.canvas import new_figure, write_figure
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.table import Column, ReportTable, mean_sd

GAINS = tuple(f"gain_{band}" for band in range(1, GAIN_BANDS + 1))
COLUMNS = ("dataset", "kind", "model", "case_id", "log_spread_db", "envelope_snr", "gcnr_lv_myo", *GAINS)

MEASURES = (
    ("log_spread_db", "Log spread, dB", "Speckle", 2),
    ("envelope_snr", "Envelope SNR", "Speckle", 2),
    ("axial_near_mm", "near", "Axial correlation, mm", 2),
    ("axial_far_mm", "far", "Axial correlation, mm", 2),
    ("lateral_near_mm", "near", "Lateral correlation, mm", 2),
    ("lateral_far_mm", "far", "Lateral correlation, mm", 2),
    ("gcnr_lv_myo", "gCNR LV, MYO", "Contrast", 2),
    ("mean_gray", "Mean gray", "Contrast", 0),
    ("leakage", "Leakage", "Sector", 3),
    ("sector_overlap", "Overlap", "Sector", 2),
)
TRAINING, SOURCE = "Training, real", "Source, real"
COLOURS = {TRAINING: "#1a1a1a", SOURCE: "#c1440e"}
MODEL_COLOURS = ("#1f6fb2", "#3a8f4d", "#8457a8", "#b08900", "#5f6b73")


def groups_of(rows: pd.DataFrame, config: Config) -> list[tuple[str, str, pd.DataFrame]]:
    """(dataset, title of the row, its images): for every dataset the training images, its own, its
    translations.
    """
    real, synthetic = rows[rows["kind"] == "dataset"], rows[rows["kind"] == "translation"]
    training = real[real["dataset"] == config.training_dataset]
    groups = []
    for dataset in in_order(config, rows["dataset"]):
        groups.append((dataset, TRAINING, training))
        if dataset != config.training_dataset:
            groups.append((dataset, SOURCE, real[real["dataset"] == dataset]))
        own = synthetic[synthetic["dataset"] == dataset]
        for model in model_names(config, own["model"]):
            groups.append((dataset, f"Synthetic, {model_title(model)}", own[own["model"] == model]))
    return [group for group in groups if len(group[2])]


def physics(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and standard deviation over images of every measure.

    `cases`: the case tables, which say where the label maps come from that gCNR rests on.
    """
    data, cells = [], []
    for dataset, title, own in groups_of(rows, config):
        numbers = {f"{key}_{name}": value for key, *_ in (*MEASURES, *((gain,) for gain in GAINS))
                   for name, value in (("mean", own[key].mean()), ("sd", own[key].std(ddof=0)))}  # fmt: skip
        data.append({"dataset": dataset, "row": title, "n": len(own)} | numbers)
        texts = {key: mean_sd(own[key], digits) for key, _, _, digits in MEASURES}
        group = label_sources.marked_title(cases, config, dataset)
        cells.append({"group": group, "title": title, "n": str(len(own))} | texts)
    return ReportTable(
        name="physics",
        title="Ultrasound physics of real and synthetic images",
        subtitle=f"Mean ± standard deviation over images; dB with a dynamic range of "
        f"{config.evaluate.physics.dynamic_range_db:g} dB taken for all",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *(Column(key, label, heading) for key, label, heading, _ in MEASURES),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"].startswith("Synthetic")],
        notes=(
            "Fully developed speckle has a log spread of 5.57 dB and an envelope SNR of 1.91, where the dynamic "
            "range is the true one. Correlation: width at half maximum of speckle's autocorrelation in the near "
            "and far third of the depth. gCNR: 0 where LV and MYO look alike, 1 where a threshold parts them.",
            f"Speckle is measured in patches of {PATCH} pixels. Where it is nearly as wide as a patch, its width and "
            "spread come out too small and its SNR too high: developed speckle 14.5 pixels wide has a width of 11.5, "
            "4.7 dB and an SNR of 2.3. Sources that were enlarged on reading miss 5.57 dB and 1.91 for that reason. "
            "Correlation of translations in mm is by the pixel size of their source.",
            "Leakage: share of the pixels outside the sector of a gray of 8 or more. Overlap: of the tissue that is "
            "seen with the sector, intersection over union. Real images are measured in their own sector, "
            "translations in the training images' common one, or in their source's where the model is given that. A "
            "good translation lies at the training row.",
            *label_sources.note(cases, config),
        ),
    )


def draw_depth_gain(path: Path, rows: pd.DataFrame, config: Config) -> None:
    """Mean gray over depth, one panel a dataset, one line each for training, source and translations."""
    groups = groups_of(rows, config)
    datasets = list(dict.fromkeys(dataset for dataset, _, _ in groups))
    columns = min(3, len(datasets))
    lines = -(-len(datasets) // columns)
    figure = new_figure((3.4 * columns, 2.9 * lines + 0.5), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    depth = (np.arange(GAIN_BANDS) + 0.5) / GAIN_BANDS
    titles = list(dict.fromkeys(title for _, title, _ in groups))
    colours = _colours(titles)
    for panel, dataset in zip(axes, datasets, strict=False):
        for _, title, own in (group for group in groups if group[0] == dataset):
            panel.plot(depth, own[list(GAINS)].mean(), color=colours[title], label=title, linewidth=1.8)
        panel.set_title(dataset_title(config, dataset), fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
    for panel in axes[len(datasets) :]:
        panel.set_axis_off()
    handles = {label: h for panel in axes for h, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    figure.supylabel("Mean gray", fontsize=10)
    for panel in axes:
        panel.set_xlabel("Depth, share of the sector", fontsize=9)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    write_figure(path, figure, config.report.dpi)


def _colours(titles: Sequence[str]) -> dict[str, str]:
    synthetic = [title for title in titles if title not in COLOURS]
    return COLOURS | {title: MODEL_COLOURS[i % len(MODEL_COLOURS)] for i, title in enumerate(synthetic)}
