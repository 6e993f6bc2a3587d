"""Guides of extreme shape: a table of what the images show of them, and a sheet of guides and images."""

from collections.abc import Sequence

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.extreme import DEFORMATIONS, REAL_IMAGE, TITLES, UNCHANGED, parts_of
from echodiff.evaluate.polar import LEAK_GRAY
from echodiff.report import fidelity, label_sources
from echodiff.report.guides import draw_guide
from echodiff.report.inputs import model_heading, model_names, model_title
from echodiff.report.sheet import Row
from echodiff.report.table import NOTHING, Column, ReportTable, format_mean_sd, means_and_sds, with_known
from echodiff.store.image_set import ImageSet

DICE = dict(zip(fidelity.DICE, fidelity.LABELS.values(), strict=True))
INVENTED = {"invented_myo": "MYO", "invented_la": "LA"}
COLUMNS = ("dataset", "model", "case_id", "deformation", *DICE, *INVENTED, "leakage")
SHOWN = 2
FEWEST = 3  # patients whose spread is printed
LACKING = "Drawn though the guide lacks it, % of the unchanged guide's area"


def extreme(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and standard deviation over patients, a row a deformation below the real images', a block a model.

    `cases`: the case tables, which say where the label maps come from that were deformed.
    """
    data, cells = [], []
    for model in model_names(config, rows["model"]):
        for deformation in (REAL_IMAGE, *DEFORMATIONS):
            own = rows[(rows["model"] == model) & (rows["deformation"] == deformation)]
            if own.empty:
                continue
            numbers = _numbers(own)
            data.append({"model": model, "deformation": deformation, "n": len(own)} | numbers)
            texts = {key: _cell(own[key], numbers[f"{key}_sd"]) for key in (*DICE, "leakage")}
            texts |= {key: _percent(own[key]) for key in INVENTED}
            group = label_sources.marked(model_heading(model), cases, [config.training_dataset])
            cells.append({"group": group, "title": TITLES[deformation], "n": str(len(own))} | texts)
    return ReportTable(
        name="extreme",
        title="Guides of extreme shape",
        subtitle="Label maps of held-out patients, deformed; mean over patients, ± standard deviation where there are "
        f"{FEWEST} or more",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *(Column(key, label, "Dice against the guide") for key, label in DICE.items()),
            *(Column(key, label, LACKING) for key, label in INVENTED.items()),
            Column("leakage", "Leakage"),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"] == TITLES[UNCHANGED]],
        notes=(
            "Dice of the segmenter's label map against the deformed guide. The segmenter has seen real hearts only, so "
            "that a low Dice may be its own failure: look at the images. The ceiling is what it reaches on the same "
            "patients' real images, with the unchanged guide; their leakage is measured in the sector of the model's.",
            "Drawn though the guide lacks it: segmented pixels in % of those that the unchanged guide has. N: "
            "patients, in brackets where fewer have the structure. Leakage: share of the pixels outside the sector of "
            f"a gray of {LEAK_GRAY:g} or more. A distance between distributions would say nothing: no real images have "
            "such shapes.",
            *label_sources.note(cases[cases["dataset"] == config.training_dataset], config),
        ),
    )


def _numbers(own: pd.DataFrame) -> dict[str, float]:
    """Means and standard deviations, no deviation (NaN) of fewer than `FEWEST` patients."""
    keys = (*DICE, *INVENTED, "leakage")
    few = [key for key in keys if own[key].notna().sum() < FEWEST]
    return means_and_sds(own, keys) | {f"{key}_sd": float("nan") for key in few}


def _cell(values: pd.Series, sd: float) -> str:
    return with_known(format_mean_sd(values.mean(), sd, 3), values)


def _percent(values: pd.Series) -> str:
    return with_known(NOTHING if values.isna().all() else f"{100 * values.mean():.0f}", values)


def extreme_sheet(synthetic: Sequence[ImageSet], config: Config) -> tuple[list[Row], list[str], list[tuple[str, int]]]:
    """Rows of the deformations; for each of the first patients the guide and every model's image; the headings."""
    by_model = {images.attributes["model"]: images for images in synthetic}
    models = model_names(config, by_model)
    first = by_model[models[0]]
    patients = list(dict.fromkeys(case for case, _ in parts_of(first.case_id)))[:SHOWN]
    rows = []
    for deformation in DEFORMATIONS:
        images = []
        for patient in patients:
            chosen = [by_model[model].select([f"{patient}.{deformation}"]) for model in models]
            images += [draw_guide(chosen[0].masks[0]), *(own.images[0] for own in chosen)]
        rows.append(Row(TITLES[deformation], images))
    columns = ["Guide", *(model_title(model) for model in models)] * len(patients)
    return rows, columns, [(patient, 1 + len(models)) for patient in patients]
