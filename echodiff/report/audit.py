"""Audit of the published Table 3: what unrelated images score by its conventions, from the user's own data."""

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.comparisons import ALL_BLACK, ANOTHER_PATIENT
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.published import PUBLISHED_TITLES, published_value
from echodiff.report.table import NOTHING, Column, ReportTable, format_mean_sd, mean_sd

UNRELATED = (ANOTHER_PATIENT, ALL_BLACK)
COLUMNS = ("dataset", "model", "case_id", "comparison", "mse", "psnr_db", "legacy_psnr_uint8_wrap_db", "differing")

# The difference of two bytes of which one is uniform is uniform modulo 256; this is the PSNR of its wrapped
# square.
WRAPPED_PSNR_DB = float(10 * np.log10(255**2 / np.mean(np.arange(256) ** 2 % 256)))  # 27.90
DB_PER_RELATIVE_MSE = 10 / np.log(10)


def wrapped_psnr_of_share(differing: pd.Series) -> pd.Series:
    """Wrapped PSNR in dB of unrelated images of which the share `differing` of the pixels differs."""
    return WRAPPED_PSNR_DB - 10 * np.log10(differing)


def implied_psnr_sd_db(mse: float, sd: float) -> float:
    """Standard deviation of PSNR in dB that a mean and standard deviation of MSE imply, to first order."""
    return DB_PER_RELATIVE_MSE * sd / mse


def audit(metrics: pd.DataFrame, config: Config) -> ReportTable:
    """Unrelated images of every dataset by both conventions beside the published values.

    Published datasets that the run does not have get a row of their own, so that every printed PSNR stands beside
    what its own MSE implies, and beside unrelated images of the user's own data.
    """
    unrelated = metrics[metrics["comparison"].isin(UNRELATED)].dropna(subset=["mse"])
    unrelated = unrelated.drop_duplicates(["dataset", "case_id", "comparison"])
    datasets = in_order(config, unrelated["dataset"])
    data, cells = [], []
    for dataset in (*datasets, *(name for name in PUBLISHED_TITLES if name not in datasets)):
        numbers, texts = _ours(unrelated[unrelated["dataset"] == dataset])
        printed_numbers, printed_texts = _published(dataset)
        title = dataset_title(config, dataset) if dataset in datasets else PUBLISHED_TITLES[dataset]
        data.append({"dataset": dataset} | numbers | printed_numbers)
        cells.append({"title": title} | texts | printed_texts)
    table = pd.DataFrame(data)
    without = ["Rows without pairs: published datasets that this run does not have."] if (table["n"] == 0).any() else []
    ours, paper = "Unrelated images, this run's data", "Published, synthetic against original"
    return ReportTable(
        name="audit",
        title="Audit of the published PSNR",
        subtitle="PSNR in dB, mean ± standard deviation over cases",
        columns=(
            Column("title", "Dataset", align="left"),
            Column("n", "Pairs"),
            Column("wrapped", "another patient, uint8 wrap", ours),
            Column("predicted", "the same, predicted", ours),
            Column("black", "all black, uint8 wrap", ours),
            Column("correct", "another patient, correct", ours),
            Column("published", "PSNR as printed", paper),
            Column("implied", "PSNR that the printed MSE implies", paper),
        ),
        cells=pd.DataFrame(cells),
        data=table,
        notes=(
            "Predicted: 27.90 - 10 log10(f) dB, f the share of pixels that differ; it takes no account of what the "
            "images show. Where it meets the column before it, that PSNR measures the share of the frame that the "
            "sector covers. All black: what an image without any content reaches.",
            "Implied: PSNR is a function of MSE, so the printed MSE (in units of 1e-3 on [0, 1]) gives a PSNR and "
            "a spread of its own.",
            _conclusion(table),
            *without,
        ),
    )


def _conclusion(table: pd.DataFrame) -> str:
    """What the rows say of the printed PSNR: from how near to how far, over the rows that have both values."""
    printed = table["published_psnr_mean"]
    pairs, black = ((printed - table[f"{key}_mean"]).abs() for key in ("wrapped", "black"))
    off, ratio = (printed - table["implied_psnr_mean"]).abs(), table["implied_psnr_sd"] / table["published_psnr_sd"]
    unrelated = ""
    if pairs.notna().any():
        unrelated = f"{_range(pairs, 2)} dB from that of unrelated patients with the uint8 wrap, "
        unrelated += f"{_range(black, 2)} dB from that of an all-black image and "
    return (
        f"The printed PSNR lies {unrelated}{_range(off, 1)} dB from the one that its own MSE implies. The spread that "
        f"the MSE implies is {_range(ratio, 1)} times the printed one."
    )


def _range(values: pd.Series, digits: int) -> str:
    """`smallest to largest` of what is known."""
    low, high = (f"{end:.{digits}f}" for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _ours(own: pd.DataFrame) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and cells of the unrelated images of one dataset."""
    pairs, black = (own[own["comparison"] == comparison] for comparison in UNRELATED)
    columns = {
        "wrapped": pairs["legacy_psnr_uint8_wrap_db"],
        "predicted": wrapped_psnr_of_share(pairs["differing"]),
        "black": black["legacy_psnr_uint8_wrap_db"],
        "correct": pairs["psnr_db"],
    }
    numbers: dict[str, float] = {"n": len(pairs)}
    for key, values in columns.items():
        numbers |= {f"{key}_mean": values.mean(), f"{key}_sd": values.std(ddof=0)}
    texts = {key: mean_sd(values) for key, values in columns.items()}
    return numbers, texts | {"n": str(len(pairs)) if len(pairs) else NOTHING}


def _published(dataset: str) -> tuple[dict[str, float], dict[str, str]]:
    """The printed PSNR, and the one that the printed MSE implies; missing where the paper has no such dataset."""
    psnr, mse = published_value(dataset, "psnr_db"), published_value(dataset, "mse")
    implied = (10 * np.log10(1e3 / mse[0]), implied_psnr_sd_db(*mse))
    numbers = {"published_psnr_mean": psnr[0], "published_psnr_sd": psnr[1]}
    numbers |= {"implied_psnr_mean": implied[0], "implied_psnr_sd": implied[1]}
    return numbers, {"published": format_mean_sd(*psnr), "implied": format_mean_sd(*implied)}
