"""The table of memory with its verdict, and the gallery of the closest pairs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.memory import CORRELATION, SPACES
from echodiff.evaluate.memory_table import HELD_OUT, SYNTHETIC
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.sheet import Row
from echodiff.report.table import NOTHING, Column, ReportTable
from echodiff.store.image_set import ImageSet

COLUMNS = ("dataset", "model", "kind", "case_id", "flagged", *(f"{space}_distance" for space in SPACES))
FIT, UNFIT = "fit", "unfit for release"
GALLERY = 10


def memory(rows: pd.DataFrame, config: Config) -> ReportTable:
    """Flagged images of every dataset and model, and whether the synthetic dataset is fit for release."""
    limit = config.evaluate.memory.max_flagged_share
    data = []
    for model in model_names(config, rows["model"]):
        for dataset in in_order(config, rows["dataset"]):
            own = rows[(rows["model"] == model) & (rows["dataset"] == dataset)]
            if len(own):
                data.append({"dataset": dataset, "model": model} | _summary(own, limit))
    table = pd.DataFrame(data)
    cells = pd.DataFrame(
        {
            "group": [model_title(model) for model in table["model"]],
            "title": [dataset_title(config, dataset) for dataset in table["dataset"]],
            "n": table["n"].astype(str),
            "flagged": table["flagged"].astype(str),
            "share": [f"{100 * share:.1f} %" for share in table["share"]],
            "verdict": table["verdict"],
            "held_out": [f"{f} of {n}" for f, n in zip(table["held_out_flagged"], table["held_out_n"], strict=True)],
            **{
                space: [NOTHING if pd.isna(ratio) else f"{ratio:.2f}" for ratio in table[f"{space}_ratio"]]
                for space in SPACES
            },
        }
    )
    return ReportTable(
        name="memory",
        title="Memory: synthetic images that lie too close to a training image",
        subtitle=f"Fit: at most {100 * limit:g} % flagged; alarm rate between real patients "
        f"{100 * config.evaluate.memory.alarm_rate:g} %",
        columns=(
            Column("title", "Dataset", align="left"),
            Column("n", "N"),
            Column("flagged", "Flagged"),
            Column("share", "Share"),
            Column("verdict", "Verdict", align="left"),
            Column("held_out", "Held-out real images flagged"),
            *(Column(space, space, "Distance to training / to held-out, median") for space in SPACES),
        ),
        cells=cells,
        data=table,
        group="group",
        highlight=[i for i, verdict in enumerate(table["verdict"]) if verdict == UNFIT],
        notes=(
            "Flagged: nearer to a training image than the threshold in at least one of the three spaces; the "
            "threshold is set by the distances between different training patients.",
            "The ratio is about 1 for images that owe nothing to single training images; it falls as N of the "
            "training images rises above that of the held-out ones, and well below that level for copies.",
        ),
    )


def _summary(own: pd.DataFrame, limit: float) -> dict:
    synthetic, held_out = (own[own["kind"] == kind] for kind in (SYNTHETIC, HELD_OUT))
    share = float(synthetic["flagged"].mean())
    return {
        "n": len(synthetic),
        "flagged": int(synthetic["flagged"].sum()),
        "share": share,
        "verdict": UNFIT if share > limit else FIT,
        "held_out_n": len(held_out),
        "held_out_flagged": int(held_out["flagged"].sum()),
        **{f"{space}_ratio": _ratio(synthetic, space) for space in SPACES},
    }


def _ratio(synthetic: pd.DataFrame, space: str) -> float:
    held_out = f"{space}_held_out_distance"
    if held_out not in synthetic:
        return float("nan")
    return float(np.median(synthetic[f"{space}_distance"] / synthetic[held_out]))


def gallery(rows: pd.DataFrame, reference: ImageSet, synthetic: Sequence[ImageSet], config: Config) -> list[Row]:
    """The ten synthetic images closest to a training image for their threshold, each beside that image.

    Raises:
        InputError: a row has no synthetic image.
    """
    own = rows[rows["kind"] == SYNTHETIC].copy()
    own["closeness"] = own[f"{CORRELATION}_distance"] / own[f"{CORRELATION}_threshold"]
    sets = {(s.attributes["dataset"], s.attributes["model"]): s for s in synthetic}
    sheet = []
    for _, row in own.sort_values(["closeness", "dataset", "case_id"]).head(GALLERY).iterrows():
        key = (row["dataset"], row["model"])
        if key not in sets:
            raise InputError(f"gallery: expected the translation of {key[0]} by {key[1]}, found it not")
        images = [
            sets[key].select([row["case_id"]]).images[0],
            reference.select([row[f"{CORRELATION}_training"]]).images[0],
        ]
        mark = ", flagged" if row["flagged"] else ""
        captions = (row["case_id"], f"{row[f'{CORRELATION}_training']}, {row['closeness']:.1f} x limit{mark}")
        sheet.append(Row(dataset_title(config, row["dataset"]), images, captions))
    return sheet
