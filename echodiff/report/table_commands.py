"""`echodiff report TABLE ...`: one table from explicit files.

What reads and computes is imported when a command runs: the names of the commands and their help do not wait for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import typer
from typer.models import ArgumentInfo

from echodiff.config import load_config
from echodiff.report.arguments import (
    AllMetrics,
    CaseTables,
    ConfigFiles,
    LabelSources,
    Metrics,
    ScoreFiles,
    Stem,
)

app = typer.Typer()


@dataclass(frozen=True)
class Table:
    """A table that is made of tables of one or of several kinds.

    Its module in `echodiff.report` has the table's name unless `module` is given. There `COLUMNS` are the columns that
    are read, and the function of the table's name makes a `ReportTable` of the rows (and, with `cases`, the case
    tables) and the configuration. Where `COLUMNS` has those of several kinds (`inputs.KINDS`), the files are told apart
    by their columns, and the function takes the rows of each kind by its name.
    """

    help: str
    files: ArgumentInfo = Metrics
    cases: bool = False  # also takes --cases, for tables that count patients or mark label maps of no file
    module: str = ""


TABLES = {
    "table1": Table("The datasets, published and as they were read.", files=CaseTables),
    "rejects": Table("Kept and rejected cases by reason.", files=CaseTables),
    "privacy": Table(
        "Which kinds of identity the files held, and what was blanked: counts, never a value.", files=CaseTables
    ),
    "table3": Table("Pixel metrics, published, legacy and correct, with floors and ceilings.", cases=True),
    "distribution": Table("Precision, recall, density and coverage."),
    "distances": Table("Distances from training and held-out images, in the full and in the polar frame."),
    "memory": Table("Flagged images and whether each synthetic dataset is fit for release.", cases=True),
    "audit": Table(
        "Unrelated patients by the published and by the correct PSNR; takes the tables of `evaluate pixel`."
    ),
    "physics": Table("Ultrasound physics of training images, sources and translations.", cases=True),
    "diversity": Table("How much samples of one guide differ, beside real patients."),
    "fidelity": Table(
        "Dice, border distances and clinical measures of segmented images against their guides.", cases=True
    ),
    "extreme": Table("Images drawn from guides of extreme shape.", cases=True),
    "use": Table("Segmenters that learned from real images, synthetic images or both.", cases=True),
    "use_tests": Table(
        "Paired tests of segmenters that learned from synthetic images against those that did not.",
        cases=True,
        module="use",
    ),
    "ablation": Table("All models of the configuration side by side.", files=AllMetrics, cases=True),
    "subgroups": Table(
        "Scores of synthetic images by quality, scanner and ejection fraction.", files=ScoreFiles, cases=True
    ),
    "paired_tests": Table("Each model against one of them, case by case.", files=ScoreFiles, cases=True),
}


def write_table(name: str, config: Sequence[Path], files: Sequence[Path], cases: Sequence[Path], output: Path) -> None:
    """Write the table `name` of `TABLES`; `cases` only where it takes them."""
    from echodiff.report.inputs import read_kinds, read_tables
    from echodiff.report.label_sources import read_case_tables

    module = import_module(f"echodiff.report.{TABLES[name].module or name}")
    others = [read_case_tables(cases)] if TABLES[name].cases else []
    rows = (read_kinds if isinstance(module.COLUMNS, Mapping) else read_tables)(files, module.COLUMNS)
    getattr(module, name)(rows, *others, load_config(config)).write(output)


def command_of(name: str) -> Callable[..., None]:
    """The command of a table of `TABLES`, whose signature is the command line."""
    table = TABLES[name]

    def with_cases(
        config: list[Path] = ConfigFiles,
        files: list[Path] = table.files,
        cases: list[Path] = LabelSources,
        output: Path = Stem,
    ) -> None:
        write_table(name, config, files, cases, output)

    def without_cases(config: list[Path] = ConfigFiles, files: list[Path] = table.files, output: Path = Stem) -> None:
        write_table(name, config, files, [], output)

    return with_cases if table.cases else without_cases


for table_name, entry in TABLES.items():
    app.command(table_name.replace("_", "-"), help=entry.help)(command_of(table_name))


@app.command()
def table2(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """Frechet distance before and after translation."""
    from echodiff.report import table2 as module
    from echodiff.report.inputs import read_tables

    table = module.table2(read_tables(metrics, module.COLUMNS), load_config(config))
    table.write(output)
    for row in table.data.itertuples():
        print(f"{row.model}, {row.dataset}: {row.metric} {row.before:.1f} -> {row.after:.1f}, {row.outcome}")


@app.command()
def models(
    config: list[Path] = ConfigFiles,
    folders: list[Path] = typer.Argument(
        ..., metavar="FOLDERS...", help="Of each model the folder of generator.pt and history.parquet."
    ),
    output: Path = Stem,
) -> None:
    """The models, what they learned from and what their training took."""
    from echodiff.report import models as module

    module.models([module.read_trained(folder) for folder in folders], load_config(config)).write(output)
