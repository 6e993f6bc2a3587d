"""Label maps drawn from the shape model against the true ones, on left-out patients.

    python benchmarks/label_variants.py --data results/data/camus/images.h5 [--folds 10] [--samples 40] [--every 1]

For every case, a shape model of the other folds draws label maps with MYO and LA hidden. Prints the share of true
pixels that are in at least 5 % of the draws; of the pixels in at least 95 % of the draws, the share that is true; the
share of cases whose true area lies between the 5 % and 95 % quantiles of the drawn areas; and, for pixels that a given
share of the draws has, how often they are true.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from echodiff.ingest.case import Reject, SourceFrame
from echodiff.ingest.completion.learn import learn_shape_model
from echodiff.ingest.variants.draw import Variants
from echodiff.labels import LA, LV, MYO
from echodiff.store.image_set import ImageSet, read_image_set

BINS = (0.05, 0.25, 0.5, 0.75, 0.95)


def lone(images: ImageSet, row: int) -> SourceFrame:
    """A case with the LV alone."""
    mask = (images.masks[row] == LV).astype(np.uint8)
    spacing = tuple(images.spacing_mm[row].astype(float))
    return SourceFrame(images.images[row], mask, images.sectors[row] > 0, spacing, 0, "still", 1.0, 1)


def judge(images: ImageSet, row: int, variants: Variants) -> list[dict]:
    """One line a structure of case `row`."""
    drawn = np.stack([frame.mask for frame in variants.draw(lone(images, row), images.case_id[row])])
    lines = []
    for name, label in (("MYO", MYO), ("LA", LA)):
        true, share = images.masks[row] == label, (drawn == label).mean(axis=0)
        areas = np.quantile((drawn == label).sum(axis=(1, 2)), [0.05, 0.95])
        line = {
            "structure": name,
            "reached": (share[true] >= 0.05).mean() if true.any() else np.nan,
            "certain": true[share >= 0.95].mean() if (share >= 0.95).any() else np.nan,
            "area": areas[0] <= true.sum() <= areas[1],
        }
        for low, high in zip(BINS, BINS[1:], strict=False):
            among = (share >= low) & (share < high)
            line |= {f"pixels {low}": among.sum(), f"true {low}": true[among].sum(), f"drawn {low}": share[among].sum()}
        lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument(
        "--every", type=int, default=1, help="Only every so many cases are judged; all are learned from."
    )
    options = parser.parse_args()
    images = read_image_set(options.data)
    fold = np.random.default_rng(0).permutation(len(images)) % options.folds
    lines = []
    for number in range(options.folds):
        model, _ = learn_shape_model(images.select([images.case_id[row] for row in np.flatnonzero(fold != number)]))
        for row in np.flatnonzero(fold == number):
            if row % options.every == 0:
                try:
                    lines += judge(images, row, Variants(model, options.samples, seed=1))
                except Reject as reason:
                    print(f"{images.case_id[row]}: {reason}")
    table = pd.DataFrame(lines)
    print(f"{len(table) // 2} cases, {options.samples} draws each")
    print(table.groupby("structure")[["reached", "certain", "area"]].mean().round(3).to_string())
    sums = table.groupby("structure")[[column for column in table if column[-1].isdigit()]].sum()
    for low in BINS[:-1]:
        drawn, true = (sums[f"{kind} {low}"] / sums[f"pixels {low}"] for kind in ("drawn", "true"))
        print(
            f"in {low:.0%} of the draws or more: "
            + ", ".join(f"{n} {drawn[n]:.2f} drawn, {true[n]:.2f} true" for n in drawn.index)
        )


if __name__ == "__main__":
    main()
