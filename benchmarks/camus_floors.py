r"""Floors of the distances on real images of one dataset: random parts of it, by patient, against the rest.

    python benchmarks/camus_floors.py RESULTS/data/camus/images.h5 RESULTS/data/camus/cases.parquet \
      [--draws 40] [--held-out 45]

Features of EfficientNet-Lite0, in the full and in the polar frame. Also measures what an outline of another kind would
add: known sectors against hulls. Prints mean and 2.5 to 97.5 % range over the draws, with the CPU-seconds of features
and of distances.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from echodiff.devices.cpu import prepare_cpu
from echodiff.evaluate.features import Extraction, extract_features
from echodiff.evaluate.frechet import frechet_distances
from echodiff.evaluate.interval import divisions
from echodiff.evaluate.kernel import kernel_distances
from echodiff.evaluate.parts import Features, Part
from echodiff.evaluate.polar import polar_frame, polar_frames
from echodiff.split.twins import groups_of
from echodiff.store.image_set import read_image_set
from echodiff.store.table import read_table


def both(x: Features, y: Features, parts: Sequence[Part]) -> dict[str, np.ndarray]:
    """Frechet distance and kernel distance in 1e-3."""
    return {"fd": frechet_distances(x, y, parts), "kd_1e3": 1e3 * kernel_distances(x, y, parts)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("cases", type=Path, help="its case table: patients, and the hashes of their frames")
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--held-out", type=int, default=45)
    arguments = parser.parse_args()
    prepare_cpu()
    from echodiff.evaluate.extractors import load_efficientnet

    images = read_image_set(arguments.images)
    cases = read_table(arguments.cases, ("case_id", "patient", "frame_hash")).set_index("case_id").loc[images.case_id]
    groups = groups_of(cases["patient"], cases["frame_hash"]).tolist()
    extraction = Extraction(load_efficientnet("cpu"), batch_size=4, device="cpu")
    sectors = np.stack(
        [polar_frame(image, sector > 0) for image, sector in zip(images.images, images.sectors, strict=True)]
    )
    frames = {"full": images.images, "polar": polar_frames(images), "polar, known sector": sectors}
    features = {}
    for name, planes in frames.items():
        start = time.process_time()
        features[name] = extract_features(planes, extraction)
        print(f"{name}: {(time.process_time() - start) / len(planes):.4f} CPU-s an image")
    for name in ("full", "polar"):
        start = time.process_time()
        for first in (arguments.held_out, None):
            n = first or len(images) // 2
            parts = divisions(groups, first=first, draws=arguments.draws, seed=1)
            for metric, values in both(features[name], features[name], parts).items():
                low, high = np.quantile(values, (0.025, 0.975))
                print(f"{name}, {n} v. {len(images) - n}, {metric}: {values.mean():.2f} [{low:.2f}, {high:.2f}]")
        print(f"{name}: distances took {time.process_time() - start:.1f} CPU-s")
    order = np.random.default_rng(1).permutation(len(images))
    rows, rest = order[: arguments.held_out], order[arguments.held_out :]
    for name in ("polar", "polar, known sector"):
        (fd,), (kd,) = both(features[name], features["polar"], [Part(rows, rest)]).values()
        print(f"{name} of {len(rows)} v. polar of the rest: {fd:.2f}, {kd:.2f}")


if __name__ == "__main__":
    main()
