"""Table 2: the distance of each dataset from the training images before and after translation."""

import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.frechet_table import AFTER, BEFORE, FLOOR_HALVES, FLOOR_SAME_N, FLOOR_VALIDATION, TRAINING
from echodiff.evaluate.names import FRECHET_NAMES, KERNEL_NAMES, TITLES
from echodiff.report import trivial
from echodiff.report.inputs import dataset_title, in_order, model_heading, model_names
from echodiff.report.published import published_value
from echodiff.report.table import NOTHING, Column, ReportTable, format_interval

COLUMNS = ("dataset", "model", "metric", "set", "reference", "n", "n_reference", "value", "low", "high", "extractor")

ABOVE, REACHED, BELOW = "fell, above the floor", "fell, not told from the floor", "fell below the floor"
NO_FLOOR, WITHIN, NOT, SAME = "fell, no floor", "fell, intervals overlap", "did not fall", "same scanner"
UNSURE = "fell, no interval"
TOO_FEW = "unknown, fewer than 2 images"
KERNEL_SCALE = 1e3
FLOORS = {
    FLOOR_SAME_N: "Training images v. the rest",
    FLOOR_VALIDATION: "Validation v. training images",
    FLOOR_HALVES: "Halves of the training images",
}
COUNTS = ("n", "n_reference")
ENDS = {"": "value", "_low": "low", "_high": "high"}


def table2(metrics: pd.DataFrame, config: Config) -> ReportTable:
    """Distances of all datasets and models of the tables `metrics`; each row says whether the distance fell.

    Raises:
        InputError: rows of more than one extractor, which cannot be compared.
    """
    extractor = one_extractor(metrics)
    metrics = metrics[metrics["reference"] == TRAINING]
    datasets = in_order(config, metrics["dataset"])
    models = model_names(config, metrics["model"])
    rows = []
    for model in models:
        for dataset in datasets:
            own = metrics[(metrics["model"] == model) & (metrics["dataset"] == dataset)]
            if len(own):
                rows.append(_row(own, dataset, model, extractor, same=dataset == config.training_dataset))
    data = pd.DataFrame(rows)
    return ReportTable(
        name="table2",
        title=f"Table 2. Distance from {_training(config)} before and after translation",
        subtitle=f"{FRECHET_NAMES[extractor]}: Frechet distance in the features of {TITLES[extractor]}, "
        "with 95 % intervals by subsampling",
        columns=_columns(extractor),
        cells=pd.concat([_floors(data, extractor), _cells(data, config, extractor)], ignore_index=True).fillna(NOTHING),
        data=data,
        notes=(*_notes(config, extractor, itself=config.training_dataset in datasets), *trivial.notes(models)),
        group="group",
    )


def _training(config: Config) -> str:
    return dataset_title(config, config.training_dataset)


def one_extractor(metrics: pd.DataFrame) -> str:
    found = sorted(metrics["extractor"].unique())
    if len(found) != 1:
        raise InputError(
            f"distances: expected those of one feature extractor, found {', '.join(found)}; "
            "distances in different features cannot stand in one table, so compute the features again alike"
        )
    return found[0]


def _row(own: pd.DataFrame, dataset: str, model: str, extractor: str, *, same: bool) -> dict:
    frechet = own[own["metric"] == FRECHET_NAMES[extractor]].set_index("set")
    kernel = own[own["metric"] == KERNEL_NAMES[extractor]].set_index("set")
    row: dict = {
        "dataset": dataset,
        "model": model,
        "metric": FRECHET_NAMES[extractor],
        "n": int(frechet.loc[AFTER, "n"]),
        "n_training": int(frechet.loc[AFTER, "n_reference"]),
        "published_fid_before": published_value(dataset, "fid_before")[0],
        "published_fid_after": published_value(dataset, "fid_after")[0],
    }
    for name in (BEFORE, AFTER, *FLOORS):
        for end, key in ENDS.items():
            row[f"{name}{end}"] = frechet.loc[name, key] if name in frechet.index else float("nan")
    for name in FLOORS:
        for key in COUNTS:
            row[f"{name}_{key}"] = int(frechet.loc[name, key]) if name in frechet.index else pd.NA
    row["outcome"] = SAME if same else _outcome(frechet)
    for name in (BEFORE, AFTER, *FLOORS):
        for end, key in ENDS.items():
            value = kernel.loc[name, key] if name in kernel.index else float("nan")
            row[f"{KERNEL_NAMES[extractor]}_{name}{end}"] = value
    return row


def _outcome(frechet: pd.DataFrame) -> str:
    before, after = frechet.loc[BEFORE], frechet.loc[AFTER]
    if pd.isna(before["value"]) or pd.isna(after["value"]):
        return TOO_FEW
    if not after["value"] < before["value"]:
        return NOT
    if pd.isna(after["high"]) or pd.isna(before["low"]):
        return UNSURE
    if after["high"] >= before["low"]:
        return WITHIN
    return _against_floor(after, frechet.loc[FLOOR_SAME_N]) if FLOOR_SAME_N in frechet.index else NO_FLOOR


