"""One description of a table, three files: CSV with plain numbers, HTML and LaTeX with formatted cells."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from echodiff.store.atomic import atomic_path

NOTHING = "-"
# Numbers with their intervals stay in one line; a table that is wider than its window can be moved.
STYLE = "<style>td.gt_right { white-space: nowrap; }</style>"
LATEX_PACKAGES = "% packages: booktabs, caption; with inputenc utf8 where the engine is pdflatex\n"


@dataclass(frozen=True)
class Column:
    """A column as printed: its key in the cells, its label, and the heading over it and its neighbours."""

    key: str
    label: str
    spanner: str = ""
    align: str = "right"


@dataclass(frozen=True)
class ReportTable:
    """A table of the report.

    cells: strings as printed, one column a `columns[i].key`. data: the plain numbers for the CSV file.
    group: key in `cells` whose value heads a block of rows. highlight: rows (positions) printed in bold.
    """

    name: str
    title: str
    subtitle: str
    columns: Sequence[Column]
    cells: pd.DataFrame
    data: pd.DataFrame
    notes: Sequence[str] = ()
    group: str | None = None
    highlight: Sequence[int] = field(default_factory=tuple)

    def write(self, stem: Path) -> None:
        """Write `<stem>.csv`, `<stem>.html` and `<stem>.tex`, each atomically."""
        with atomic_path(Path(f"{stem}.csv")) as temporary:
            self.data.to_csv(temporary, index=False, float_format="%.6g")
        self._write_text(Path(f"{stem}.html"), self._page())
        self._write_text(Path(f"{stem}.tex"), LATEX_PACKAGES + self._great_table(plain=True).as_latex())

    @staticmethod
    def _write_text(path: Path, text: str) -> None:
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def _page(self) -> str:
        """A page of its own, so that the file shows with the right encoding wherever it is opened."""
        body = self._great_table(plain=False).as_raw_html()
        head = f'<meta charset="utf-8"><title>{html.escape(self.title)}</title>{STYLE}'
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'

    def _great_table(self, *, plain: bool):
        """The table for great-tables; `plain` leaves out styles, which its LaTeX does not know."""
        from great_tables import GT, loc, style

        keys = [column.key for column in self.columns]
        cells = self.cells[[*([self.group] if self.group else []), *keys]].fillna(NOTHING)
        table = GT(cells, groupname_col=self.group, id=self.name).tab_header(self.title, self.subtitle)
        table = table.cols_label({column.key: column.label for column in self.columns})
        for spanner in dict.fromkeys(column.spanner for column in self.columns if column.spanner):
            under = [column.key for column in self.columns if column.spanner == spanner]
            table = table.tab_spanner(spanner, columns=under)
        for align in ("left", "right", "center"):
            chosen = [column.key for column in self.columns if column.align == align]
            table = table.cols_align(align, columns=chosen) if chosen else table
        for note in self.notes:
            table = table.tab_source_note(note)
        if plain:
            return table.tab_options(table_font_size="8pt")
        if self.highlight:
            table = table.tab_style(style.text(weight="bold"), loc.body(rows=list(self.highlight)))
        return table.opt_align_table_header("left").tab_options(
            table_font_size="13px",
            data_row_padding="4px",
            row_group_font_weight="bold",
            heading_title_font_size="16px",
            heading_subtitle_font_size="13px",
            source_notes_font_size="12px",
        )


def mean_sd(values: pd.Series, digits: int = 2) -> str:
    """`mean ± sd` of what is known, one value alone; `inf` where one is infinite, a dash where nothing is known."""
    known = values.dropna()
    if known.empty:
        return NOTHING
    if (known == float("inf")).any():
        return "inf"
    sd = float(known.std(ddof=0)) if len(known) > 1 else float("nan")
    return format_mean_sd(float(known.mean()), sd, digits)


def mean_sd_of_known(values: pd.Series, digits: int = 2) -> str:
    """`mean_sd`, with the number of known values where some are missing, as distances of what was not found are."""
    return with_known(mean_sd(values, digits), values)


def with_known(text: str, values: pd.Series) -> str:
    """`text`, with the number of known values where some are missing."""
    known = int(values.notna().sum())
    return text if known in (0, len(values)) else f"{text} (N {known})"


def means_and_sds(rows: pd.DataFrame, keys: Iterable[str]) -> dict[str, float]:
    """`<key>_mean` of every column, then `<key>_sd` (of the population), of what is known."""
    keys = tuple(keys)
    return {f"{key}_mean": rows[key].mean() for key in keys} | {f"{key}_sd": rows[key].std(ddof=0) for key in keys}


def format_mean_sd(mean: float, sd: float, digits: int = 2) -> str:
    """`mean ± sd`, the mean alone where there is no sd, a dash where there is no mean."""
    if pd.isna(mean):
        return NOTHING
    return f"{mean:z.{digits}f}" if pd.isna(sd) else f"{mean:z.{digits}f} ± {sd:.{digits}f}"


def format_interval(value: float, low: float, high: float, digits: int = 1) -> str:
    """`value [low, high]`, the value alone where there is no interval, a dash where there is no value."""
    if pd.isna(value):
        return NOTHING
    text = f"{value:z.{digits}f}"  # z: what rounds to zero has no sign
    return text if pd.isna(low) else f"{text} [{low:z.{digits}f}, {high:z.{digits}f}]"
