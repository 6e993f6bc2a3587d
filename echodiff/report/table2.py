"""Table 2: the distance of each dataset from the training images before and after translation."""

import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate.frechet_table import AFTER, BEFORE, FLOOR_HALVES, FLOOR_SAME_N, FLOOR_VALIDATION, TRAINING
from echodiff.evaluate.names import FRECHET_NAMES, KERNEL_NAMES, TITLES
from echodiff.report.inputs import dataset_title, in_order, model_names, model_title
from echodiff.report.published import published_value
from echodiff.report.table import NOTHING, Column, ReportTable, format_interval

COLUMNS = ("dataset", "model", "metric", "set", "reference", "n", "n_reference", "value", "low", "high", "extractor")

FELL, WITHIN, NOT, SAME = "fell", "fell, intervals overlap", "did not fall", "same scanner"
UNSURE = "fell, no interval"
TOO_FEW = "unknown, fewer than 2 images"
KERNEL_SCALE = 1e3
FLOORS = (FLOOR_VALIDATION, FLOOR_SAME_N, FLOOR_HALVES)
COUNTS = ("n", "n_reference")


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
        cells=_cells(data, config, extractor),
        data=data,
        notes=_notes(config, extractor, itself=config.training_dataset in datasets),
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
        for key in ("value", "low", "high"):
            suffix = "" if key == "value" else f"_{key}"
            row[f"{name}{suffix}"] = frechet.loc[name, key] if name in frechet.index else float("nan")
    for name in FLOORS:
        for key in COUNTS:
            row[f"{name}_{key}"] = int(frechet.loc[name, key]) if name in frechet.index else pd.NA
    row["outcome"] = SAME if same else _outcome(frechet)
    for name in (BEFORE, AFTER, FLOOR_SAME_N):
        for key in ("value", "low", "high"):
            suffix = "" if key == "value" else f"_{key}"
            value = kernel.loc[name, key] if name in kernel.index else float("nan")
            row[f"{KERNEL_NAMES[extractor]}_{name}{suffix}"] = value
    return row


def _outcome(frechet: pd.DataFrame) -> str:
    before, after = frechet.loc[BEFORE], frechet.loc[AFTER]
    if pd.isna(before["value"]) or pd.isna(after["value"]):
        return TOO_FEW
    if not after["value"] < before["value"]:
        return NOT
    if pd.isna(after["high"]) or pd.isna(before["low"]):
        return UNSURE
    return WITHIN if after["high"] >= before["low"] else FELL


def _cells(data: pd.DataFrame, config: Config, extractor: str) -> pd.DataFrame:
    kernel = KERNEL_NAMES[extractor]
    cells = pd.DataFrame(
        {
            "group": [_heading(model) for model in data["model"]],
            "title": [dataset_title(config, dataset) for dataset in data["dataset"]],
            "n": data["n"].astype(str),
            "n_training": data["n_training"].astype(str),
            "outcome": data["outcome"],
        }
    )
    for name in ("published_fid_before", "published_fid_after"):
        cells[name] = [format_interval(value, float("nan"), float("nan"), 2) for value in data[name]]
    for name in (BEFORE, AFTER):
        cells[name] = [format_interval(*values) for values in data[[name, f"{name}_low", f"{name}_high"]].to_numpy()]
    for name in FLOORS:
        keys = [name, f"{name}_low", f"{name}_high", *(f"{name}_{key}" for key in COUNTS)]
        cells[name] = [floor_cell(*values) for values in data[keys].itertuples(index=False)]
    none = data["n"] > data["n_training"] // 2
    cells[FLOOR_SAME_N] = cells[FLOOR_SAME_N].mask(none.to_numpy(), NOTHING)
    for name in (BEFORE, AFTER, FLOOR_SAME_N):
        keys = [f"{kernel}_{name}", f"{kernel}_{name}_low", f"{kernel}_{name}_high"]
        cells[f"kernel_{name}"] = [
            format_interval(*(KERNEL_SCALE * values), digits=2) for values in data[keys].to_numpy()
        ]
    return cells


def floor_cell(value: float, low: float, high: float, n: int, n_reference: int, digits: int = 1) -> str:
    """The floor with its own numbers of images, which need not be those of the row."""
    text = format_interval(value, low, high, digits)
    return text if text == NOTHING else f"{text} ({int(n)} v. {int(n_reference)})"


def _heading(model: str) -> str:
    title = model_title(model)
    return title[0].upper() + title[1:]


def _columns(extractor: str) -> tuple[Column, ...]:
    paper, ours = "Published FID", f"This run: {FRECHET_NAMES[extractor]}"
    floors, kernel = f"Floors of {FRECHET_NAMES[extractor]}, real images", f"{KERNEL_NAMES[extractor]}, 1e-3"
    return (
        Column("title", "Dataset", align="left"),
        Column("n", "N"),
        Column("n_training", "N of training"),
        Column("published_fid_before", "before", paper),
        Column("published_fid_after", "after", paper),
        Column(BEFORE, "before", ours),
        Column(AFTER, "after", ours),
        Column("outcome", "outcome", ours, "left"),
        Column(FLOOR_VALIDATION, "validation v. training", floors),
        Column(FLOOR_SAME_N, "N training v. the rest", floors),
        Column(FLOOR_HALVES, "halves of training", floors),
        Column(f"kernel_{BEFORE}", "before", kernel),
        Column(f"kernel_{AFTER}", "after", kernel),
        Column(f"kernel_{FLOOR_SAME_N}", "floor", kernel),
    )


def _notes(config: Config, extractor: str, *, itself: bool) -> tuple[str, ...]:
    training = _training(config)
    notes = (
        f"Before: originals against the training images of {training}; after: their translations, the same N cases.",
        "Floors: real images against other real images, in round brackets how many against how many. Validation: the "
        "one split there is, with its interval; the others: mean and 2.5 to 97.5 % range over random splits. A Frechet "
        "distance rises as either N falls, so that a floor of fewer images than the row's is too high. The floor of N "
        "training images has the row's N and a smaller reference: it is a little too high, and a dash where N is more "
        "than half of the training images. What lies far below it is nearer than other real images are, as copies of "
        "training images can be: see the table of memory.",
        "The kernel distance has no such bias: its floor, of the images of N training v. the rest or of a half of the "
        "training images where N is more, is about 0.",
        "Fell: after is below before, and their intervals are apart where nothing else is said.",
    )
    if itself:
        notes += (
            f"The row of {training} has its held-out validation patients, drawn anew from their own label maps: no "
            "other scanner is involved, so that before is a floor itself and nothing can fall.",
        )
    if FRECHET_NAMES[extractor] != "fid":
        notes += (
            f"{FRECHET_NAMES[extractor]} is not FID: the published values are in other features and on "
            "another scale, so that only directions and ratios can be compared.",
        )
    return notes
