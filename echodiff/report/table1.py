"""Table 1: the datasets, as published and as they were read."""

from collections.abc import Mapping

import pandas as pd

from echodiff.config import Config
from echodiff.ingest.ed.titles import RULE_TITLES
from echodiff.report.inputs import dataset_title, in_order, with_scanners
from echodiff.report.published import published_dataset
from echodiff.report.table import NOTHING, Column, ReportTable, mean_sd

COLUMNS = (
    "case_id",
    "dataset",
    "patient",
    "status",
    "original_height",
    "original_width",
    "label_source",
    "scanner",
    "quality",
    "ef",
    "ed_rule",
    "ed_confidence",
)

LABEL_SOURCES: Mapping[str, str] = {
    "file": "in the files",
    "completed": "LV in the files, MYO and LA completed",
    "predicted": "predicted",
}

QUALITIES = ("Good", "Medium", "Poor")
SCANNERS_SHOWN = 3
UNBROKEN = "\u00a0±\u00a0"  # with spaces at which no line ends

PAPER, OURS = "Published", "This run"
PRINTED = (
    Column("title", "Dataset", align="left"),
    Column("stage", "Stage", align="left"),
    Column("published_scanner", "Scanner", PAPER, "left"),
    Column("published_labels", "Labels", PAPER, "left"),
    Column("published_original_size", "Original size", PAPER, "left"),
    Column("scanner", "Scanner", OURS, "left"),
    Column("labels", "Labels", OURS, "left"),
    Column("original_size", "Original size", OURS, "left"),
    Column("ed", "ED frame", OURS, "left"),
    Column("quality", "Image quality", OURS, "left"),
    Column("ef", "EF in %", OURS),
    Column("patients", "Patients", OURS),
    Column("found", "Cases found", OURS),
    Column("kept", "Kept", OURS),
    Column("rejected", "Rejected", OURS),
)


def table1(cases: pd.DataFrame, config: Config) -> ReportTable:
    """The datasets of the case tables `cases`, one row each, the published row beside ours."""
    names = in_order(config, cases["dataset"])
    cases = with_scanners(cases, config)
    data = pd.DataFrame([_row(cases[cases["dataset"] == name], name, config) for name in names])
    return ReportTable(
        name="table1",
        title="Table 1. Datasets",
        subtitle="End-diastolic apical four-chamber frames; original size is width x height in pixels",
        columns=PRINTED,
        cells=data.astype(str).assign(ef=data["ef"].str.replace(" ± ", UNBROKEN)),
        data=data.drop(columns="title"),
        notes=(
            "Kept: frames that later stages use. The table of kept and rejected cases gives the reasons for others.",
            "ED frame: how the end-diastolic frame was found, in how many cases, and the lowest confidence (0 to 1) of "
            "those that the files do not name. EF: ejection fraction, mean ± standard deviation, of cases with one.",
        ),
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
        "scanner": _scanners(kept["scanner"], phantom=config.datasets[dataset].phantom is not None),
        "labels": _labels(kept["label_source"]),
        "original_size": _size(kept),
        "ed": _ed(kept),
        "quality": _quality(kept["quality"]),
        "ef": _ef(kept["ef"]),
        "patients": int(kept["patient"].nunique()),
        "found": len(cases),
        "kept": len(kept),
        "rejected": int((cases["status"] == "rejected").sum()),
    }


def _scanners(values: pd.Series, *, phantom: bool) -> str:
    """The most frequent scanners."""
    names = _scanner_names(values)
    if phantom:
        return "phantom" if names == NOTHING else f"phantom of {names}"
    return names


def _scanner_names(values: pd.Series) -> str:
    counts = values.value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))
    rest = len(names) - SCANNERS_SHOWN
    return (", ".join(names[:SCANNERS_SHOWN]) + (f" and {rest} more" if rest > 0 else "")) or NOTHING


def _ed(kept: pd.DataFrame) -> str:
    """Rules with their numbers of cases, and the lowest confidence below 1."""
    rules = kept["ed_rule"].dropna().map(lambda rule: RULE_TITLES.get(rule, rule))
    lowest = kept["ed_confidence"].min()
    confidence = f"; confidence from {lowest:.2f}" if round(lowest, 2) < 1 else ""
    return f"{_counted(rules)}{confidence}" if len(rules) else NOTHING


def _quality(values: pd.Series) -> str:
    known = values[values.notna() & (values != "")].astype(str)
    if known.empty:
        return NOTHING
    names = [*(name for name in QUALITIES if name in set(known)), *sorted(set(known) - set(QUALITIES))]
    counts = [f"{name} ({(known == name).sum()})" for name in names]
    unknown = len(values) - len(known)
    return ", ".join(counts + ([f"unknown ({unknown})"] if unknown else []))


def _ef(values: pd.Series) -> str:
    known = int(values.notna().sum())
    if not known:
        return NOTHING
    return mean_sd(values, 0) + (f" (of {known})" if known < len(values) else "")


def _counted(values: pd.Series) -> str:
    """Values with how often each is there, where they differ."""
    counts = values.value_counts()
    if len(counts) == 1:
        return str(counts.index[0])
    return ", ".join(f"{name} ({count})" for name, count in counts.items())


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
