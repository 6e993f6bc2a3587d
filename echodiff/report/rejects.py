"""The page of rejected cases: how many cases each dataset lost, and why."""

import pandas as pd

from echodiff.config import Config
from echodiff.ingest.case_table.reasons import by_kind, kind
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.table import Column, ReportTable

COLUMNS = ("case_id", "dataset", "status", "reason")
EXAMPLES = 3


def rejects(cases: pd.DataFrame, config: Config) -> ReportTable:
    """Kept and rejected cases of every dataset, the rejected ones by kind of reason with up to three of their ids.

    Reasons that differ in numbers and names alone are one kind; the sentence that most of them have stands for it.
    """
    rows = []
    for dataset in in_order(config, cases["dataset"]):
        own = cases[cases["dataset"] == dataset]
        kept = own["status"] == "kept"
        rows.append(_row(dataset, "kept", own[kept], len(own)))
        dropped = own[~kept]
        reasons = dropped["reason"].fillna("no reason given").astype(str)
        for name, found in by_kind(reasons).items():
            group = dropped[reasons.map(kind) == name]
            rows.append(_row(dataset, "rejected", group, len(own), found.example, found.sentences))
    data = pd.DataFrame(rows)
    cells = data.astype(str)
    cells["group"] = [dataset_title(config, dataset) for dataset in data["dataset"]]
    cells["share"] = [f"{100 * share:.1f} %" for share in data["share"]]
    cells["reason"] = [_reason(row.reason, row.sentences) for row in data.itertuples()]
    columns = (
        Column("status", "Status", align="left"),
        Column("reason", "Reason", align="left"),
        Column("cases", "Cases"),
        Column("share", "Share"),
        Column("examples", "For example", align="left"),
    )
    return ReportTable(
        name="rejects",
        title="Kept and rejected cases",
        subtitle="Every case that was found is counted once; reasons that differ in numbers alone are counted together",
        columns=columns,
        cells=cells,
        data=data,
        group="group",
    )


def _row(dataset: str, status: str, cases: pd.DataFrame, found: int, reason: str = "", sentences: int = 0) -> dict:
    examples = sorted(cases["case_id"])[:EXAMPLES] if status != "kept" else []
    return {
        "dataset": dataset,
        "status": status,
        "reason": reason,
        "sentences": sentences,
        "cases": len(cases),
        "share": len(cases) / found,
        "examples": ", ".join(examples),
    }


def _reason(example: str, sentences: int) -> str:
    return f"{example} (and {sentences - 1} like it, with other numbers)" if sentences > 1 else example
