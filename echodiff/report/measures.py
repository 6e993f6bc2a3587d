"""The columns of the ablation table: each metric of a run for a model, and for real images in its place."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate import memory_table
from echodiff.evaluate.comparisons import ANOTHER_PATIENT
from echodiff.evaluate.diversity_table import PATIENTS, SAMPLES
from echodiff.evaluate.frechet_table import AFTER, FLOOR_SAME_N, TRAINING
from echodiff.evaluate.interval import Grouping
from echodiff.evaluate.names import FRECHET_NAMES, KERNEL_NAMES
from echodiff.evaluate.paired import mean_interval
from echodiff.evaluate.physics import HELD_OUT
from echodiff.evaluate.physics_distance import physics_floor, physics_interval
from echodiff.evaluate.share import share_interval
from echodiff.report import physics
from echodiff.report.patients import PATIENT, effective_patients, with_patients
from echodiff.report.scores import DICE_SCORES, LOWER, NEITHER, Score, case_scores
from echodiff.report.table2 import KERNEL_SCALE, one_extractor

SECTOR = "Sector"  # its measures hardly vary between real images, so that in spreads they would outweigh all others

Interval = tuple[float, float, float]
UNKNOWN: Interval = (float("nan"),) * 3
OfModel = Callable[[Sequence[str], str], Interval]
OfReal = Callable[[Sequence[str]], Interval]


@dataclass(frozen=True)
class Measure(Score):
    """A score with its value and interval for (datasets, model), and for real images in the place of a model's."""

    of: OfModel
    real: OfReal


def measures_of(tables: Mapping[str, pd.DataFrame], cases: pd.DataFrame, config: Config) -> list[Measure]:
    """The columns that the tables have numbers for.

    Args:
        tables: by kind; `pixel` is needed.
        cases: the case tables, which say whose images they are.
    """
    known = {kind: with_patients(rows, cases) if "case_id" in rows else rows for kind, rows in tables.items()}
    measures = _distances(known["frechet"]) if "frechet" in known else []
    measures += _scores(known, config)
    if "diversity" in known:
        samples, patients = (_of_kind(known["diversity"], kind) for kind in (SAMPLES, PATIENTS))
        columns = "ms_ssim", "MS-SSIM", "Samples of a guide", 3, NEITHER
        measures.append(Measure(*columns, _mean(samples, "ms_ssim"), _same(_mean_of(patients, "ms_ssim"))))
    if "physics" in known:
        measures += _physics(known["physics"], config)
    if "memory" in known:
        measures.append(_flagged(known["memory"]))
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


def _distances(frechet: pd.DataFrame) -> list[Measure]:
    extractor = one_extractor(frechet)
    rows = frechet[frechet["reference"] == TRAINING].set_index(["metric", "set", "dataset"])
    measures = []
    for name, unit, scale, digits in (
        (FRECHET_NAMES[extractor], "", 1.0, 1),
        (KERNEL_NAMES[extractor], ", 1e-3", KERNEL_SCALE, 1),
    ):

        def of(datasets: Sequence[str], model: str, name=name, scale=scale) -> Interval:
            own = rows[rows["model"] == model]
            found = _of_each(own, [(name, AFTER, dataset) for dataset in datasets], scale)
            return mean_of_independent(found) if len(found) == len(datasets) else UNKNOWN

        def floor(datasets: Sequence[str], name=name, scale=scale) -> Interval:
            keys = [(name, FLOOR_SAME_N, dataset) for dataset in datasets]
            return _mean_of_floors(_of_each(rows, keys, scale), len(datasets))

        measures.append(Measure(name, name + unit, "Distance", digits, LOWER, of, floor))
    return measures


def _of_each(rows: pd.DataFrame, keys: Sequence[tuple], scale: float) -> list[Interval]:
    """The values with their ends of the keys that have a row, the first one where there are several."""
    first = rows[~rows.index.duplicated()][["value", "low", "high"]]
    return [tuple(scale * first.loc[key]) for key in keys if key in first.index]


def _mean_of_floors(found: Sequence[Interval], wanted: int) -> Interval:
    """The mean of the floors and of the ends of their ranges, where each of the datasets has one."""
    return tuple(np.mean(found, axis=0).tolist()) if found and len(found) == wanted else UNKNOWN


def _scores(tables: Mapping[str, pd.DataFrame], config: Config) -> list[Measure]:
    """Pixel metrics beside another patient's image, Dice beside that of held-out images of the training dataset."""
    rows, scores = case_scores(tables)
    pixel, fidelity = tables["pixel"], tables.get("fidelity")
    others = pixel[pixel["comparison"] == ANOTHER_PATIENT].drop_duplicates(["dataset", "case_id"])
    held_out = None if fidelity is None else _training(fidelity, config)
    measures = []
    for score in scores:
        real = _same(_mean_of(held_out, score.key)) if score in DICE_SCORES else _mean_of_datasets(others, score.key)
        measures.append(Measure(**vars(score), of=_mean(rows, score.key), real=real))
    return measures


