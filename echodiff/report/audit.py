"""Audit of the published Table 3: what unrelated images score by its conventions, from the user's own data."""

import numpy as np
import pandas as pd

from echodiff.config import Config
from echodiff.evaluate.comparisons import ANOTHER_PATIENT
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.published import published_value
from echodiff.report.table import Column, ReportTable, format_mean_sd, mean_sd

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
    """Unrelated pairs of every dataset by both conventions beside the published values."""
    pairs = metrics[metrics["comparison"] == ANOTHER_PATIENT].dropna(subset=["mse"])
    pairs = pairs.drop_duplicates(["dataset", "case_id"])
    data, cells = [], []
    for dataset in in_order(config, pairs["dataset"]):
        own = pairs[pairs["dataset"] == dataset]
        wrapped, predicted = own["legacy_psnr_uint8_wrap_db"], wrapped_psnr_of_share(own["differing"])
        psnr, mse = published_value(dataset, "psnr_db"), published_value(dataset, "mse")
        implied = (10 * np.log10(1e3 / mse[0]), implied_psnr_sd_db(*mse))
        columns = {"wrapped": wrapped, "predicted": predicted, "correct": own["psnr_db"]}
        numbers = {f"{key}_{name}": value for key, values in columns.items()
                   for name, value in (("mean", values.mean()), ("sd", values.std(ddof=0)))}  # fmt: skip
        numbers |= {"published_psnr_mean": psnr[0], "published_psnr_sd": psnr[1]}
        numbers |= {"implied_psnr_mean": implied[0], "implied_psnr_sd": implied[1]}
        data.append({"dataset": dataset, "n": len(own)} | numbers)
        texts = {key: mean_sd(values) for key, values in columns.items()}
        texts |= {"published": format_mean_sd(*psnr), "implied": format_mean_sd(*implied)}
        cells.append({"title": dataset_title(config, dataset), "n": str(len(own))} | texts)
    ours, paper = "Unrelated patients, this run's data", "Published, synthetic against original"
    return ReportTable(
        name="audit",
        title="Audit of the published PSNR",
        subtitle="PSNR in dB, mean ± standard deviation over cases",
        columns=(
            Column("title", "Dataset", align="left"),
            Column("n", "Pairs"),
            Column("wrapped", "uint8 wrap", ours),
            Column("predicted", "uint8 wrap, predicted", ours),
            Column("correct", "correct", ours),
            Column("published", "PSNR as printed", paper),
            Column("implied", "PSNR that the printed MSE implies", paper),
        ),
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        notes=(
            "Predicted: 27.90 - 10 log10(f) dB, f the share of pixels that differ; it takes no account of what the "
            "images show. Where it meets the first column, that PSNR measures the share of the frame that the "
            "sector covers.",
            "Implied: PSNR is a function of MSE, so the printed MSE (in units of 1e-3 on [0, 1]) gives a PSNR and "
            "a spread of its own. The printed PSNR agrees with the first column and not with its own MSE.",
        ),
    )
