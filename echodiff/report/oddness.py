"""How odd a kept case is among the kept cases of its dataset, and in what."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from echodiff.labels import BACKGROUND, STRUCTURES
from echodiff.store.image_set import ImageSet

ODD = 3.5  # modified z-score of an outlier (Iglewicz and Hoaglin 1993)
NORMAL = 1.4826  # MAD of normally distributed values -> their standard deviation
# Scores of labels missing, of a frame that another case has, of labels in pieces.
ABSENT, TWIN, BROKEN = 99.0, 30.0, 20.0
PIECE = 3e-4  # share of the frame from which a piece of a label counts
UNSURE = 0.1  # of a confidence below 1 that scores 1
USUAL = 0.5  # share of a dataset's cases from which something is usual
NEVER_CUT_OFF = ("LV", "MYO")  # which labels have to have, if there are any; an atrium may lie below the frame


@dataclass(frozen=True)
class Measure:
    """A number of each case: its values, words for too little and too much, and how a value is printed ({}).

    `floor` is the smallest spread that values are judged by: in datasets whose cases are alike nothing is odd.
    """

    values: NDArray[np.float64]
    low: str
    high: str
    shown: str
    floor: float


def oddness(images: ImageSet, cases: pd.DataFrame) -> pd.DataFrame:
    """The kept cases of one dataset, the oddest first.

    Args:
        images: the dataset's frames.
        cases: its case table (`case_id`, `frame_hash`, `ed_confidence`, `plane_confidence`).

    Returns:
        One row a case of `images`: case_id; score, the largest modified z-score |x - median| / (1.4826 MAD) of areas,
        sector and gray values, or what labels missing or in pieces, a repeated frame or an uncertain choice count as;
        what, the reason in words with the value.
    """
    number = len(images)
    score, what = np.zeros(number), np.full(number, "", dtype=object)
    for scores, words in _reasons(images, cases):
        more = scores > score
        score[more] = scores[more]
        what[more] = np.asarray(words, dtype=object)[more]
    rows = pd.DataFrame({"case_id": images.case_id, "score": score, "what": what})
    return rows.sort_values(["score", "case_id"], ascending=[False, True], kind="stable").reset_index(drop=True)


def _reasons(images: ImageSet, cases: pd.DataFrame) -> Iterator[tuple[NDArray[np.float64], list[str]]]:
    """Score and words of each case, for each thing that may be odd."""
    own = cases.set_index("case_id").loc[images.case_id]
    yield from _missing(images)
    yield _repeated(own)
    yield from _broken(images)
    yield from _unsure(own)
    yield from map(_z, _measures(images))


def _measures(images: ImageSet) -> Iterator[Measure]:
    counts = {name: (images.masks == label).sum(axis=(1, 2)) for name, label in STRUCTURES.items()}
    inside = images.sectors > 0
    area = inside.sum(axis=(1, 2))
    pixel_mm2 = images.spacing_mm.astype(float).prod(axis=1)
    known = np.isfinite(pixel_mm2).all()
    for name, count in counts.items():
        values = np.where(count > 0, count, np.nan)
        values = values * pixel_mm2 if known else 100 * values / np.maximum(area, 1)
        typical = np.nanmedian(values) if np.isfinite(values).any() else 0.0
        yield Measure(
            values, f"{name} small", f"{name} large", "{:.0f} mm²" if known else "{:.0f} % of sector", 0.05 * typical
        )
    labelled = np.maximum((images.masks != BACKGROUND).sum(axis=(1, 2)), 1)
    outside = 100 * ((images.masks != BACKGROUND) & ~inside).sum(axis=(1, 2)) / labelled
    yield Measure(outside, "labels inside", "labels beyond sector", "{:.0f} %", 1.0)
    yield Measure(100 * area / inside[0].size, "sector small", "sector large", "{:.0f} %", 1.0)
    means = np.array(
        [image[own].mean() if own.any() else 0.0 for image, own in zip(images.images, inside, strict=True)]
    )
    spread = np.array(
        [image[own].std() if own.any() else 0.0 for image, own in zip(images.images, inside, strict=True)]
    )
    yield Measure(means, "dark", "bright", "mean {:.0f}", 2.0)
    yield Measure(spread, "flat", "harsh", "sd {:.0f}", 2.0)


def _z(measure: Measure) -> tuple[NDArray[np.float64], list[str]]:
    """Modified z-scores, and words for each."""
    values = measure.values
    if not np.isfinite(values).any():
        return np.zeros(len(values)), [""] * len(values)
    middle = np.nanmedian(values)
    scale = max(NORMAL * np.nanmedian(np.abs(values - middle)), measure.floor)
    scores = np.nan_to_num(np.abs(values - middle) / scale) if scale > 0 else np.zeros(len(values))
    sides = [measure.low if value < middle else measure.high for value in values]
    words = [f"{side}: {measure.shown.format(value)}" for side, value in zip(sides, values, strict=True)]
    return scores, words


def _missing(images: ImageSet) -> Iterator[tuple[NDArray[np.float64], list[str]]]:
    labelled = (images.masks != BACKGROUND).any(axis=(1, 2))
    for name, label in STRUCTURES.items():
        there = (images.masks == label).any(axis=(1, 2))
        wanted = labelled & (name in NEVER_CUT_OFF) | (there.mean() > USUAL)
        yield np.where(~there & wanted, ABSENT, 0.0), [f"{name} missing"] * len(there)


def _broken(images: ImageSet) -> Iterator[tuple[NDArray[np.float64], list[str]]]:
    for name, label in STRUCTURES.items():
        pieces = np.array([_pieces(mask == label) for mask in images.masks])
        usual = np.mean(pieces > 1) > USUAL
        yield np.where((pieces > 1) & (not usual), BROKEN, 0.0), [f"{name} in {count} pieces" for count in pieces]


def _pieces(structure: NDArray[np.bool_]) -> int:
    _, _, stats, _ = cv2.connectedComponentsWithStats(structure.astype(np.uint8), connectivity=8)
    return int((stats[1:, cv2.CC_STAT_AREA] >= PIECE * structure.size).sum())


def _repeated(cases: pd.DataFrame) -> tuple[NDArray[np.float64], list[str]]:
    """Frames that another case of the dataset has too."""
    hashes = cases["frame_hash"]
    twins = [[other for other in cases.index[hashes == own] if other != case] for case, own in hashes.items()]
    scores = np.array([TWIN if others else 0.0 for others in twins])
    return scores, [f"frame of {others[0]}" if others else "" for others in twins]


def _unsure(cases: pd.DataFrame) -> Iterator[tuple[NDArray[np.float64], list[str]]]:
    for column, name in (("ed_confidence", "ED"), ("plane_confidence", "plane")):
        confidence = cases[column].to_numpy(float)
        yield np.nan_to_num((1 - confidence) / UNSURE), [f"{name} unsure: {value:.2f}" for value in confidence]
