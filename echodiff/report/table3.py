"""Table 3: pixel metrics between each synthetic image and the original of the same case, with their
floors.
"""

from collections.abc import Iterator, Mapping

import pandas as pd

from echodiff.config import Config
from echodiff.evaluate import comparisons as c
from echodiff.evaluate.trivial import TRANSLATORS
from echodiff.report import label_sources
from echodiff.report.inputs import in_order, model_names, model_title
from echodiff.report.published import published_value
from echodiff.report.table import NOTHING, Column, ReportTable, format_mean_sd, mean_sd_of_known

KEYS = ("case_id", "dataset", "model", "comparison")

PUBLISHED = "published"
ROWS: Mapping[str, str] = {
    PUBLISHED: "Published",
    c.SYNTHETIC: "Synthetic, this run",
    c.ALL_BLACK: "Floor: all black",
    c.ANOTHER_PATIENT: "Floor: another patient",
    c.LABEL_MEAN: "Floor: mean gray per label",
    c.REAL_ITSELF: "Ceiling: the real image",
}

# Metric -> (column label, heading, digits). Published values stand where their convention belongs.
METRICS: Mapping[str, tuple[str, str, int]] = {
    "legacy_mse_1e3": ("MSE, 1e-3", "Published convention (legacy)", 2),
    "legacy_psnr_uint8_wrap_db": ("PSNR, dB, uint8 wrap", "Published convention (legacy)", 2),
    "psnr_db": ("PSNR, dB", "Whole image", 2),
    "ssim": ("SSIM", "Whole image", 2),
    "psnr_sector_db": ("PSNR, dB", "In the sector", 2),
    "ssim_sector": ("SSIM", "In the sector", 2),
    "psnr_lv_db": ("LV", "PSNR per structure, dB", 2),
    "psnr_myo_db": ("MYO", "PSNR per structure, dB", 2),
    "psnr_la_db": ("LA", "PSNR per structure, dB", 2),
}
COLUMNS = (*KEYS, *METRICS)
IN_CSV_ONLY = (
    *(f"mse{region}" for region in ("", "_sector", "_lv", "_myo", "_la")),
    *(f"ssim_{structure}" for structure in ("lv", "myo", "la")),
    "differing",
)
PUBLISHED_METRICS = {"legacy_mse_1e3": "mse", "legacy_psnr_uint8_wrap_db": "psnr_db", "ssim": "ssim"}
NOTES = (
    "Legacy PSNR squares differences in uint8, where they wrap modulo 256: unrelated images score about 30 "
    "dB, as the floors show, so it does not measure quality. It is here because the published values and "
    "their small spread fit no other convention.",
    "Published MSE fits units of 1e-3 on [0, 1]; published SSIM stands with the whole image.",
    "Another patient: a real image of the same dataset, drawn at random. Mean gray per label: the other "
    "patients' mean grays painted by this case's label map and sector.",
    "PSNR per structure: over the cases whose label map has it; N in brackets: their number, where fewer.",
    "An image that equals its original has an infinite PSNR; a mean with one is infinite and has no deviation.",
)


def table3(metrics: pd.DataFrame, cases: pd.DataFrame, config: Config) -> ReportTable:
    """Mean and standard deviation over cases.

    Of every dataset: the published values, all models and translators without a model, and the floors and the ceiling,
    which are of no model and stand once.

    `cases`: the case tables, which say where label maps come from.
    """
    data, cells = [], []
    for dataset in in_order(config, metrics["dataset"]):
        group = label_sources.marked_title(cases, config, dataset)
        for names, title, numbers, printed in _rows(metrics[metrics["dataset"] == dataset], dataset, config):
            data.append({"dataset": dataset} | names | numbers)
            cells.append({"group": group, "title": title} | printed)
    columns = [Column("title", "", align="left"), Column("n", "N")]
    columns += [Column(metric, label, heading) for metric, (label, heading, _) in METRICS.items()]
    return ReportTable(
        name="table3",
        title="Table 3. Synthetic image against the original of the same case",
        subtitle="Mean ± standard deviation over cases; images in [0, 1]",
        columns=columns,
        cells=pd.DataFrame(cells),
        data=pd.DataFrame(data),
        group="group",
        highlight=[i for i, row in enumerate(cells) if row["title"].startswith(ROWS[c.SYNTHETIC])],
        notes=(*NOTES, *label_sources.note(cases, config)),
    )


def _rows(own: pd.DataFrame, dataset: str, config: Config) -> Iterator[tuple[dict, str, dict, dict]]:
    """Names, title, numbers and printed cells of the rows of a dataset."""
    if not pd.isna(published_value(dataset, "ssim")[0]):
        names = {"model": "", "row": PUBLISHED}
        yield names, ROWS[PUBLISHED], _published_data(dataset), {"n": NOTHING} | _published_cells(dataset)
    for model in model_names(config, own["model"]):
        title = model_title(model)
        title = title[0].upper() + title[1:] if model in TRANSLATORS else f"{ROWS[c.SYNTHETIC]}, {title}"
        rows = own[(own["model"] == model) & (own["comparison"] == c.SYNTHETIC)]
        yield {"model": model, "row": c.SYNTHETIC}, title, _data(rows), {"n": str(len(rows))} | _cells(rows)
    alike = own.drop_duplicates(["case_id", "comparison"])
    for comparison in (name for name in ROWS if name not in (PUBLISHED, c.SYNTHETIC)):
        rows = alike[alike["comparison"] == comparison]
        yield {"model": "", "row": comparison}, ROWS[comparison], _data(rows), {"n": str(len(rows))} | _cells(rows)


def _data(rows: pd.DataFrame) -> dict[str, float]:
    values: dict[str, float] = {"n": len(rows)}
    for metric in (*METRICS, *IN_CSV_ONLY):
        known = rows[metric].dropna() if metric in rows else pd.Series(dtype=float)
        infinite = (known == float("inf")).any()
        values[f"{metric}_mean"] = known.mean()
        values[f"{metric}_sd"] = float("nan") if infinite or known.empty else known.std(ddof=0)
        values[f"{metric}_n"] = len(known)
    return values


def _cells(rows: pd.DataFrame) -> dict[str, str]:
    return {
        metric: mean_sd_of_known(rows[metric], digits) if metric in rows else NOTHING
        for metric, (_, _, digits) in METRICS.items()
    }


def _published_data(dataset: str) -> dict[str, float]:
    values = {}
    for metric, name in PUBLISHED_METRICS.items():
        values[f"{metric}_mean"], values[f"{metric}_sd"] = published_value(dataset, name)
    return values


def _published_cells(dataset: str) -> dict[str, str]:
    return {
        metric: format_mean_sd(*published_value(dataset, name), METRICS[metric][2])
        for metric, name in PUBLISHED_METRICS.items()
    }