def _mean(rows: pd.DataFrame, key: str) -> OfModel:
    return lambda datasets, model: _mean_of(rows[rows["dataset"].isin(datasets) & (rows["model"] == model)], key)


def _mean_of_datasets(rows: pd.DataFrame, key: str) -> OfReal:
    return lambda datasets: _mean_of(rows[rows["dataset"].isin(datasets)], key)


def _mean_of(rows: pd.DataFrame, key: str) -> Interval:
    return mean_interval(rows[key].to_numpy(dtype=float), rows[PATIENT])


def _same(value: Interval) -> OfReal:
    """The real images' value that does not depend on the dataset."""
    return lambda datasets: value


def _physics(rows: pd.DataFrame, config: Config) -> list[Measure]:
    synthetic, training = _of_kind(rows, "translation"), _training(rows, config)
    distance = Measure(
        "physics", "Distance", "Physics", 2, LOWER, _physics_of(synthetic, training, config),
        _physics_floor(synthetic, training, config),
    )  # fmt: skip
    # Training images are black outside their own sector; held-out ones are measured in the translations'.
    leakage = _mean(synthetic, "leakage"), _same(_mean_of(_of_kind(rows, HELD_OUT), "leakage"))
    return [distance, Measure("leakage", "Leakage", "Physics", 3, LOWER, *leakage)]


def _physics_of(synthetic: pd.DataFrame, training: pd.DataFrame, config: Config) -> OfModel:
    reference, patients = _measured(training), Grouping.of(training[PATIENT].tolist())
    drawing = {"draws": config.evaluate.draws, "seed": config.evaluate.seed}

    @cache
    def of_one(dataset: str, model: str) -> Interval:
        own = synthetic[(synthetic["dataset"] == dataset) & (synthetic["model"] == model)]
        if own.empty:
            return UNKNOWN
        groups = Grouping.of(own[PATIENT].tolist()), patients
        return physics_interval(_measured(own), reference, groups, **drawing)

    def of(datasets: Sequence[str], model: str) -> Interval:
        return mean_of_independent([of_one(dataset, model) for dataset in datasets])  # unknown where one is

    return of


def _physics_floor(synthetic: pd.DataFrame, training: pd.DataFrame, config: Config) -> OfReal:
    """The floor at the number of translations, over the measures that are known of them: there are no widths in mm
    where the size of a pixel is unknown. Of several datasets the mean, where all of them have one.
    """
    reference, patients = _measured(training), training[PATIENT].tolist()
    counts = synthetic.groupby(["dataset", "model"]).size().groupby("dataset").max()

    @cache
    def of_n(n: int, known: tuple[int, ...]) -> Interval:
        drawing = {"draws": config.evaluate.draws, "seed": config.evaluate.seed}
        return physics_floor(reference[:, list(known)], patients, n, **drawing)

    def of_one(dataset: str) -> Interval:
        known = np.isfinite(_measured(synthetic[synthetic["dataset"] == dataset])).any(axis=0)
        return of_n(int(counts[dataset]), tuple(np.flatnonzero(known).tolist()))

    def of(datasets: Sequence[str]) -> Interval:
        found = [of_one(dataset) for dataset in datasets if dataset in counts.index]
        return _mean_of_floors(found, len(datasets))

    return of


def _measured(rows: pd.DataFrame) -> np.ndarray:
    """The measures of physics that the distance is of, (N, M)."""
    names = [name for name, _, heading, _ in physics.MEASURES if heading != SECTOR]
    return rows[names].to_numpy(dtype=float)


def _flagged(rows: pd.DataFrame) -> Measure:
    synthetic = _of_kind(rows, memory_table.SYNTHETIC)
    held_out = _of_kind(rows, memory_table.HELD_OUT).drop_duplicates("case_id")

    def of(datasets: Sequence[str], model: str) -> Interval:
        return _share(synthetic[synthetic["dataset"].isin(datasets) & (synthetic["model"] == model)])

    columns = "flagged_percent", "Flagged, %", "Memory", 1, LOWER
    return Measure(*columns, of, _same(_share(held_out)))


def _share(rows: pd.DataFrame) -> Interval:
    """The share of flagged images in %, with the interval of so many patients."""
    if rows.empty:
        return UNKNOWN
    share = float(rows["flagged"].mean())
    return tuple(100 * part for part in (share, *share_interval(share, effective_patients(rows))))


def _of_kind(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return rows[rows["kind"] == kind]


def _training(rows: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Rows of images of the training dataset itself."""
    return rows[(rows["kind"] == "dataset") & (rows["dataset"] == config.training_dataset)]
