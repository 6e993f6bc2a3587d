"""Samples of the validation cases, and their sheet, Figure 2 of the paper: guide, real image, sample, side by side."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from echodiff.report.guides import draw_guide as draw_gray
from echodiff.report.sheet import Row, draw_sheet
from echodiff.store.image_set import ImageSet
from echodiff.store.provenance import seed_of
from echodiff.train.data import Planes
from echodiff.train.drawing import Drawing

SHEET_DPI = 120


def draw_samples(path: Path, drawing: Drawing, cases: ImageSet) -> None:
    """Write the sheet as PNG, with a sample for each case.

    Raises:
        OutputError: the file cannot be written.
    """
    rows = [
        Row("Guide", [draw_gray(mask) for mask in cases.masks]),
        Row("Real image", list(cases.images)),
        Row("Sample", sample_cases(drawing, cases)),
    ]
    draw_sheet(path, rows, columns=cases.case_id, dpi=SHEET_DPI)


def sample_cases(drawing: Drawing, cases: ImageSet) -> list[NDArray[np.uint8]]:
    """A sample for each case, uint8 (H, W).

    Each case's seed depends on its id, so that samples of different times differ by what was learned alone.
    """
    planes = Planes.of(cases, torch.device("cpu"))
    samples = []
    for row, case in enumerate(cases.case_id):  # one by one: memory stays that of a single image
        seed = seed_of(drawing.model.seed, "sheet", case)
        samples.append(drawing.images(planes[slice(row, row + 1)], [seed])[0].numpy())
    return samples
