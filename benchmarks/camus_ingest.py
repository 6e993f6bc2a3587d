"""Ingest of the real CAMUS frames: time, memory, and the areas of their structures before and after.

    python benchmarks/camus_ingest.py --data FOLDER [--fit stretch] [--sheet SHEET.png]

Reads every patient of the folder in one process. Compares areas in mm2 between the label maps as published, at their
own pixel size, and those of the image set. Prints the relative differences, and the number of cases in which a
structure has lost more than the pixel that rounding explains, as it would if the crop cut it. `--sheet` draws the
oddest 48 cases with the outlines of their labels; it shows patients and does not belong in a repository.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.config.datasets import CamusDataset
from echodiff.config.image import Image
from echodiff.ingest.readers.camus import CamusReader
from echodiff.ingest.readers.itk import read_plane
from echodiff.ingest.run import ingest_dataset
from echodiff.labels import STRUCTURES
from echodiff.report.kept import draw_kept
from echodiff.store.image_set import ImageSet, read_image_set
from echodiff.store.table import read_table

SHEET_CASES, SHEET_DPI = 48, 110


def areas_mm2(labels: NDArray[np.uint8], spacing_mm: tuple[float, float]) -> dict[str, float]:
    """Area of each structure."""
    return {name: float((labels == value).sum() * np.prod(spacing_mm)) for name, value in STRUCTURES.items()}


def compare(images: ImageSet, label_files: dict[str, Path]) -> pd.DataFrame:
    """A line for each case and structure: relative change of the area in %, and what is lost in new pixels."""
    lines = []
    for case, mask, spacing in zip(images.case_id, images.masks, images.spacing_mm.astype(float), strict=True):
        before = areas_mm2(*read_plane(label_files[case], "the label map"))
        for name, area in areas_mm2(mask, spacing).items():
            change = area - before[name]
            lines.append(
                {
                    "case": case,
                    "structure": name,
                    "change_percent": 100 * change / before[name] if before[name] else np.nan,
                    "lost_pixels": max(-change, 0) / np.prod(spacing),
                }
            )
    return pd.DataFrame(lines)


def report(table: pd.DataFrame, images: ImageSet) -> None:
    size = table.assign(change_percent=table["change_percent"].abs()).groupby("structure")["change_percent"]
    print("relative change of the area, %, without its sign:")
    print(size.agg(["count", "median", "max"]).reindex(list(STRUCTURES)).round(4).to_string())
    lost = table[table["lost_pixels"] > 1].groupby("case")["lost_pixels"].max()
    print(f"{len(lost)} of {len(images)} cases have lost more than a pixel of a structure")
    beyond = [float(((mask > 0) & (sector == 0)).sum() / (mask > 0).sum()) for mask, sector in _planes(images)]
    print(
        f"{np.count_nonzero(beyond)} cases have labels beyond the sector, kept: at the median "
        f"{np.median([share for share in beyond if share]):.2%}, at most {max(beyond):.1%} of the labelled pixels"
    )


def _planes(images: ImageSet):
    return zip(images.masks, images.sectors, strict=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fit", choices=("stretch", "pad"), default="stretch")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    dataset = CamusDataset(format="camus", folder=str(options.data))
    label_files = {case.name: case.files.get("label") for case in CamusReader(dataset).find(options.data)}
    with tempfile.TemporaryDirectory() as folder:
        output, start = Path(folder), time.process_time()
        counts = ingest_dataset("camus", dataset, Image(fit=options.fit), options.data, output, processes=0)
        seconds, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        images, cases = read_image_set(output / "images.h5"), read_table(output / "cases.parquet")
    print(
        f"fit {options.fit}: {counts['kept']} kept, {counts['rejected']} rejected; {seconds:.1f} s of CPU, "
        f"{1000 * seconds / len(cases):.0f} ms a case; peak memory {peak:.0f} MiB"
    )
    report(compare(images, label_files), images)
    if options.sheet:
        draw_kept(options.sheet, images, cases, title="CAMUS", most=SHEET_CASES, dpi=SHEET_DPI)


if __name__ == "__main__":
    main()
