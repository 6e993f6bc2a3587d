"""Figures 2, 3 and 4 as rows of a sheet: which cases are shown, and what stands under them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from echodiff.errors import InputError
from echodiff.evaluate.comparisons import SYNTHETIC
from echodiff.report.guides import draw_guide
from echodiff.report.sheet import Row
from echodiff.spread import at_even_distances
from echodiff.store.image_set import ImageSet

PIXEL_COLUMNS = ("case_id", "dataset", "model", "comparison", "psnr_db", "ssim")


@dataclass(frozen=True)
class Pair:
    """A dataset, its translation, and the pixel metrics of the synthetic images (case_id, psnr_db, ssim)."""

    title: str
    original: ImageSet
    synthetic: ImageSet
    metrics: pd.DataFrame | None = None


def figure2(pair: Pair, *, cases: int) -> list[Row]:
    """Guide, real and synthetic image of validation cases at even distances in the order of their ids."""
    ids = at_even_distances(sorted(set(pair.synthetic.case_id)), cases)
    return [Row(case, _images(pair, case)) for case in ids]


def figure3(pairs: Sequence[Pair]) -> list[Row]:
    """The guide and the synthetic image of the case of highest PSNR, one row a dataset."""
    rows = []
    for pair in pairs:
        best = ranked(pair).iloc[-1]
        guide, _, synthetic = _images(pair, best["case_id"])
        rows.append(Row(pair.title, (guide, synthetic), ("", _scores(best))))
    return rows


def figure4(pairs: Sequence[Pair]) -> list[Row]:
    """Guide, original and synthetic image of the worst, median and best case by PSNR, one row a dataset."""
    rows = []
    for pair in pairs:
        order = ranked(pair)
        images, captions = [], []
        for place in (0, (len(order) - 1) // 2, len(order) - 1):
            case = order.iloc[place]
            images += _images(pair, case["case_id"])
            captions += ["", "", _scores(case)]
        rows.append(Row(pair.title, images, captions))
    return rows


def ranked(pair: Pair) -> pd.DataFrame:
    """The synthetic images' metrics from the lowest PSNR to the highest; equal ones in the order of ids.

    Raises:
        InputError: there are no metrics of this dataset's synthetic images.
    """
    metrics = pair.metrics
    if metrics is not None:
        metrics = metrics[metrics["comparison"] == SYNTHETIC]
    if metrics is None or metrics.empty:
        raise InputError(
            f"{pair.title}: expected pixel metrics of its synthetic images, found none; "
            "give the file of `echodiff evaluate pixel`"
        )
    return metrics.sort_values(["psnr_db", "case_id"], kind="stable").reset_index(drop=True)


def pairs_of(
    sets: Sequence[ImageSet],
    metrics: pd.DataFrame | None,
    *,
    datasets: Sequence[str],
    titles: Mapping[str, str],
) -> list[Pair]:
    """The pairs of original and translation among `sets`, in the order of `datasets`.

    Raises:
        InputError: a dataset lacks one of the two, or has two of a kind.
    """
    pairs = []
    for name in datasets:
        own = {kind: [s for s in sets if _is(s, name, kind)] for kind in ("dataset", "translation")}
        for kind, found in own.items():
            if len(found) != 1:
                raise InputError(
                    f"dataset {name}: expected one image set of the kind '{kind}', found {len(found)}; "
                    "give its images.h5 and the translation of one model"
                )
        (original,), (synthetic,) = own["dataset"], own["translation"]
        pairs.append(Pair(titles[name], original, synthetic, _own(metrics, name, synthetic)))
    return pairs


def _own(metrics: pd.DataFrame | None, dataset: str, synthetic: ImageSet) -> pd.DataFrame | None:
    """The rows of one dataset and of the model that made `synthetic`."""
    if metrics is None:
        return None
    model = synthetic.attributes.get("model")
    return metrics[(metrics["dataset"] == dataset) & (metrics["model"] == model)]


def _is(images: ImageSet, dataset: str, kind: str) -> bool:
    return images.attributes.get("dataset") == dataset and images.attributes.get("kind") == kind


def _images(pair: Pair, case: str) -> list[np.ndarray]:
    """Guide, original and synthetic image of a case."""
    original, synthetic = pair.original.select([case]), pair.synthetic.select([case])
    return [draw_guide(synthetic.masks[0]), original.images[0], synthetic.images[0]]


def _scores(case: pd.Series) -> str:
    return f"{case['psnr_db']:.1f} dB, SSIM {case['ssim']:.2f}"
