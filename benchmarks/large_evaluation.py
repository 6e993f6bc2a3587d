"""What the evaluation of a dataset as large as EchoNet-Dynamic costs, after a finished run.

    python benchmarks/large_evaluation.py --config config/config.yaml --results results
        [--model fast] [--dataset echonet] [--cases 10030] [--part 500]

Repeats the dataset's frames and translations to `cases` cases, each a patient of its own, with features that differ by
noise. The distances are measured on all of them. What looks at one case at a time is measured on `part` of them, and
given for all. Prints CPU-seconds (one thread) and the peak memory of this process so far.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from echodiff.config import load_config
from echodiff.devices.cpu import prepare_cpu
from echodiff.evaluate.features import FeatureSet, read_features
from echodiff.evaluate.fidelity_table import fidelity_table
from echodiff.evaluate.frechet_table import Options, frechet_table
from echodiff.evaluate.memory_table import Known, Part, memory_table
from echodiff.evaluate.pixel_table import pixel_table
from echodiff.evaluate.trivial import Reference, translate_trivially
from echodiff.split.files import read_split, read_subset
from echodiff.store.image_set import ImageSet, new_image_set, read_image_set


def repeated(images: ImageSet, count: int) -> ImageSet:
    """`count` cases out of those of an image set, each under an id of its own."""
    rows = np.arange(count) % len(images)
    planes = (images.images[rows], images.masks[rows], images.sectors[rows], images.spacing_mm[rows])
    seed = None if images.seed is None else images.seed[rows]
    return ImageSet(*planes, [f"case{index:06d}" for index in range(count)], images.attributes, seed)


def repeated_features(features: FeatureSet, images: ImageSet, rng: np.random.Generator) -> FeatureSet:
    """Features of as many cases, with noise of half their deviation."""
    rows = np.arange(len(images)) % len(features)
    full, polar = (
        own[rows] + (0.5 * own.std(axis=0) * rng.normal(size=(len(rows), own.shape[1]))).astype(np.float32)
        for own in (features.features, features.polar)
    )
    return replace(features, features=full, polar=polar, case_id=images.case_id)


def write(images: ImageSet, path: Path) -> None:
    """An image set, case by case, as a translation writes it."""
    with new_image_set(path, size=images.images.shape[1], attributes=images.attributes) as writer:
        for row, case in enumerate(images.case_id):
            planes = images.images[row], images.masks[row], images.sectors[row]
            writer.append(*planes, images.spacing_mm[row], case)


def timed(name: str, work: Callable[[], Any], *, cases: int, of: int) -> None:
    """Run `work` on `cases` cases and print its cost for `of`."""
    start = time.process_time()
    work()
    spent = (time.process_time() - start) * of / cases
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name}: {spent:.0f} CPU-s for {of} cases ({1e3 * spent / of:.1f} ms each), peak {peak:.1f} GiB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--dataset", default="echonet")
    parser.add_argument("--cases", type=int, default=10030)
    parser.add_argument("--part", type=int, default=500)
    own = parser.parse_args()
    prepare_cpu()
    options, results, rng = load_config([own.config]), own.results, np.random.default_rng(1)
    training = options.training_dataset
    split = read_split(results / f"split/{training}.parquet")
    reference = read_image_set(results / f"data/{training}/images.h5")
    reference_features = read_features(results / f"features/data/{training}/images.h5")
    original = repeated(read_image_set(results / f"data/{own.dataset}/images.h5"), own.cases)
    synthetic = repeated(read_image_set(results / f"translations/{own.model}/{own.dataset}.h5"), own.cases)
    cases = pd.DataFrame({"case_id": original.case_id, "patient": original.case_id, "frame_hash": None})
    features = [
        repeated_features(read_features(results / path), original, rng)
        for path in (
            f"features/data/{own.dataset}/images.h5",
            f"features/translations/{own.model}/{own.dataset}.h5",
        )
    ]
    chosen = synthetic.case_id[: own.part]
    few, few_originals = synthetic.select(chosen), original.select(chosen)
    frechet = Options(draws=options.evaluate.draws, seed=1)
    known = Known.of(Part(reference, reference_features), split, alarm_rate=options.evaluate.memory.alarm_rate)
    simple = Reference.of(reference.select(read_subset(results / f"split/{training}.parquet", "train")))
    part = {"cases": len(few), "of": own.cases}
    with tempfile.TemporaryDirectory() as folder:
        timed("writing the images", lambda: write(few, Path(folder, "images.h5")), **part)
        target = Path(folder, "nearest.h5")
        nearest = partial(translate_trivially, few_originals, "nearest_mask", simple, seed=1, output=target)
        timed("nearest masks, with writing", nearest, **part)
    timed("pixel metrics", lambda: pixel_table(few_originals, few, cases, model=own.model, seed=1), **part)
    timed("fidelity, label maps at hand", lambda: fidelity_table(few, np.roll(few.masks, 2, axis=1)), **part)
    judged = Part(few, features[1].select(chosen))
    timed("memory", lambda: memory_table(known, judged, model=own.model), **part)
    distances = {"reference": reference_features, "split": split, "original": features[0], "synthetic": features[1]}
    whole = {"cases": own.cases, "of": own.cases}
    timed(
        f"distances and overlap with {frechet.draws} subsamples",
        lambda: frechet_table(**distances, cases=cases, model=own.model, options=frechet),
        **whole,
    )


if __name__ == "__main__":
    main()
