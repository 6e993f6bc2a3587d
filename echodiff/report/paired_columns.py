"""Columns and cells of paired tests, the same in every table that has some."""

import pandas as pd

from echodiff.report.table import NOTHING, Column

SIGNIFICANT = 0.05
COLUMNS = (
    Column("title", "", align="left"),
    Column("score", "Score", align="left"),
    Column("n", "Pairs"),
    Column("difference", "Median difference"),
    Column("effect", "Effect"),
    Column("p", "p"),
    Column("p_holm", "p, corrected"),
)


def paired_cells(table: pd.DataFrame) -> pd.DataFrame:
    """The printed cells of rows with `label` and `digits` of the score, n, difference, effect, p and p_holm."""
    differences = zip(table["difference"], table["digits"], strict=True)
    return pd.DataFrame(
        {
            "score": table["label"],
            "n": table["n"].astype(str),
            "difference": [NOTHING if pd.isna(value) else f"{value:+.{digits}f}" for value, digits in differences],
            "effect": [NOTHING if pd.isna(value) else f"{value:+.2f}" for value in table["effect"]],
            "p": table["p"].map(_format_p),
            "p_holm": table["p_holm"].map(_format_p),
        }
    )


def significant(table: pd.DataFrame) -> list[int]:
    """Positions of the rows whose corrected p is below 5 %."""
    return [i for i, p in enumerate(table["p_holm"]) if p < SIGNIFICANT]


def _format_p(p: float) -> str:
    if pd.isna(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
