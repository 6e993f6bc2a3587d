"""The scores of synthetic cases, one row a case: pixel metrics, mask fidelity and subgroups side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from echodiff.evaluate.comparisons import ANOTHER_PATIENT, SYNTHETIC

INFINITE_PSNR = (
    "An image that equals its original has an infinite PSNR. It counts: a mean with one is infinite and has no "
    "interval, in tests it ranks above all finite ones."
)
KEYS = ["dataset", "model", "case_id"]
# Which end of a score is better: neither where, for one, the best is to be as in real images.
HIGHER, LOWER, NEITHER = "higher", "lower", "neither"
FLOOR = "Floor: another patient, in the sector"
WAYS = {HIGHER: "higher is better", LOWER: "lower is better", NEITHER: "neither end is better"}


@dataclass(frozen=True)
class Score:
    """A score of a case: column, label, heading over it, digits, and which end of it is better."""

    key: str
    label: str
    heading: str
    digits: int
    better: str

    @property
    def title(self) -> str:
        """Heading and label, for where the score stands alone."""
        return f"{self.heading}: {self.label}"


PIXEL_SCORES = (
    Score("psnr_sector_db", "PSNR, dB", "In the sector", 2, HIGHER),
    Score("ssim_sector", "SSIM", "In the sector", 3, HIGHER),
)
DICE_SCORES = (
    Score("dice_lv", "LV", "Dice against the guide", 3, HIGHER),
    Score("dice_lv_myo", "LV + MYO", "Dice against the guide", 3, HIGHER),
    Score("dice_la", "LA", "Dice against the guide", 3, HIGHER),
)
PIXEL_COLUMNS = (*KEYS, "comparison", *(score.key for score in PIXEL_SCORES))
FIDELITY_COLUMNS = (*KEYS, "kind", *(score.key for score in DICE_SCORES))
SCORE_COLUMNS: Mapping[str, Sequence[str]] = {"pixel": PIXEL_COLUMNS, "fidelity": FIDELITY_COLUMNS}


def which_is_better(scores: Sequence[Score]) -> str:
    """In words, which end of the scores is better."""
    ways = list(dict.fromkeys(score.better for score in scores))
    if len(ways) == 1:
        return f"{WAYS[ways[0]]} for every score"
    titles = {way: ", ".join(score.title for score in scores if score.better == way) for way in ways}
    return "; ".join(f"{WAYS[way]} for {titles[way]}" for way in ways)


def with_floors(rows: pd.DataFrame, pixel: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Score, ...]]:
    """The rows (KEYS) with the pixel scores of another patient's image in the place of the same case's synthetic one.

    Returns:
        The rows with columns `floor_<score>`, NaN where there is no such patient; and the scores of these columns.
    """
    others = pixel[pixel["comparison"] == ANOTHER_PATIENT]
    floors = tuple(replace(score, key=f"floor_{score.key}", heading=FLOOR) for score in PIXEL_SCORES)
    names = {score.key: floor.key for score, floor in zip(PIXEL_SCORES, floors, strict=True)}
    own = others[[*KEYS, *names]].rename(columns=names)
    return rows.merge(own, on=KEYS, how="left", validate="one_to_one"), floors


def case_scores(tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, tuple[Score, ...]]:
    """One row a synthetic case with its scores; Dice where there is a table of mask fidelity.

    Columns of subgroups come along from the table of pixel metrics. Models that were not segmented have no Dice (NaN).

    Args:
        tables: by kind (`SCORE_COLUMNS`); `pixel` is needed.
    """
    pixel = tables["pixel"]
    rows = pixel[pixel["comparison"] == SYNTHETIC]
    if "fidelity" not in tables:
        return rows.reset_index(drop=True), PIXEL_SCORES
    fidelity = tables["fidelity"]
    synthetic = fidelity[fidelity["kind"] == "translation"]
    dice = synthetic[[*KEYS, *(score.key for score in DICE_SCORES)]]
    return rows.merge(dice, on=KEYS, how="left", validate="one_to_one"), (*PIXEL_SCORES, *DICE_SCORES)
