"""The table of mask fidelity with its ceiling."""

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.clinical import MEASURES
from echodiff.evaluate.overlap import OUTLINES
from echodiff.report import label_sources
from echodiff.report.inputs import in_order, model_names, model_title
from echodiff.report.table import Column, ReportTable, format_mean_sd, mean_sd_of_known, means_and_sds, with_known

DICE = tuple(f"dice_{name}" for name in OUTLINES)
HAUSDORFF = tuple(f"hd95_{name}_mm" for name in OUTLINES)
MEAN_DISTANCES = tuple(f"assd_{name}_mm" for name in OUTLINES)
# Columns of one metric, the heading over them, digits.
METRICS = ((DICE, "Dice", 3), (HAUSDORFF, "Hausdorff 95 %, mm", 1), (MEAN_DISTANCES, "Mean border distance, mm", 2))
KEYS = tuple(key for keys, _, _ in METRICS for key in keys)
COLUMNS = ("dataset", "kind", "model", "case_id", *KEYS, *(f"{m}_segmented" for m in MEASURES))
LABELS = {"lv": "LV", "lv_myo": "LV + MYO", "la": "LA"}
NOT_FOUND = (
    "A structure that is not segmented has a Dice of 0 and no distance, one that the guide lacks has neither; N in "
    "brackets: images that have the value, where fewer."
)
METRIC_COLUMNS = tuple(
    Column(key, LABELS[name], heading) for keys, heading, _ in METRICS for key, name in zip(keys, OUTLINES, strict=True)
)
# Measure -> its name and unit.
CLINICAL = {
    "lv_area_cm2": ("LV area", "cm²"),
    "lv_long_axis_mm": ("LV long axis", "mm"),
    "la_area_cm2": ("LA area", "cm²"),
    "wall_thickness_mm": ("Wall thickness", "mm"),
}
CEILING = "Ceiling: held-out real images"
LIMITS = 1.96  # standard deviations (of n - 1) of the limits of agreement; Bland and Altman 1986


def fidelity(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Dice, border distances and bias of the clinical measures; real held-out images are the ceiling.

    `cases`: the case tables, which say where label maps come from.
    """
    data, cells = [], []
    for dataset, title, own in _groups(rows, config):
        biases = {name: own[f"{name}_segmented"] - own[f"{name}_guide"] for name in MEASURES}
        numbers = means_and_sds(own, KEYS)
        numbers |= {f"{name}_bias": bias.mean() for name, bias in biases.items()}
        numbers |= {f"{name}_limits": LIMITS * bias.std() for name, bias in biases.items()}
        numbers |= {f"{name}_n": int(bias.notna().sum()) for name, bias in biases.items()}
        data.append({"dataset": dataset, "row": title, "n": len(own)} | numbers)
        texts = {key: mean_sd_of_known(own[key], digits) for keys, _, digits in METRICS for key in keys}
        texts |= {name: _bias_cell(bias) for name, bias in biases.items()}
        cells.append(
            {"group": label_sources.marked_title(cases, config, dataset), "title": title, "n": str(len(own))} | texts
        )
    return ReportTable(
        name="fidelity",
        title="Do the images show what their guides say?",
        subtitle="A segmenter trained on real training patients only, its label map against the guide",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *METRIC_COLUMNS,
            *(Column(name, ", ".join(CLINICAL[name]), "Bias ± limits of agreement") for name in MEASURES),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"] != CEILING],
        notes=(
            "The ceiling is what the segmenter reaches on real held-out patients. A score above it says nothing more; "
            "one well below it means that the images do not show the structures of their guides.",
            NOT_FOUND,
            "Bias: segmented minus guide; limits of agreement are 1.96 standard deviations. Both are over the images "
            "in which both have the structure; N in brackets: their number, if fewer. A small bias over few images "
            "does not mean that the structure is drawn. Ejection fraction cannot be assessed without end-systole.",
            *label_sources.note(cases, config),
        ),
    )


def _bias_cell(bias: pd.Series) -> str:
    return with_known(format_mean_sd(bias.mean(), LIMITS * bias.std(), 1), bias)


def _groups(rows: pd.DataFrame, config: Config) -> list[tuple[str, str, pd.DataFrame]]:
    groups = []
    for dataset in in_order(config, rows["dataset"]):
        own = rows[rows["dataset"] == dataset]
        real = own[own["kind"] == "dataset"]
        if len(real):
            title = CEILING if dataset == config.training_dataset else "Source, real"
            groups.append((dataset, title, real))
        synthetic = own[own["kind"] == "translation"]
        for model in model_names(config, synthetic["model"]):
            groups.append((dataset, f"Synthetic, {model_title(model)}", synthetic[synthetic["model"] == model]))
    return groups
