"""The page of rejected cases: how many cases each dataset lost, and why."""

import pandas as pd

from echodiff.config import Config
from echodiff.report.inputs import dataset_title, in_order
from echodiff.report.table import Column, ReportTable

COLUMNS = ("case_id", "dataset", "status", "reason")
EXAMPLES = 3


def rejects(cases: pd.DataFrame, config: Config) -> ReportTable:
    """Kept and rejected cases of every dataset, the rejected ones by reason with up to three of their ids."""
    rows = []
    for dataset in in_order(config, cases["dataset"]):
        own = cases[cases["dataset"] == dataset]
        kept = own[own["status"] == "kept"]
        rows.append(_row(dataset, "kept", "", kept, len(own)))
        dropped = own[own["status"] != "kept"]
        for reason, group in sorted(dropped.groupby("reason"), key=lambda item: -len(item[1])):
            rows.append(_row(dataset, "rejected", str(reason), group, len(own)))
    data = pd.DataFrame(rows)
    cells = data.astype(str)
    cells["group"] = [dataset_title(config, dataset) for dataset in data["dataset"]]
    cells["share"] = [f"{100 * share:.1f} %" for share in data["share"]]
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
        subtitle="Every case that was found is counted once",
        columns=columns,
        cells=cells,
        data=data,
        group="group",
    )


def _row(dataset: str, status: str, reason: str, cases: pd.DataFrame, found: int) -> dict:
    examples = sorted(cases["case_id"])[:EXAMPLES] if status != "kept" else []
    return {
        "dataset": dataset,
        "status": status,
        "reason": reason,
        "cases": len(cases),
        "share": len(cases) / found,
        "examples": ", ".join(examples),
    }
