"""The table of distribution distances of one dataset and model: before, after, and floors of real images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate import manifold
from echodiff.evaluate.extractors import FRECHET_NAMES, KERNEL_NAMES
from echodiff.evaluate.features import FeatureSet, check_same_extractor
from echodiff.evaluate.frechet import frechet_distance
from echodiff.evaluate.interval import Statistic, split_halves, subsampling_interval
from echodiff.evaluate.kernel import kernel_distance

BEFORE, AFTER = "before", "after"
FLOOR_VALIDATION, FLOOR_HALVES, FLOOR_SAME_N = "floor_validation", "floor_halves", "floor_same_n"
MINIMUM = 2


@dataclass(frozen=True)
class Options:
    """How intervals and floors are drawn.

    draws: number of subsamples and of random splits. neighbours: precision, recall, density, coverage too.
    """

    draws: int
    seed: int
    neighbours: bool = True


def frechet_table(
    *,
    reference: FeatureSet,
    split: pd.DataFrame,
    original: FeatureSet,
    synthetic: FeatureSet,
    model: str,
    options: Options,
) -> pd.DataFrame:
    """Distances of the originals and of the synthetic images from the training images.

    Args:
        reference: features of the training dataset; `split` (case_id, subset) says which are in training.
        original: features of the dataset's originals; the cases of `synthetic` are compared.
        synthetic: features of the translation.
        model: name written into the rows.

    Returns:
        One row a metric and set: `metric`, `set` (before, after, floor_validation: validation against
        training images, floor_halves: random halves of the training images, floor_same_n: as many training
        images as there are synthetic ones against the rest), `n`, `n_reference`, `value`, `low`, `high`
        (95 % interval; of a floor the 2.5 and 97.5 % quantiles over its draws), `dimension`, extractor and
        weights.

    Raises:
        InputError: features of different extractors, or fewer than two images in a set.
    """
    extractor, sha256 = check_same_extractor({"training": reference, "original": original, "synthetic": synthetic})
    subsets = {
        name: reference.select(sorted(split.loc[split["subset"] == name, "case_id"]))
        for name in ("train", "validation")
    }
    sets = {
        "training": subsets["train"],
        BEFORE: original.select(synthetic.case_id),
        AFTER: synthetic,
    }
    for name, features in sets.items():
        if len(features) < MINIMUM:
            raise InputError(
                f"{model}, {name}: expected features of at least {MINIMUM} images, found {len(features)}; "
                "a distance between distributions cannot be computed, so add cases"
            )
    statistics = {
        FRECHET_NAMES[extractor]: frechet_distance,
        KERNEL_NAMES[extractor]: kernel_distance,
        **(manifold.STATISTICS if options.neighbours else {}),
    }
    rows = []
    for metric, statistic in statistics.items():
        rows += [{"metric": metric, **row} for row in _rows(statistic, sets, subsets["validation"], options)]
    table = pd.DataFrame(rows)
    table.insert(0, "dataset", original.attributes.get("dataset", ""))
    table.insert(1, "model", model)
    table["dimension"] = synthetic.features.shape[1]
    table["extractor"] = extractor
    table["weights_sha256"] = sha256
    return table


def _rows(
    statistic: Statistic, sets: dict[str, FeatureSet], validation: FeatureSet, options: Options
) -> Iterator[dict]:
    training = sets["training"].features.astype(np.float64)
    held_out = {FLOOR_VALIDATION: validation} if len(validation) >= MINIMUM else {}
    for name, features in {BEFORE: sets[BEFORE], AFTER: sets[AFTER], **held_out}.items():
        x = features.features.astype(np.float64)
        low, high = subsampling_interval(statistic, x, training, draws=options.draws, seed=options.seed)
        yield _row(name, len(x), len(training), statistic(x, training), low, high)
    for name, first in ((FLOOR_HALVES, None), (FLOOR_SAME_N, len(sets[AFTER]))):
        values = split_halves(statistic, training, first=first, draws=max(options.draws, 1), seed=options.seed)
        if len(values):
            half = len(training) // 2
            n = half if first is None else min(first, half)
            low, high = np.quantile(values, (0.025, 0.975))
            yield _row(name, n, len(training) - n, values.mean(), low, high)


def _row(name: str, n: int, n_reference: int, value: float, low: float, high: float) -> dict:
    return {
        "set": name,
        "n": n,
        "n_reference": n_reference,
        "value": float(value),
        "low": low,
        "high": high,
    }
