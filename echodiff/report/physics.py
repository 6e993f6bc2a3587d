"""The table of ultrasound physics, training images, sources and translations side by side, and gain over
depth.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.physics import GAIN_BANDS, HELD_OUT, PATCH
from echodiff.report import label_sources
from echodiff.report.canvas import BESIDE_BLACK, MARKERS, new_figure, write_figure
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.table import Column, ReportTable, mean_sd_of_known

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
UNSEEN = "Held-out, real"
BLACK = "#000000"  # real images; models have the other colours
REAL_STYLES = {TRAINING: {"color": BLACK}, SOURCE: {"color": BLACK, "linestyle": "--"}}
LINES = ("-", "-.", ":")
PANEL = (3.4, 2.7)  # inches
LONGEST_LINE = 30  # characters of a title that fit over a panel, of a name beside others in the legend
TITLE_LINES = 3
GRAYS = (0, 64, 128, 192, 255)


def groups_of(rows: pd.DataFrame, config: Config) -> list[tuple[str, str, pd.DataFrame]]:
    """(dataset, title of the row, its images): for every dataset the training images, held-out ones of the training
    dataset, its own, its translations.
    """
    real, synthetic = rows[rows["kind"] == "dataset"], rows[rows["kind"] == "translation"]
    training = real[real["dataset"] == config.training_dataset]
    held_out = rows[rows["kind"] == HELD_OUT]
    groups = []
    for dataset in in_order(config, rows["dataset"]):
        groups += [(dataset, TRAINING, training), (dataset, UNSEEN, held_out)]
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
                   for name, value in (("mean", own[key].mean()), ("sd", own[key].std(ddof=0)),
                                       ("n", int(own[key].notna().sum())))}  # fmt: skip
        data.append({"dataset": dataset, "row": title, "n": len(own)} | numbers)
        texts = {key: mean_sd_of_known(own[key], digits) for key, _, _, digits in MEASURES}
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
            "and far third of the depth. N in brackets: images in which it can be measured, where fewer; not where a "
            "third has no patch between black and white, nor where the width is near that of a patch, so that the "
            "widest are left out. gCNR: 0 where LV and MYO look alike, 1 where a threshold parts them.",
            f"Speckle is measured in patches of {PATCH} pixels. Where it is nearly as wide as a patch, its width and "
            "spread come out too small and its SNR too high: developed speckle 14.6 pixels wide is measured as 11.6, "
            "4.7 dB and an SNR of 2.3. Sources that were enlarged on reading miss 5.57 dB and 1.91 for that reason. "
            "Correlation of translations in mm is by the pixel size of their source.",
            "Training: the images that the models have learned from. Held-out: other patients of the same dataset; how "
            "far that row lies from the one of training is chance, and a good translation lies no farther.",
            "Leakage: share of the pixels outside the sector of a gray of 8 or more. Overlap: of the tissue that is "
            "seen with the sector, intersection over union. Training and source images are measured in their own "
            "sector, outside of which they were made black on reading. Translations are measured in the training "
            "images' common one (in their source's where the model is given that), and so are the held-out images, "
            "which are what leakage and overlap are compared with.",
            *label_sources.note(cases, config),
        ),
    )


def draw_depth_gain(path: Path, rows: pd.DataFrame, config: Config) -> None:
    """Write `depth_gain_figure` as PNG.

    Raises:
        OutputError: the file cannot be written.
    """
    write_figure(path, depth_gain_figure(rows, config), config.report.dpi)


def depth_gain_figure(rows: pd.DataFrame, config: Config) -> "Figure":
    """Mean gray over depth, one panel a dataset, one line each for training, source and translations; around the
    training images' line one standard deviation over images.
    """
    groups = [group for group in groups_of(rows, config) if group[1] != UNSEEN]  # the band says what is chance
    datasets = list(dict.fromkeys(dataset for dataset, _, _ in groups))
    columns = min(3, len(datasets))
    lines = -(-len(datasets) // columns)
    styles = _styles([title for _, title, _ in groups])
    legend = 0.2 * -(-len(styles) // columns)
    figure = new_figure((PANEL[0] * columns, PANEL[1] * lines + 0.5 + legend), layout="constrained")
    axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    depth = (np.arange(GAIN_BANDS) + 0.5) / GAIN_BANDS
    for place, (panel, dataset) in enumerate(zip(axes, datasets, strict=False)):
        for _, title, own in (group for group in groups if group[0] == dataset):
            mean, sd = own[list(GAINS)].mean(), own[list(GAINS)].std(ddof=0)
            panel.plot(depth, mean, label=title, linewidth=1.6, markersize=4, **styles[title])
            if title == TRAINING:
                panel.fill_between(depth, mean - sd, mean + sd, color=BLACK, alpha=0.12, linewidth=0)
        panel.set_title(_wrapped(dataset_title(config, dataset)), fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(alpha=0.25)
        if place + columns >= len(datasets):  # the lowest of its column, whether or not the last line is full
            panel.tick_params(labelbottom=True)
            panel.set_xlabel("Depth, share of the sector", fontsize=9)
    for panel in axes[len(datasets) :]:
        panel.set_axis_off()
    axes[0].set(ylim=(GRAYS[0], GRAYS[-1]), yticks=GRAYS)
    figure.supylabel("Mean gray (0 to 255)", fontsize=10)
    handles = {label: h for panel in axes for h, label in zip(*panel.get_legend_handles_labels(), strict=True)}
    names = [_wrapped(f"{name}, ± 1 sd" if name == TRAINING else name) for name in handles]
    figure.legend(handles.values(), names, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return figure


def _styles(titles: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How each line is drawn: models differ in colour and marker, from the eighth on in the kind of line too."""
    synthetic = [title for title in dict.fromkeys(titles) if title not in REAL_STYLES]
    styles = {}
    for i, title in enumerate(synthetic):
        turn, place = divmod(i, len(BESIDE_BLACK))
        line, marker = LINES[turn % len(LINES)], MARKERS[i % len(MARKERS)]
        styles[title] = {"color": BESIDE_BLACK[place], "linestyle": line, "marker": marker}
    return REAL_STYLES | styles


def _wrapped(text: str) -> str:
    """Lines that fit over a panel; what is longer than three of them ends in an ellipsis."""
    return "\n".join(textwrap.wrap(text, LONGEST_LINE, max_lines=TITLE_LINES, placeholder="…"))
