"""Rules that find end-diastole by the picture alone, on phantom cines whose end-diastole is known.

    echodiff phantom --config config/config.yaml --dataset vscan --output phantoms/vscan    # and so on
    python benchmarks/end_diastole.py --segmenter labels.pt phantoms/vscan phantoms/2d_t phantoms/echonet

Prints, a folder and rule, in how many cines the rule answers, by how many frames it is late in the mean (early where
negative) and at most either way, how many are within one frame of a true end-diastole, and the seconds of processor
time a cine.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from echodiff.config.datasets import DicomDataset
from echodiff.config.image import Image
from echodiff.ingest.ed.by_picture import picture_rules
from echodiff.ingest.ed.volume_curve import UNKNOWN, Pace
from echodiff.ingest.predicted import Predictor, read_predictor
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames
from echodiff.ingest.readers.dicom_tags import read_tags
from echodiff.ingest.readers.video import read_cine
from echodiff.ingest.sector import sector_from_pixels

MOST = 1000


def read(path: Path) -> tuple[np.ndarray, Pace]:
    """Frames (F, H, W), and their pace where the file says it."""
    if path.suffix == ".avi":
        return read_cine(path, MOST)[0], UNKNOWN
    header = read_header(path)
    frames = gray_frames(path, header)
    tags = read_tags(header, len(frames), frames.shape[1:])
    return frames, Pace(tags.frame_ms, tags.heart_rate_bpm)


def errors(folder: Path, predictor: Predictor) -> pd.DataFrame:
    """A row a cine and rule: frames after the nearest true one, NaN where the rule has no answer, and seconds."""
    rows = []
    for truth in pd.read_parquet(folder / "truth.parquet").itertuples():
        frames, pace = read(folder / truth.file)
        sector = sector_from_pixels(frames)
        peaks = np.array(json.loads(truth.ed_frames))
        rules = picture_rules(frames, sector, pace, predictor)
        answers = {}
        for name, rule in rules.items():
            start = time.process_time()
            choice = rule()
            answers[name] = np.nan if choice is None else float(min(choice.frame - peaks, key=abs))
            rows.append({"rule": name, "error": answers[name], "seconds": time.process_time() - start})
        first = answers["self_similarity"]
        both = answers["segmented_area"] if np.isnan(first) else first
        rows.append({"rule": "one after the other", "error": both, "seconds": np.nan})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segmenter", type=Path, required=True)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    dataset = DicomDataset(format="dicom", folder="any", labels="predicted")
    predictor = read_predictor(dataset, Image(), arguments.segmenter)
    for folder in arguments.folders:
        for rule, own in errors(folder, predictor).groupby("rule", sort=False):
            known = own["error"].dropna()
            print(
                f"{folder.name:10s} {rule:20s} answers {len(known)} of {len(own)}, mean {known.mean():+.2f}, largest "
                f"{known.abs().max():.0f}, within one {(known.abs() <= 1).sum()}; {own['seconds'].mean():.2f} s a cine"
            )


if __name__ == "__main__":
    main()
