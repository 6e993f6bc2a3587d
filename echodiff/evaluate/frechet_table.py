"""The table of distribution distances of one dataset and model: before, after, and floors of real images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate.features import FeatureSet, check_same_extractor
from echodiff.evaluate.frechet import frechet_distances
from echodiff.evaluate.interval import Grouping, Interval, divisions, estimates
from echodiff.evaluate.kernel import kernel_distances
from echodiff.evaluate.manifold import RANGES as OVERLAP_RANGES
from echodiff.evaluate.manifold import SHARES, overlaps
from echodiff.evaluate.names import FRECHET_NAMES, FULL, KERNEL_NAMES, POLAR, metric_name
from echodiff.evaluate.parts import Measure, Part, whole
from echodiff.evaluate.patients import patients_of
from echodiff.evaluate.share import share_interval

BEFORE, AFTER = "before", "after"
FLOOR_VALIDATION, FLOOR_HALVES, FLOOR_SAME_N = "floor_validation", "floor_halves", "floor_same_n"
TRAINING, HELD_OUT = "training", "held_out"
MINIMUM = 2
NOT_NEGATIVE: Interval = (0.0, float("inf"))  # a Frechet distance; the kernel distance may fall below 0
RANGES = OVERLAP_RANGES | {
    metric_name(name, frame): NOT_NEGATIVE for name in FRECHET_NAMES.values() for frame in (FULL, POLAR)
}


@dataclass(frozen=True)
class Options:
    """How intervals and floors are drawn.

    draws: number of subsamples and of random splits. neighbours: precision, recall, density, coverage too.
    """

    draws: int
    seed: int
    neighbours: bool = True


@dataclass(frozen=True)
class Row:
    """The statistics of one set against one reference, each with its interval."""

    set: str
    reference: str
    n: int
    n_reference: int
    values: Mapping[str, float]
    intervals: Mapping[str, Interval]


@dataclass(frozen=True)
class Images:
    """Features of some images in one frame, float64 (N, D), and the patient of each."""

    features: np.ndarray
    patients: Sequence[str]

    def __len__(self) -> int:
        return len(self.features)


def frechet_table(
    *,
    reference: FeatureSet,
    split: pd.DataFrame,
    original: FeatureSet,
    cases: pd.DataFrame,
    synthetic: FeatureSet,
    model: str,
    options: Options,
) -> pd.DataFrame:
    """Distances of the originals and of the synthetic images from the training and from the held-out images.

    Args:
        reference: features of the training dataset; `split` (case_id, group, subset) says which are in training.
        original: features of the dataset's originals; the cases of `synthetic` are compared.
        cases: the dataset's case table (`patients.CASE_COLUMNS`): patients are drawn for the intervals, not images.
        synthetic: features of the translation.
        model: name written into the rows.

    Returns:
        One row a metric, set and reference (training, held_out). `set`: before, after, and floors of real images:
        floor_validation (held-out against training images), floor_halves (random halves of the training images,
        never a group of the split in both), floor_same_n (as many training images as there are synthetic ones, against
        the rest of the training images or against the held-out ones; none where they are more than half of the training
        images, whose draws would be nearly the same images each time). `n`,
        `n_reference`, `value`, `low`, `high` (95 % interval; of a floor the 2.5 and 97.5 % quantiles over its draws),
        `dimension`, extractor and weights. Originals that are held-out images themselves have no row against those.
        Metrics in the polar frame, where the features have one, end in `_polar`; overlap by neighbours is given in the
        full frame and against the training images. Values of a set of fewer than two images are missing (NaN): it has
        no distribution.

    Raises:
        InputError: features of different extractors, a case without a row in `cases`, or fewer than two training
            images.
    """
    extractor, sha256 = check_same_extractor({"training": reference, "original": original, "synthetic": synthetic})
    subsets = {
        name: reference.select(sorted(split.loc[split["subset"] == subset, "case_id"]))
        for name, subset in ((TRAINING, "train"), (HELD_OUT, "validation"))
    }
    case_ids = sorted(synthetic.case_id)  # subsamples pick positions: they too must not depend on the order of a file
    sets = {**subsets, BEFORE: original.select(case_ids), AFTER: synthetic.select(case_ids)}
    if len(sets[TRAINING]) < MINIMUM:
        raise InputError(
            f"{model}, {TRAINING}: expected features of at least {MINIMUM} images, found {len(sets[TRAINING])}; "
            "a distance between distributions cannot be computed, so add cases"
        )
    same_dataset = original.attributes.get("dataset") == reference.attributes.get("dataset")
    itself = same_dataset and not set(case_ids).isdisjoint(subsets[HELD_OUT].case_id)
    divided, patients = split.set_index("case_id")["group"], patients_of(case_ids, cases)
    groups = {name: divided.loc[own.case_id].tolist() for name, own in subsets.items()}
    groups |= dict.fromkeys((BEFORE, AFTER), patients)
    rows = []
    for frame in synthetic.frames:
        in_frame = {name: Images(own.frame(frame).astype(np.float64), groups[name]) for name, own in sets.items()}
        distances = _measure(extractor, frame)
        against_training = _with_overlap(distances) if frame == FULL and options.neighbours else distances
        for row in _rows(in_frame, distances, against_training, options):
            if not (itself and (row.set, row.reference) == (BEFORE, HELD_OUT)):
                rows += _long(row)
    table = pd.DataFrame(rows)
    table.insert(0, "dataset", original.attributes.get("dataset", ""))
    table.insert(1, "model", model)
    table["dimension"] = synthetic.features.shape[1]
    table["extractor"] = extractor
    table["weights_sha256"] = sha256
    return table


def _measure(extractor: str, frame: str) -> Measure:
    """Both distances of a pair, under the names that they have in this frame."""
    frechet, kernel = (metric_name(names[extractor], frame) for names in (FRECHET_NAMES, KERNEL_NAMES))
    return lambda x, y, parts: {frechet: frechet_distances(x, y, parts), kernel: kernel_distances(x, y, parts)}


def _with_overlap(distances: Measure) -> Measure:
    return lambda x, y, parts: {**distances(x, y, parts), **overlaps(x, y, parts)}


def _rows(sets: Mapping[str, Images], distances: Measure, against_training: Measure, options: Options) -> Iterator[Row]:
    training, held_out = sets[TRAINING], sets[HELD_OUT]
    yield from _against(sets, TRAINING, against_training, options)
    half, n = len(training) // 2, len(sets[AFTER])
    parts = {
        name: divisions(training.patients, first=size, draws=max(options.draws, 1), seed=options.seed)
        for name, size in ((FLOOR_HALVES, half), (FLOOR_SAME_N, n))
        if MINIMUM <= size <= half
    }
    for name, own in parts.items():
        yield from _floor(name, TRAINING, against_training, training, training, own)
    if len(held_out) >= MINIMUM:
        yield from _against(sets, HELD_OUT, distances, options)
        everyone = np.arange(len(held_out))
        own = [Part(part.first, everyone) for part in parts.get(FLOOR_SAME_N, [])]
        yield from _floor(FLOOR_SAME_N, HELD_OUT, distances, training, held_out, own)


def _against(sets: Mapping[str, Images], reference: str, measure: Measure, options: Options) -> Iterator[Row]:
    """Originals and translations, and of the held-out images their distance from the training images."""
    against = sets[reference]
    floor = {FLOOR_VALIDATION: sets[HELD_OUT]} if reference == TRAINING and len(sets[HELD_OUT]) >= MINIMUM else {}
    for name, images in {BEFORE: sets[BEFORE], AFTER: sets[AFTER], **floor}.items():
        if len(images) < MINIMUM:
            yield _missing(name, reference, len(images), against.features, measure)
            continue
        patients = Grouping.of(images.patients), Grouping.of(against.patients)
        drawing = {"draws": options.draws, "seed": options.seed, "ranges": RANGES}
        found = estimates(measure, images.features, against.features, patients, **drawing)
        shares = _of_shares(found.values, found.intervals, tuple(own.effective for own in patients))
        yield Row(name, reference, len(images), len(against), found.values, shares)


def _of_shares(
    values: Mapping[str, float], intervals: Mapping[str, Interval], sizes: tuple[float, float]
) -> dict[str, Interval]:
    """The intervals, those of shares no narrower than so few patients make them: none of 24 is also none in each of
    their subsamples. `sizes`: effective number of patients in each set."""
    result = dict(intervals)
    for name, side in SHARES.items():
        if name in values:
            (low, high), (least, most) = intervals[name], share_interval(values[name], sizes[side])
            result[name] = (float(np.minimum(low, least)), float(np.maximum(high, most)))  # NaN where there is none
    return result


def _missing(name: str, reference: str, n: int, images: np.ndarray, measure: Measure) -> Row:
    """The row of a set that is too small, with the names of all metrics and no values."""
    metrics = measure(images, images, [whole(images, images)])
    nan = float("nan")
    return Row(name, reference, n, len(images), dict.fromkeys(metrics, nan), dict.fromkeys(metrics, (nan, nan)))


def _floor(
    name: str, reference: str, measure: Measure, first: Images, second: Images, parts: Sequence[Part]
) -> Iterator[Row]:
    """The row of a floor, mean and range over the parts of real images; none without parts."""
    if parts:
        values = measure(first.features, second.features, parts)
        counts = np.mean([(len(part.first), len(part.second)) for part in parts], axis=0).round().astype(int).tolist()
        means = {metric: own.mean() for metric, own in values.items()}
        intervals = {metric: tuple(np.quantile(own, (0.025, 0.975))) for metric, own in values.items()}
        yield Row(name, reference, *counts, means, intervals)


def _long(row: Row) -> Iterator[dict]:
    for metric, value in row.values.items():
        low, high = row.intervals[metric]
        counts = {"n": row.n, "n_reference": row.n_reference}
        names = {"metric": metric, "set": row.set, "reference": row.reference}
        yield names | counts | {"value": float(value), "low": low, "high": high}
