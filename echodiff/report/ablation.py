"""The ablation table: all models of the configuration side by side, through every metric of the run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.errors import InputError
from echodiff.evaluate import memory_table
from echodiff.evaluate.diversity_table import SAMPLES
from echodiff.evaluate.frechet_table import AFTER, TRAINING
from echodiff.evaluate.interval import Grouping
from echodiff.evaluate.names import FRECHET_NAMES, KERNEL_NAMES
from echodiff.evaluate.paired import mean_interval
from echodiff.evaluate.physics_distance import physics_floor, physics_interval
from echodiff.evaluate.polar import LEAK_GRAY
from echodiff.evaluate.share import share_interval
from echodiff.report import label_sources, physics
from echodiff.report.inputs import in_order, model_title
from echodiff.report.patients import PATIENT, with_patients
from echodiff.report.scores import HIGHER, INFINITE_PSNR, LOWER, NEITHER, Score, case_scores
from echodiff.report.table import Column, ReportTable, format_interval
from echodiff.report.table2 import KERNEL_SCALE, one_extractor

# Kind of table -> the column that no other kind has.
KINDS: Mapping[str, str] = {
    "pixel": "comparison",
    "frechet": "metric",
    "memory": "flagged",
    "physics": "log_spread_db",
    "diversity": "ms_ssim",
    "fidelity": "dice_lv",
}
SECTOR = "Sector"  # its measures hardly vary between real images, so that in spreads they would outweigh all others
BEST = " *"

Interval = tuple[float, float, float]
UNKNOWN: Interval = (float("nan"),) * 3


@dataclass(frozen=True)
class Measure(Score):
    """A column: a score with its value and interval for (datasets, model)."""

    of: Callable[[Sequence[str], str], Interval]


def ablation(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> ReportTable:
    """A row a model, for all translated datasets together and for each dataset; the best is marked where its interval
    lies apart from those of all other models.

    Args:
        tables: by kind (`KINDS`); `pixel` is needed, what the run has switched off is left out.
        cases: the case tables, which say whose images they are and where label maps come from.
    """
    models = [name for name in config.models if name in set(tables["pixel"]["model"])]
    measures = _measures(tables, cases, config)
    present = in_order(config, tables["pixel"]["dataset"])
    sources = [name for name in present if name != config.training_dataset]
    data, cells = [], []
    blocks = [("", label_sources.marked_title_of_all(cases, sources), sources)] if sources else []
    blocks += [(name, label_sources.marked_title(cases, config, name), [name]) for name in present]
    for dataset, heading, datasets in blocks:
        found = {model: {measure.key: measure.of(datasets, model) for measure in measures} for model in models}
        for model, values in found.items():
            numbers, texts = {}, {}
            for measure in measures:
                best = is_best(model, {name: own[measure.key] for name, own in found.items()}, measure.better)
                value = values[measure.key]
                numbers |= dict(zip((f"{measure.key}{end}" for end in ("", "_low", "_high")), value, strict=True))
                numbers[f"{measure.key}_best"] = best
                texts[measure.key] = format_interval(*value, digits=measure.digits) + (BEST if best else "")
            n = _count(tables["pixel"], datasets, model)
            data.append({"dataset": dataset, "model": model, "n": n} | numbers)
            cells.append({"group": heading, "title": model_title(model), "n": str(n)} | texts)
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
        notes=(*_notes(models), *label_sources.note(cases, config)),
    )


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
        "Physics: mean Wasserstein distance of speckle, resolution and contrast (the table of physics) from the "
        "training images, in standard deviations within a set. It is above zero for real images too, and rises as N "
        "falls. Floor: N of the training images against the rest of them, mean and 2.5 to 97.5 % range over random "
        "splits; missing where N is more than half of them. Its reference is smaller than the row's, so that it is a "
        "little too high. "
        f"Leakage: share of the pixels outside the sector of a gray of {LEAK_GRAY:g} or more. "
        "Flagged: share of images too close to a training image (Wilson interval of so many patients). MS-SSIM between "
        "samples of one guide: lower is more diverse, neither end is best.",
        "Intervals count patients: the images of one are drawn, or left out, together.",
        INFINITE_PSNR,
    )
    if len(models) > 1:
        marked = f"{BEST.strip()} the best model of the block, its interval apart from those of all others."
        notes += (marked + " No mark: they cannot be told apart.",)
    return notes + ("N: synthetic images. Each model is one training; how much a second would differ is not in it.",)


def _count(pixel: pd.DataFrame, datasets: Sequence[str], model: str) -> int:
    own = pixel[pixel["dataset"].isin(datasets) & (pixel["model"] == model)]
    return len(own[["dataset", "case_id"]].drop_duplicates())


def _measures(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> list[Measure]:
    rows, scores = case_scores(tables["pixel"], tables.get("fidelity"))
    measures = []
    if "frechet" in tables:
        measures += _distances(tables["frechet"])
    for score in scores:
        of = _mean_of(rows, score.key, cases)
        measures.append(Measure(**vars(score), of=of))
    if "diversity" in tables:
        samples = tables["diversity"][tables["diversity"]["kind"] == SAMPLES]
        measures.append(
            Measure("ms_ssim", "MS-SSIM", "Samples of a guide", 3, NEITHER, _mean_of(samples, "ms_ssim", cases))
        )
    if "physics" in tables:
        of = _physics_of(tables["physics"], cases, config)
        measures.append(Measure("physics", "Distance", "Physics", 2, LOWER, of))
        floor = _physics_floor_of(tables["physics"], cases, config)
        measures.append(Measure("physics_floor", "Floor", "Physics", 2, NEITHER, floor))
        synthetic = tables["physics"][tables["physics"]["kind"] == "translation"]
        measures.append(Measure("leakage", "Leakage", "Physics", 3, LOWER, _mean_of(synthetic, "leakage", cases)))
    if "memory" in tables:
        of = _flagged_of(tables["memory"], cases)
        measures.append(Measure("flagged_percent", "Flagged, %", "Memory", 1, LOWER, of))
    return measures


def _distances(frechet: pd.DataFrame) -> list[Measure]:
    extractor = one_extractor(frechet)
    after = frechet[(frechet["set"] == AFTER) & (frechet["reference"] == TRAINING)]
    measures = []
    for name, unit, scale, digits in (
        (FRECHET_NAMES[extractor], "", 1.0, 1),
        (KERNEL_NAMES[extractor], ", 1e-3", KERNEL_SCALE, 2),
    ):
        own = after[after["metric"] == name].set_index(["dataset", "model"])[["value", "low", "high"]]

        def of(datasets: Sequence[str], model: str, own=own, scale=scale) -> Interval:
            keys = [(dataset, model) for dataset in datasets]
            return mean_of_independent([tuple(scale * own.loc[key]) for key in keys if key in own.index])

        measures.append(Measure(name, name + unit, "Distance", digits, LOWER, of))
    return measures


def mean_of_independent(values: Sequence[Interval]) -> Interval:
    """Mean of several values with the interval that independent intervals give it.

    The upper ends say how wide those are: lower ones may be cut off at the smallest value that there is.
    """
    if not values:
        return UNKNOWN
    centres, lows, highs = np.array(values).T
    half = np.sqrt(((highs - centres) ** 2).sum()) / len(values)
    low = np.maximum(centres.mean() - half, lows.min())  # never below what is cut off
    return float(centres.mean()), float(low), float(centres.mean() + half)


def _mean_of(rows: pd.DataFrame, key: str, cases: pd.DataFrame) -> Callable[[Sequence[str], str], Interval]:
    rows = with_patients(rows, cases)

    def of(datasets: Sequence[str], model: str) -> Interval:
        own = rows[rows["dataset"].isin(datasets) & (rows["model"] == model)]
        return mean_interval(own[key].to_numpy(dtype=float), own[PATIENT])

    return of


def _physics_of(rows: pd.DataFrame, cases: pd.DataFrame, config: Config) -> Callable[[Sequence[str], str], Interval]:
    names, rows = _physics_names(), with_patients(rows, cases)
    training = _training(rows, config)
    reference, of_training = training[names].to_numpy(dtype=float), Grouping.of(training[PATIENT].tolist())
    drawing = {"draws": config.evaluate.draws, "seed": config.evaluate.seed}

    @cache
    def of_one(dataset: str, model: str) -> Interval:
        own = rows[(rows["dataset"] == dataset) & (rows["model"] == model)]
        if own.empty:
            return UNKNOWN
        groups = Grouping.of(own[PATIENT].tolist()), of_training
        return physics_interval(own[names].to_numpy(dtype=float), reference, groups, **drawing)

    def of(datasets: Sequence[str], model: str) -> Interval:
        found = [of_one(dataset, model) for dataset in datasets]
        return mean_of_independent([value for value in found if not np.isnan(value[0])])

    return of


def _physics_floor_of(
    rows: pd.DataFrame, cases: pd.DataFrame, config: Config
) -> Callable[[Sequence[str], str], Interval]:
    """The floor at the N of the rows; of several datasets the mean, where all of them have one."""
    training = with_patients(_training(rows, config), cases)
    reference, groups = training[_physics_names()].to_numpy(dtype=float), training[PATIENT].tolist()

    @cache
    def of_n(n: int) -> Interval:
        return physics_floor(reference, groups, n, draws=config.evaluate.draws, seed=config.evaluate.seed)

    def of(datasets: Sequence[str], model: str) -> Interval:
        own = rows[(rows["kind"] == "translation") & rows["dataset"].isin(datasets) & (rows["model"] == model)]
        found = [of_n(n) for n in own.groupby("dataset").size()]
        return tuple(np.mean(found, axis=0).tolist()) if found else UNKNOWN

    return of


def _physics_names() -> list[str]:
    return [name for name, _, heading, _ in physics.MEASURES if heading != SECTOR]


def _training(rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    return rows[(rows["kind"] == "dataset") & (rows["dataset"] == config.training_dataset)]


def _flagged_of(rows: pd.DataFrame, cases: pd.DataFrame) -> Callable[[Sequence[str], str], Interval]:
    synthetic = with_patients(rows[rows["kind"] == memory_table.SYNTHETIC], cases)

    def of(datasets: Sequence[str], model: str) -> Interval:
        own = synthetic[synthetic["dataset"].isin(datasets) & (synthetic["model"] == model)]
        if own.empty:
            return UNKNOWN
        share = float(own["flagged"].mean())
        return tuple(100 * part for part in (share, *share_interval(share, own[PATIENT].nunique())))

    return of


def tables_by_kind(tables: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables of one kind below one another, told apart by their columns.

    Raises:
        InputError: a table is of no kind, or there are no pixel metrics.
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for table in tables:
        kind = next((name for name, column in KINDS.items() if column in table), None)
        if kind is None:
            raise InputError(
                f"ablation: expected tables of metrics ({', '.join(KINDS)}), found one with the columns "
                f"{', '.join(table.columns)}"
            )
        found.setdefault(kind, []).append(table)
    if "pixel" not in found:
        raise InputError("ablation: expected the tables of pixel metrics among the files, found none of them")
    return {kind: pd.concat(parts, ignore_index=True) for kind, parts in found.items()}
