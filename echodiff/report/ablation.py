"""The ablation table: all models of the configuration side by side, through every metric of the run."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.polar import LEAK_GRAY
from echodiff.report import label_sources
from echodiff.report.inputs import KINDS, in_order, model_title
from echodiff.report.measures import Interval, Measure, measures_of
from echodiff.report.scores import HIGHER, INFINITE_PSNR, NEITHER
from echodiff.report.table import NOTHING, Column, ReportTable, format_interval

COLUMNS: Mapping[str, Sequence[str]] = {kind: (column,) for kind, column in KINDS.items()}
BEST = " *"
REAL_TITLE = "Real images"


def ablation(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> ReportTable:
    """A row a model, for all translated datasets together and for each dataset, above what real images reach; the best
    model is marked where its interval lies apart from those of all others.

    Args:
        tables: by kind (`KINDS`); `pixel` is needed, what the run has switched off is left out.
        cases: the case tables, which say whose images they are and where label maps come from.
    """
    models = [name for name in config.models if name in set(tables["pixel"]["model"])]
    measures = measures_of(tables, cases, config)
    present = in_order(config, tables["pixel"]["dataset"])
    sources = [name for name in present if name != config.training_dataset]
    data, cells = [], []
    blocks = [("", label_sources.marked_title_of_all(cases, sources), sources)] if sources else []
    blocks += [(name, label_sources.marked_title(cases, config, name), [name]) for name in present]
    for dataset, heading, datasets in blocks:
        found = {model: {measure.key: measure.of(datasets, model) for measure in measures} for model in models}
        for model, values in found.items():
            n = _count(tables["pixel"], datasets, model)
            best = [
                is_best(model, {name: own[measure.key] for name, own in found.items()}, measure.better)
                for measure in measures
            ]
            numbers, texts = _row(measures, values, best)
            data.append({"dataset": dataset, "model": model, "n": n} | numbers)
            cells.append({"group": heading, "title": model_title(model), "n": str(n)} | texts)
        real = {measure.key: measure.real(datasets) for measure in measures}
        numbers, texts = _row(measures, real, [False] * len(measures))
        data.append({"dataset": dataset, "model": "", "n": pd.NA} | numbers)
        cells.append({"group": heading, "title": REAL_TITLE, "n": NOTHING} | texts)
    return ReportTable(
        name="ablation",
        title="The models of the configuration side by side",
        subtitle="Value with its 95 % interval",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *(Column(measure.key, measure.label, measure.heading) for measure in measures),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"] == REAL_TITLE],
        notes=(*_notes(models), *label_sources.note(cases, config)),
    )


def _row(
    measures: Sequence[Measure], values: Mapping[str, Interval], best: Sequence[bool]
) -> tuple[dict[str, float | bool], dict[str, str]]:
    """Numbers and printed cells of a row; `values` by the measures' keys, `best` in their order."""
    numbers, texts = {}, {}
    for measure, marked in zip(measures, best, strict=True):
        value = values[measure.key]
        numbers |= dict(zip((f"{measure.key}{end}" for end in ("", "_low", "_high")), value, strict=True))
        numbers[f"{measure.key}_best"] = marked
        texts[measure.key] = format_interval(*value, digits=measure.digits) + (BEST if marked else "")
    return numbers, texts


def is_best(model: str, values: Mapping[str, Interval], better: str) -> bool:
    """Whether the model's interval lies on the better side of those of all other models."""
    if better == NEITHER or len(values) < 2 or any(np.isnan(part).any() for part in values.values()):
        return False
    _, low, high = values[model]
    others = [own for name, own in values.items() if name != model]
    return all(low > own[2] if better == HIGHER else high < own[1] for own in others)


def _notes(models: Sequence[str]) -> tuple[str, ...]:
    notes = (
        "Distances of the translations from the training images and the distance of physics: mean over the datasets in "
        "the first block, as are their intervals, taken as independent. All other columns: cases pooled.",
        f"{REAL_TITLE}: of the distances and of physics a floor, N of the training images against the rest of them, "
        "mean and 2.5 to 97.5 % range over random splits, missing where N is more than half of them; its reference is "
        "smaller than the models', so that it is a little too high. Of PSNR and SSIM a floor too: another patient of "
        "the dataset. Of Dice a ceiling: held-out images of the training dataset. MS-SSIM: of different patients. "
        "Leakage and flagged: held-out images.",
        "Physics: mean Wasserstein distance of speckle, resolution and contrast (the table of physics) from the "
        "training images, in standard deviations within a set, over the measures that both have: without the size of a "
        "pixel there are no widths, in the floor neither. It is above zero for real images too, and rises as N falls. "
        f"Leakage: share of the pixels outside the sector of a gray of {LEAK_GRAY:g} or more. "
        "Flagged: share of images too close to a training image (Wilson interval of so many patients). MS-SSIM between "
        "samples of one guide, over the guides of the table of diversity, not over N: lower is more diverse, neither "
        "end is best.",
        "Intervals count patients: the images of one are drawn, or left out, together. Dice is over the images whose "
        "guide has the structure; the table of mask fidelity says how many, where they are fewer than N.",
        INFINITE_PSNR,
    )
    if len(models) > 1:
        marked = f"{BEST.strip()} the best model of the block, its interval apart from those of all others."
        notes += (marked + " No mark: they cannot be told apart.",)
    return notes + ("N: synthetic images. Each model is one training; how much a second would differ is not in it.",)


def _count(pixel: pd.DataFrame, datasets: Sequence[str], model: str) -> int:
    own = pixel[pixel["dataset"].isin(datasets) & (pixel["model"] == model)]
    return len(own[["dataset", "case_id"]].drop_duplicates())