def _against_floor(after: pd.Series, floor: pd.Series) -> str:
    """Where the interval of `after` lies beside the range of the floor of the same N."""
    if pd.isna(floor["high"]):
        return NO_FLOOR
    if after["low"] > floor["high"]:
        return ABOVE
    return BELOW if after["high"] < floor["low"] else REACHED


def _cells(data: pd.DataFrame, config: Config, extractor: str) -> pd.DataFrame:
    kernel = KERNEL_NAMES[extractor]
    cells = pd.DataFrame(
        {
            "group": [model_heading(model) for model in data["model"]],
            "title": [dataset_title(config, dataset) for dataset in data["dataset"]],
            "n": data["n"].astype(str),
            "n_training": data["n_training"].astype(str),
            "outcome": data["outcome"],
        }
    )
    for name in ("published_fid_before", "published_fid_after"):
        cells[name] = [format_interval(value, float("nan"), float("nan"), 2) for value in data[name]]
    for name in (BEFORE, AFTER):
        cells[name] = [format_interval(*values) for values in data[_keys(name)].to_numpy()]
        cells[f"kernel_{name}"] = [kernel_cell(*values) for values in data[_keys(f"{kernel}_{name}")].to_numpy()]
    return cells


def _floors(data: pd.DataFrame, extractor: str) -> pd.DataFrame:
    """A row for each floor, under the columns of `after`, which it is compared with; alike ones stand once."""
    kernel, rows = KERNEL_NAMES[extractor], []
    for name, title in FLOORS.items():
        for _, row in data[data[name].notna()].iterrows():
            counts = {key: str(row[f"{name}_{of}"]) for key, of in zip(("n", "n_training"), COUNTS, strict=True)}
            distances = {AFTER: format_interval(*row[_keys(name)])}
            distances |= {f"kernel_{AFTER}": kernel_cell(*row[_keys(f"{kernel}_{name}")])}
            rows.append({"group": "Floors: real images against real images", "title": title} | counts | distances)
    return pd.DataFrame(rows).drop_duplicates()


def _keys(name: str) -> list[str]:
    """Columns of a distance and of its interval."""
    return [f"{name}{end}" for end in ENDS]


def kernel_cell(value: float, low: float, high: float) -> str:
    """A kernel distance in 1e-3, with as many digits as its interval bears."""
    value, low, high = (KERNEL_SCALE * number for number in (value, low, high))
    digits = 0 if high - low >= 10 else 1 if high - low >= 1 else 2
    return format_interval(value, low, high, digits)


def _columns(extractor: str) -> tuple[Column, ...]:
    paper, ours = "Published FID", f"This run: {FRECHET_NAMES[extractor]}"
    kernel = f"{KERNEL_NAMES[extractor]}, 1e-3"
    return (
        Column("title", "Dataset", align="left"),
        Column("n", "N"),
        Column("n_training", "N of training"),
        Column("published_fid_before", "before", paper),
        Column("published_fid_after", "after", paper),
        Column(BEFORE, "before", ours),
        Column(AFTER, "after", ours),
        Column("outcome", "outcome", ours, "left"),
        Column(f"kernel_{BEFORE}", "before", kernel),
        Column(f"kernel_{AFTER}", "after", kernel),
    )


def _notes(config: Config, extractor: str, *, itself: bool) -> tuple[str, ...]:
    training = _training(config)
    notes = (
        f"Before: originals against the training images of {training}; after: their translations, the same N cases.",
        "Floors stand under after, which they are compared with. Validation: the one split there is, with its "
        "interval; the others: mean and 2.5 to 97.5 % range over random splits. A Frechet distance rises as either N "
        "falls, so that a row is compared with training images of its own N against the rest. That floor has a smaller "
        "reference than the row: it is a little too high, and there is none where N is more than half of the training "
        "images.",
        "Outcome: fell where the interval of after lies below that of before; then whether it lies above the range of "
        "the floor of the row's N, overlaps it or lies below it (no floor: there is none of that N). What lies far "
        "below is nearer than other real images are, as copies of training images can be: see the table of memory.",
        "The kernel distance has no such bias: its floors are about 0.",
    )
    if itself:
        notes += (
            f"The row of {training} has its held-out validation patients, drawn anew from their own label maps: no "
            "other scanner is involved, so that before is a floor itself and nothing can fall.",
        )
    if FRECHET_NAMES[extractor] != "fid":
        notes += (
            f"{FRECHET_NAMES[extractor]} is not FID: the published values are in other features and on "
            "another scale, so that only directions can be compared.",
        )
    return notes
