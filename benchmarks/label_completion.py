"""Labels completed from the left ventricle alone against the true ones, on left-out patients.

    python benchmarks/label_completion.py --data results/data/camus/images.h5 [--folds 10]

Every case of an image set with complete label maps is predicted once, by a shape model of the other folds, with MYO and
LA hidden; the dilation baseline sees the same. Prints mean (standard deviation) of Dice and of the mean surface
distance in mm, and the share of true contour points inside the band that should hold 90 % of them.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from echodiff.evaluate.overlap import dice, surface_distances
from echodiff.ingest.completion.band import inside_band
from echodiff.ingest.completion.contour import NoContour, ventricle
from echodiff.ingest.completion.dilation import dilate
from echodiff.ingest.completion.learn import given_of, learn_shape_model, true_contours
from echodiff.ingest.completion.raster import draw
from echodiff.labels import LA, LV, MYO
from echodiff.store.image_set import ImageSet, read_image_set

REGIONS = {"MYO": (MYO,), "LV + MYO": (LV, MYO), "LA": (LA,)}


def compare(images: ImageSet, model, row: int) -> list[dict]:
    """One line a method and structure of case `row`."""
    mask, sector, spacing = images.masks[row], images.sectors[row] > 0, images.spacing_mm[row].astype(float)
    lv = ventricle(mask == LV, tuple(spacing))
    given = given_of(lv, sector, tuple(spacing))
    epicardium, atrium = (lv.from_frame(points) for points in model.expect(given))
    predicted = {
        "shape model": draw(mask == LV, sector, tuple(spacing), lv, epicardium, atrium),
        "dilation": dilate(mask == LV, sector, tuple(spacing), lv),
    }
    lines = []
    for method, labels in predicted.items():
        for name, values in REGIONS.items():
            ours, truth = np.isin(labels, values), np.isin(mask, values)
            distances = surface_distances(ours, truth, spacing)
            lines.append(
                {
                    "method": method,
                    "structure": name,
                    "dice": dice(ours, truth),
                    "distance_mm": distances.mean() if len(distances) else np.nan,
                }
            )
    true = [lv.to_frame(points) for points in true_contours(mask, lv, tuple(spacing))]
    for name, share in zip(("LV + MYO", "LA"), inside_band(model, given, *true), strict=True):
        next(line for line in lines if line["structure"] == name)["coverage"] = share
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=10)
    options = parser.parse_args()
    images = read_image_set(options.data)
    fold = np.random.default_rng(0).permutation(len(images)) % options.folds
    lines, skipped = [], 0
    for number in range(options.folds):
        model, _ = learn_shape_model(images.select([images.case_id[row] for row in np.flatnonzero(fold != number)]))
        for row in np.flatnonzero(fold == number):
            try:
                lines += [{"case": images.case_id[row], **line} for line in compare(images, model, row)]
            except NoContour:
                skipped += 1
    table = pd.DataFrame(lines)
    summary = table.groupby(["structure", "method"])[["dice", "distance_mm", "coverage"]].agg(["mean", "std"])
    print(f"{table['case'].nunique()} cases, {skipped} without all structures\n{summary.round(3).to_string()}")
    wide = table.pivot_table(index=["case", "structure"], columns="method", values="dice").dropna()
    ahead = (wide["shape model"] > wide["dilation"]).groupby("structure").mean()
    print("share of cases in which the shape model's Dice is higher:\n" + ahead.round(3).to_string())


if __name__ == "__main__":
    main()
