"""The table of overlap: precision, recall, density and coverage of originals, translations and held-out
images.
"""

from collections.abc import Mapping

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate import frechet_table as sets
from echodiff.evaluate.manifold import NAMES, NEIGHBOURS
from echodiff.evaluate.names import TITLES
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.table import Column, ReportTable, format_interval

COLUMNS = ("dataset", "model", "metric", "set", "n", "n_reference", "value", "low", "high", "extractor")

SETS: Mapping[str, str] = {
    sets.BEFORE: "Before: originals",
    sets.AFTER: "After: translations",
    sets.FLOOR_VALIDATION: "Ceiling: held-out real images",
    sets.FLOOR_SAME_N: "Ceiling: N training images",
}


def distribution(metrics: pd.DataFrame, config: Config) -> ReportTable:
    """The overlap of every dataset and model with the training images, the overlap of real images below it."""
    overlap = metrics[metrics["metric"].isin(NAMES)]
    data, cells = [], []
    for model in model_names(config, overlap["model"]):
        for dataset in in_order(config, overlap["dataset"]):
            for name, title in SETS.items():
                rows = overlap[
                    (overlap["model"] == model) & (overlap["dataset"] == dataset) & (overlap["set"] == name)
                ].set_index("metric")
                if rows.empty:
                    continue
                n = int(rows["n"].iloc[0])
                data.append({"dataset": dataset, "model": model, "set": name, "n": n} | _values(rows))
                group = f"{dataset_title(config, dataset)}, {model_title(model)}"
                cells.append({"group": group, "title": title, "n": str(n)} | _texts(rows))
    extractors = ", ".join(TITLES.get(name, name) for name in sorted(metrics["extractor"].unique()))
    return ReportTable(
        name="distribution",
        title="Overlap with the training images",
        subtitle=f"Features of {extractors}, {NEIGHBOURS} neighbours, 95 % intervals by subsampling",
        columns=(
            Column("title", "", align="left"),
            Column("n", "N"),
            *(Column(metric, metric.capitalize()) for metric in NAMES),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"] == SETS[sets.AFTER]],
        notes=(
            "Precision: share of the images that lie among the training images; recall: share of the training "
            "images that lie among the images of the row. Density: how many training images are around each image, 1 "
            "for equal distributions; coverage: share of the training images with one nearby. Coverage rises with N "
            "and recall falls, as few images have far neighbours: compare with the ceiling of the same N. "
            "Intervals of shares are no narrower than Wilson's.",
            "N training images: against the rest of the training images, of which they are at most half; mean and 2.5 "
            "to 97.5 % range over random splits in place of an interval.",
        ),
    )


def _values(rows: pd.DataFrame) -> dict[str, float]:
    keys = {"": "value", "_low": "low", "_high": "high"}
    return {f"{name}{end}": rows.loc[name, key] for name in NAMES for end, key in keys.items()}


def _texts(rows: pd.DataFrame) -> dict[str, str]:
    return {name: format_interval(*rows.loc[name, ["value", "low", "high"]], digits=2) for name in NAMES}
