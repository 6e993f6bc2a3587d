"""The table of distances by reference and frame: is it the training images alone, is it the sector's outline alone?"""

from collections.abc import Iterator
from itertools import product

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.frechet_table import AFTER, BEFORE, FLOOR_SAME_N, HELD_OUT, TRAINING
from echodiff.evaluate.names import FRECHET_NAMES, FULL, KERNEL_NAMES, POLAR, TITLES, metric_name
from echodiff.report import trivial
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.table import NOTHING, Column, ReportTable, format_interval
from echodiff.report.table2 import COUNTS, kernel_cell, one_extractor

COLUMNS = ("dataset", "model", "metric", "set", "reference", "n", "n_reference", "value", "low", "high", "extractor")
FRAMES = {FULL: "Full frame", POLAR: "Polar frame"}
REFERENCES = {TRAINING: "training images", HELD_OUT: "held-out images"}
ENDS = {"": "value", "_low": "low", "_high": "high"}
SETS = {BEFORE: "before", AFTER: "after", FLOOR_SAME_N: "floor"}
FLOOR = f"frechet_{FLOOR_SAME_N}"


def distances(metrics: pd.DataFrame, config: Config) -> ReportTable:
    """Frechet and kernel distance of every dataset and model, in both frames, from both sides of the split.

    Raises:
        InputError: rows of more than one extractor.
    """
    extractor = one_extractor(metrics)
    data, cells = [], []
    for model in model_names(config, metrics["model"]):
        for dataset in in_order(config, metrics["dataset"]):
            own = metrics[(metrics["model"] == model) & (metrics["dataset"] == dataset)]
            group = f"{dataset_title(config, dataset)}, {model_title(model)}"
            for names, numbers, texts in _rows(own, extractor):
                data.append({"dataset": dataset, "model": model} | names | numbers)
                cells.append({"group": group} | texts)
    frechet, kernel = FRECHET_NAMES[extractor], KERNEL_NAMES[extractor]
    columns = [Column("title", "", align="left"), Column("n", "N"), Column("n_reference", "N of the reference")]
    columns += [Column(f"frechet_{key}", label, frechet) for key, label in SETS.items()]
    columns += [Column(f"kernel_{key}", label, f"{kernel}, 1e-3") for key, label in SETS.items()]
    return ReportTable(
        name="distances",
        title="Distances from training and from held-out images, in the full and in the polar frame",
        subtitle=f"Features of {TITLES[extractor]}, 95 % intervals by subsampling",
        columns=columns,
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        notes=(
            "A generator that copies comes closer to the training images than to held-out ones, by more than their "
            "floors differ. In the polar frame the tissue of every image fills the same rectangle of depth and angle: "
            "a distance that falls only in the full frame is due to the outline of the sector.",
            "Floor: as many training images as there are synthetic ones, against the rest of the training images or "
            "against the held-out ones (numbers in round brackets); mean and 2.5 to 97.5 % range over "
            "random draws. A Frechet distance rises as either N falls, the kernel distance does not: against the "
            "training images its floor has a smaller reference than the row and is a little too high. A dash: N is "
            "more than half of the training images.",
            "Held-out images have no value of before against themselves.",
            *trivial.notes(metrics["model"]),
        ),
    )


def _rows(own: pd.DataFrame, extractor: str) -> Iterator[tuple[dict, dict, dict]]:
    """For each frame and reference that there are rows of: its names, numbers and cells."""
    for (frame, frame_title), (reference, reference_title) in product(FRAMES.items(), REFERENCES.items()):
        chosen = own[own["reference"] == reference]
        frechet, kernel = (
            chosen[chosen["metric"] == metric_name(names[extractor], frame)].set_index("set")
            for names in (FRECHET_NAMES, KERNEL_NAMES)
        )
        if AFTER not in frechet.index:
            continue
        counts = frechet.loc[AFTER, ["n", "n_reference"]].astype(int).to_dict()
        texts = {"title": f"{frame_title}, {reference_title}"} | {name: str(value) for name, value in counts.items()}
        for key, rows, cell in (("frechet", frechet, format_interval), ("kernel", kernel, kernel_cell)):
            values = rows[["value", "low", "high"]].reindex(list(SETS))
            counts |= {f"{key}_{name}{end}": values.loc[name, column] for name in SETS for end, column in ENDS.items()}
            texts |= {f"{key}_{name}": cell(*values.loc[name]) for name in SETS}
        texts[FLOOR] = _floor_cell(frechet)
        counts |= {
            f"floor_{key}": int(frechet.loc[FLOOR_SAME_N, key]) for key in COUNTS if FLOOR_SAME_N in frechet.index
        }
        yield {"frame": frame, "reference": reference}, counts, texts


def _floor_cell(frechet: pd.DataFrame) -> str:
    """The floor with its own numbers of images; a dash where there is none."""
    if FLOOR_SAME_N not in frechet.index:
        return NOTHING
    floor = frechet.loc[FLOOR_SAME_N]
    n, n_reference = (int(floor[key]) for key in COUNTS)
    text = format_interval(*floor[["value", "low", "high"]])
    return text if text == NOTHING else f"{text} ({n} v. {n_reference})"
