"""Predicted label maps against those of the files, one dataset at a time.

    echodiff segmenter --purpose labels --config config/config.yaml --images results/data/camus/images.h5 \
        --split results/split/camus.parquet --output labels.pt
    python benchmarks/predicted_labels.py --segmenter labels.pt --data results/data/*/images.h5 \
        --split results/split/camus.parquet

Of the dataset that the split belongs to, only validation cases are used. Prints mean and smallest Dice over the cases
that are not refused as no heart, how many are refused, the confidence, and its correlation with the mean Dice.
"""

import argparse
from pathlib import Path

import numpy as np

from echodiff.evaluate.overlap import OUTLINES, dice
from echodiff.ingest.case import Reject
from echodiff.ingest.frame import FittedFrame
from echodiff.ingest.labels.predicted import Predictor
from echodiff.segment.segmenter_file import load_segmenter
from echodiff.split.files import read_split
from echodiff.store.image_set import ImageSet, read_image_set


def compare(images: ImageSet, predictor: Predictor) -> tuple[np.ndarray, list[str]]:
    """Rows (K, 4) of confidence and Dice of LV, LV + MYO and LA, and the reasons of the refused."""
    rows, refused = [], []
    for image, mask, sector in zip(images.images, images.masks, images.sectors, strict=True):
        try:
            frame, confidence = predictor.label(FittedFrame(image, np.zeros_like(mask), sector, (np.nan, np.nan)))
        except Reject as error:
            refused.append(str(error))
            continue
        rows.append([confidence, *(dice(np.isin(frame.mask, n), np.isin(mask, n)) for n in OUTLINES.values())])
    return np.array(rows).reshape(-1, 1 + len(OUTLINES)), refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segmenter", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--split", type=Path)
    arguments = parser.parse_args()
    network, training = load_segmenter(arguments.segmenter, "cpu")
    predictor = Predictor(network, training.size, image=None)
    split = read_split(arguments.split) if arguments.split else None
    for path in arguments.data:
        images = read_image_set(path)
        if split is not None and set(images.case_id) == set(split["case_id"]):
            images = read_image_set(path, split.loc[split["subset"] == "validation", "case_id"].tolist())
        rows, refused = compare(images, predictor)
        confidence, own = rows[:, 0], rows[:, 1:]
        mean, least = (" ".join(f"{value:.3f}" for value in f(own, axis=0)) for f in (np.nanmean, np.nanmin))
        follows = np.corrcoef(confidence, np.nanmean(own, axis=1))[0, 1]
        print(
            f"{images.attributes['dataset']:11s} N {len(images)}, refused {len(refused)}; "
            f"Dice {' / '.join(OUTLINES)}: mean {mean}, smallest {least}; "
            f"confidence {confidence.min():.2f} to {confidence.max():.2f}, r {follows:.2f}"
        )
        for reason in refused:
            print(f"    {reason}")


if __name__ == "__main__":
    main()
