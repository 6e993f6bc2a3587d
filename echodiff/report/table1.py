"""Table 1: the datasets, as published and as they were read."""

from collections.abc import Mapping

import pandas as pd

from echodiff.config import Config
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.published import published_dataset
from echodiff.report.table import NOTHING, Column, ReportTable

CASE_COLUMNS = (
    "case_id",
    "dataset",
    "patient",
    "status",
    "original_height",
    "original_width",
    "label_source",
)

LABEL_SOURCES: Mapping[str, str] = {
    "file": "in the files",
    "completed": "LV in the files, MYO and LA completed",
    "predicted": "predicted",
}

PAPER, OURS = "Published", "This run"
COLUMNS = (
    Column("title", "Dataset", align="left"),
    Column("stage", "Stage", align="left"),
    Column("published_scanner", "Scanner", PAPER, "left"),
    Column("published_labels", "Labels", PAPER, "left"),
    Column("published_original_size", "Original size", PAPER, "left"),
    Column("scanner", "Scanner", OURS, "left"),
    Column("labels", "Labels", OURS, "left"),
    Column("original_size", "Original size", OURS, "left"),
    Column("patients", "Patients", OURS),
    Column("found", "Cases found", OURS),
    Column("kept", "Kept", OURS),
    Column("rejected", "Rejected", OURS),
)


def table1(cases: pd.DataFrame, config: Config) -> ReportTable:
    """The datasets of the case tables `cases`, one row each, the published row beside ours."""
    names = in_order(config, cases["dataset"])
    data = pd.DataFrame([_row(cases[cases["dataset"] == name], name, config) for name in names])
    return ReportTable(
        name="table1",
        title="Table 1. Datasets",
        subtitle="End-diastolic apical four-chamber frames; original size is width x height in pixels",
        columns=COLUMNS,
        cells=data.astype(str),
        data=data.drop(columns="title"),
        notes=("Kept: frames that later stages use. The page of rejected cases gives the reasons of the rest.",),
    )


def _row(cases: pd.DataFrame, dataset: str, config: Config) -> dict:
    kept = cases[cases["status"] == "kept"]
    published = published_dataset(dataset)
    return {
        "dataset": dataset,
        "title": dataset_title(config, dataset),
        "stage": "training" if dataset == config.training_dataset else "translation",
        "published_scanner": published["scanner"],
        "published_labels": published["labels"],
        "published_original_size": published["original_size"],
        "scanner": config.datasets[dataset].scanner or _listed(kept.get("scanner")),
        "labels": _labels(kept["label_source"]),
        "original_size": _size(kept),
        "patients": int(kept["patient"].nunique()),
        "found": len(cases),
        "kept": len(kept),
        "rejected": int((cases["status"] == "rejected").sum()),
    }


def _listed(values: pd.Series | None) -> str:
    known = sorted(set(values.dropna().astype(str)) - {""}) if values is not None else []
    return ", ".join(known) or NOTHING


def _labels(sources: pd.Series) -> str:
    counts = sources.value_counts()
    texts = [LABEL_SOURCES.get(source, str(source)) for source in counts.index]
    if len(texts) < 2:
        return texts[0] if texts else NOTHING
    return "; ".join(f"{text} ({count})" for text, count in zip(texts, counts, strict=True))


def _size(kept: pd.DataFrame) -> str:
    pairs = zip(kept["original_width"], kept["original_height"], strict=True)
    sizes = sorted({(int(width), int(height)) for width, height in pairs})
    if not sizes:
        return NOTHING
    if len(sizes) == 1:
        return "{}x{}".format(*sizes[0])
    smallest, largest = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
    return "variable, {}x{} to {}x{}".format(*smallest, *largest)
