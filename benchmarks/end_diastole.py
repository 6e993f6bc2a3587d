"""Rules that find end-diastole by the picture alone, on phantom cines whose end-diastole is known.

    python benchmarks/end_diastole.py --segmenter labels.pt --draw 88001:36 88002:12 [--patients 13]

Each draw is the seed of its patients and the number of frames of their cines, which have one beat up to 40 frames.
Every machine that records cines writes them as its own files, into a temporary folder.

Prints for each rule, over all machines and for each machine: in how many cines it answers; in how many of these it
names a true end-diastole, or a frame beside one; by how many frames it is late in the mean (early where negative) and
at most either way; and the seconds of processor time a cine.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from echodiff.config.datasets import DicomDataset
from echodiff.config.image import Image
from echodiff.config.phantom import PhantomSource
from echodiff.ingest.ed.by_picture import picture_rules
from echodiff.ingest.ed.cine import Cine
from echodiff.ingest.ed.volume_curve import UNKNOWN, Pace
from echodiff.ingest.labels.predicted import Predictor, read_predictor
from echodiff.ingest.readers.dicom_header import read_header
from echodiff.ingest.readers.dicom_pixels import gray_frames
from echodiff.ingest.readers.dicom_tags import read_tags
from echodiff.ingest.readers.video import read_cine
from echodiff.ingest.sector.find import sector_from_pixels
from echodiff.phantom.dataset import write_dataset

MOST = 1000
MACHINES = ("vscan", "vscan_air", "2d_t", "echonet")


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
        rules = picture_rules(Cine(frames, sector, pace), predictor)
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


def draw(seed: int, frames: int, patients: int, predictor: Predictor) -> pd.DataFrame:
    """The rows of `errors` of all machines, for one draw of patients."""
    found = []
    for machine in MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            source = PhantomSource(machine=machine, patients=patients, seed=seed, frames=frames)
            write_dataset(source, Path(folder))
            found.append(errors(Path(folder), predictor).assign(draw=f"{seed}:{frames}", machine=machine))
    return pd.concat(found)


def summary(found: pd.DataFrame) -> pd.Series:
    """One row of the table: of a rule's cines."""
    known = found["error"].dropna()
    return pd.Series(
        {
            "cines": len(found),
            "answers": len(known),
            "same frame": (known == 0).sum(),
            "within one": (known.abs() <= 1).sum(),
            "late": known.mean(),
            "largest": known.abs().max(),
            "CPU-s": found["seconds"].mean(),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segmenter", type=Path, required=True)
    parser.add_argument("--draw", nargs="+", required=True, metavar="SEED:FRAMES")
    parser.add_argument("--patients", type=int, default=13, help="of each draw and machine")
    arguments = parser.parse_args()
    dataset = DicomDataset(format="dicom", folder="any", labels="predicted")
    predictor = read_predictor(dataset, Image(), arguments.segmenter)
    draws = (tuple(map(int, text.split(":"))) for text in arguments.draw)
    found = pd.concat([draw(seed, frames, arguments.patients, predictor) for seed, frames in draws])
    for columns in (["rule"], ["rule", "draw"], ["rule", "machine"]):
        table = found.groupby(columns, sort=False).apply(summary, include_groups=False).reset_index()
        print(table.to_markdown(index=False, floatfmt=".2f"), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
