"""The scores of synthetic cases, one row a case: pixel metrics, mask fidelity and subgroups side by side."""

from dataclasses import dataclass

import pandas as pd

from echodiff.evaluate.comparisons import SYNTHETIC
from echodiff.evaluate.overlap import OUTLINES

INFINITE_PSNR = (
    "An image that equals its original has an infinite PSNR. It counts: a mean with one is infinite and has no "
    "interval, in tests it ranks above all finite ones."
)
KEYS = ["dataset", "model", "case_id"]
PIXEL_COLUMNS = ("case_id", "dataset", "model", "comparison", "psnr_sector_db", "ssim_sector")
FIDELITY_COLUMNS = ("case_id", "dataset", "model", "kind", *(f"dice_{name}" for name in OUTLINES))


@dataclass(frozen=True)
class Score:
    """A score of a case: column, label, heading over it, digits; higher is better for all of them."""

    key: str
    label: str
    heading: str
    digits: int


PIXEL_SCORES = (
    Score("psnr_sector_db", "PSNR, dB", "In the sector", 2),
    Score("ssim_sector", "SSIM", "In the sector", 3),
)
DICE_SCORES = (
    Score("dice_lv", "LV", "Dice against the guide", 3),
    Score("dice_lv_myo", "LV + MYO", "Dice against the guide", 3),
    Score("dice_la", "LA", "Dice against the guide", 3),
)


def case_scores(pixel: pd.DataFrame, fidelity: pd.DataFrame | None) -> tuple[pd.DataFrame, tuple[Score, ...]]:
    """One row a synthetic case with its scores; Dice where there is a table of mask fidelity.

    Columns of subgroups come along from the table of pixel metrics. Models that were not segmented have no Dice (NaN).
    """
    rows = pixel[pixel["comparison"] == SYNTHETIC]
    if fidelity is None:
        return rows.reset_index(drop=True), PIXEL_SCORES
    synthetic = fidelity[fidelity["kind"] == "translation"]
    dice = synthetic[[*KEYS, *(score.key for score in DICE_SCORES)]]
    return rows.merge(dice, on=KEYS, how="left", validate="one_to_one"), (*PIXEL_SCORES, *DICE_SCORES)
