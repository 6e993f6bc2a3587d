"""A table of paired tests, corrected for their number."""

from collections.abc import Mapping, Sequence

import pandas as pd

from echodiff.evaluate.paired import holm
from echodiff.report.table import NOTHING, Column, ReportTable

SIGNIFICANT = 0.05
PATIENTS = "Pairs: patients. Of several images of one the mean difference counts; patients with a common frame are one."
COLUMNS = (
    Column("title", "", align="left"),
    Column("score", "Score", align="left"),
    Column("n", "Pairs"),
    Column("difference", "Median difference"),
    Column("effect", "Effect"),
    Column("p", "p"),
    Column("p_holm", "p, corrected"),
)


def paired_table(rows: Sequence[Mapping], *, name: str, title: str, subtitle: str, notes: Sequence[str]) -> ReportTable:
    """The table of tests, corrected for their number after Holm; bold where the corrected p is below 5 %.

    Args:
        rows: a test each: group, title, label and digits of the score for the printed cells, n, difference, effect
            and p of `PairedTest`, and what else is to stand in the CSV file.
    """
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"])
    return ReportTable(
        name=name,
        title=title,
        subtitle=subtitle,
        columns=COLUMNS,
        cells=_cells(table),
        data=table.drop(columns=["group", "title", "label", "digits"]),
        group="group",
        highlight=[i for i, p in enumerate(table["p_holm"]) if p < SIGNIFICANT],
        notes=notes,
    )


def _cells(table: pd.DataFrame) -> pd.DataFrame:
    differences = zip(table["difference"], table["digits"], strict=True)
    return pd.DataFrame(
        {
            "group": table["group"],
            "title": table["title"],
            "score": table["label"],
            "n": table["n"].astype(str),
            "difference": [NOTHING if pd.isna(value) else f"{value:+.{digits}f}" for value, digits in differences],
            "effect": [NOTHING if pd.isna(value) else f"{value:+.2f}" for value in table["effect"]],
            "p": table["p"].map(_format_p),
            "p_holm": table["p_holm"].map(_format_p),
        }
    )


def _format_p(p: float) -> str:
    if pd.isna(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
