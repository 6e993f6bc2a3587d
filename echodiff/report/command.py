"""`echodiff report ...`: one table or figure from explicit files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from echodiff.config import Config, load_config

if TYPE_CHECKING:
    import pandas as pd

    from echodiff.report.figures import Pair
    from echodiff.report.sheet import Row
    from echodiff.report.table import ReportTable

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Tables and figures.",
)

ConfigFiles = typer.Option(
    ..., "--config", help="Configuration file; may be repeated, later files override earlier ones."
)
Stem = typer.Option(..., "--output", help="Path without ending; .csv, .html and .tex are written.")
Picture = typer.Option(..., "--output", help="PNG.")
CaseTables = typer.Argument(..., metavar="CASES...", help="Case tables, cases.parquet, of the datasets.")
Metrics = typer.Argument(..., metavar="METRICS...", help="Tables of the metric, of all datasets and models.")
LabelSources = typer.Option(..., "--cases", help="Case table, cases.parquet, of each dataset; repeat for each.")
ScoreFiles = typer.Argument(
    ..., metavar="METRICS...", help="Tables of pixel metrics, and of mask fidelity (fidelity.parquet) where there are."
)
Inputs = typer.Argument(
    ...,
    metavar="FILES...",
    help="Datasets (images.h5), their translations by one model, and for figures 3 and 4 the pixel metrics; "
    "in any order.",
)


def _table(
    build: "Callable[..., ReportTable]",
    config: Sequence[Path],
    files: Sequence[Path],
    columns: Sequence[str],
    output: Path,
    *others: "pd.DataFrame",
) -> "ReportTable":
    """Write the table that `build` makes of the tables in `files`, of `others` and of the configuration."""
    from echodiff.report.inputs import read_tables

    table = build(read_tables(files, columns), *others, load_config(config))
    table.write(output)
    return table


@app.command()
def table1(config: list[Path] = ConfigFiles, cases: list[Path] = CaseTables, output: Path = Stem) -> None:
    """The datasets, published and as they were read."""
    from echodiff.report import table1 as table

    _table(table.table1, config, cases, table.CASE_COLUMNS, output)


@app.command()
def rejects(config: list[Path] = ConfigFiles, cases: list[Path] = CaseTables, output: Path = Stem) -> None:
    """Kept and rejected cases by reason."""
    from echodiff.report import rejects as table

    _table(table.rejects, config, cases, table.COLUMNS, output)


@app.command()
def privacy(config: list[Path] = ConfigFiles, cases: list[Path] = CaseTables, output: Path = Stem) -> None:
    """Which kinds of identity the files held, and what was blanked: counts, never a value."""
    from echodiff.report import privacy as table

    _table(table.privacy, config, cases, table.COLUMNS, output)


@app.command()
def kept(
    config: list[Path] = ConfigFiles,
    files: list[Path] = typer.Argument(..., metavar="FILES...", help="Datasets (images.h5) and their case tables."),
    output: Path = typer.Option(..., "--output", help="Folder for kept_<dataset>.png."),
) -> None:
    """Contact sheets of the kept cases with the outlines of their labels, the oddest first."""
    from echodiff.report.inputs import dataset_title, read_tables
    from echodiff.report.kept import CASE_COLUMNS, draw_kept
    from echodiff.store.image_set import read_image_set

    options = load_config(config)
    tables, sets = _parted(files)
    cases = read_tables(tables, CASE_COLUMNS)
    for path in sets:
        images = read_image_set(path)
        name = images.attributes["dataset"]
        own = cases[cases["dataset"] == name]
        title, report = dataset_title(options, name), options.report
        draw_kept(output / f"kept_{name}.png", images, own, title=title, most=report.kept_cases, dpi=report.dpi)


@app.command()
def models(
    config: list[Path] = ConfigFiles,
    folders: list[Path] = typer.Argument(
        ..., metavar="FOLDERS...", help="Of each model the folder of generator.pt and history.parquet."
    ),
    output: Path = Stem,
) -> None:
    """The models, what they learned from and what their training took."""
    from echodiff.report import models as table

    table.models([table.read_trained(folder) for folder in folders], load_config(config)).write(output)


@app.command()
def table2(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """Frechet distance before and after translation."""
    from echodiff.report import table2 as table

    made = _table(table.table2, config, metrics, table.COLUMNS, output)
    for row in made.data.itertuples():
        print(f"{row.model}, {row.dataset}: {row.metric} {row.before:.1f} -> {row.after:.1f}, {row.outcome}")


@app.command()
def table3(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Pixel metrics, published, legacy and correct, with floors and ceilings."""
    from echodiff.report import table3 as table

    _table(table.table3, config, metrics, (*table.KEYS, *table.METRICS), output, _case_tables(cases))


@app.command()
def distribution(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """Precision, recall, density and coverage."""
    from echodiff.report import distribution as table

    _table(table.distribution, config, metrics, table.COLUMNS, output)


@app.command()
def distances(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """Distances from training and held-out images, in the full and in the polar frame."""
    from echodiff.report import distances as table

    _table(table.distances, config, metrics, table.COLUMNS, output)


@app.command()
def memory(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Flagged images and whether each synthetic dataset is fit for release."""
    from echodiff.report import memory as table

    _table(table.memory, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def memory_gallery(
    config: list[Path] = ConfigFiles,
    files: list[Path] = Inputs,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """The ten synthetic images of one model that lie closest to a training image, beside it."""
    from echodiff.report import label_sources
    from echodiff.report.inputs import drawn_by, read_tables
    from echodiff.report.memory import COLUMNS, gallery
    from echodiff.report.sheet import draw_sheet
    from echodiff.store.image_set import read_image_set

    options = load_config(config)
    tables, image_sets = _parted(files)
    rows, sets = read_tables(tables, COLUMNS), [read_image_set(path) for path in image_sets]
    (reference,) = [s for s in sets if s.attributes["kind"] == "dataset"]
    synthetic = [s for s in sets if s.attributes["kind"] == "translation"]
    sources = _case_tables(cases)
    sheet = gallery(rows, reference, synthetic, sources, options)
    columns, title = ("Synthetic", "Nearest training"), drawn_by(s.attributes["model"] for s in synthetic)
    notes = label_sources.note(sources, options)
    draw_sheet(output, sheet, columns=columns, title=title, notes=notes, dpi=options.report.dpi)


@app.command()
def audit(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """Unrelated patients by the published and by the correct PSNR; takes the tables of `evaluate pixel`."""
    from echodiff.report import audit as table

    _table(table.audit, config, metrics, table.COLUMNS, output)


@app.command()
def physics(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Ultrasound physics of training images, sources and translations."""
    from echodiff.report import physics as table

    _table(table.physics, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def depth_gain(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Picture) -> None:
    """Gray over depth of training images, sources and translations."""
    from echodiff.report import physics as table
    from echodiff.report.inputs import read_tables

    table.draw_depth_gain(output, read_tables(metrics, table.COLUMNS), load_config(config))


@app.command()
def diversity(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Stem) -> None:
    """How much samples of one guide differ, beside real patients."""
    from echodiff.report import diversity as table

    _table(table.diversity, config, metrics, table.COLUMNS, output)


@app.command()
def diversity_sheet(
    config: list[Path] = ConfigFiles,
    synthetic: Path = typer.Argument(..., help="Translation with several samples a guide."),
    output: Path = Picture,
) -> None:
    """Samples of a few guides side by side, with the deviation of each pixel."""
    from echodiff.report.diversity import diversity_sheet as sheet_of
    from echodiff.report.inputs import dataset_title, drawn_by
    from echodiff.report.sheet import draw_sheet
    from echodiff.store.image_set import read_image_set

    options, samples = load_config(config), read_image_set(synthetic)
    rows, columns = sheet_of(samples)
    title = drawn_by([samples.attributes["model"]], dataset_title(options, samples.attributes["dataset"]))
    draw_sheet(output, rows, columns=columns, title=title, dpi=options.report.dpi)


@app.command()
def fidelity(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Dice, border distances and clinical measures of segmented images against their guides."""
    from echodiff.report import fidelity as table

    _table(table.fidelity, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def subgroups(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = ScoreFiles,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Scores of synthetic images by quality, scanner and ejection fraction."""
    from echodiff.report.subgroups import subgroups as table_of

    table_of(*_scores(metrics), _case_tables(cases), load_config(config)).write(output)


@app.command()
def paired_tests(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = ScoreFiles,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Each model against one of them, case by case."""
    from echodiff.report.paired_tests import paired_tests as table_of

    table_of(*_scores(metrics), _case_tables(cases), load_config(config)).write(output)


@app.command()
def ablation(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = typer.Argument(..., help="Tables of every metric, of all datasets and models."),
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """All models of the configuration side by side."""
    from echodiff.report.ablation import ablation as table_of
    from echodiff.report.ablation import tables_by_kind
    from echodiff.store.table import read_table

    tables = tables_by_kind([read_table(path) for path in metrics])
    table_of(tables, _case_tables(cases), load_config(config)).write(output)


@app.command()
def extreme(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Images drawn from guides of extreme shape."""
    from echodiff.report import extreme as table

    _table(table.extreme, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def extreme_sheet(
    config: list[Path] = ConfigFiles,
    synthetic: list[Path] = typer.Argument(..., help="Image set of `evaluate extreme`, of each model."),
    output: Path = Picture,
) -> None:
    """Guides of extreme shape beside what each model draws from them."""
    from echodiff.report.extreme import extreme_sheet as sheet_of
    from echodiff.report.inputs import dataset_title
    from echodiff.report.sheet import draw_sheet
    from echodiff.store.image_set import read_image_set

    options = load_config(config)
    rows, columns, groups = sheet_of([read_image_set(path) for path in synthetic], options)
    title = f"Label maps of {dataset_title(options, options.training_dataset)}"
    draw_sheet(output, rows, columns=columns, groups=groups, title=title, dpi=options.report.dpi)


@app.command()
def use(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Segmenters that learned from real images, synthetic images or both."""
    from echodiff.report import use as table

    _table(table.use, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def use_tests(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Stem,
) -> None:
    """Paired tests of segmenters that learned from synthetic images against those that did not."""
    from echodiff.report import use as table

    _table(table.use_tests, config, metrics, table.COLUMNS, output, _case_tables(cases))


@app.command()
def use_plot(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """Dice on held-out real patients against the share of real patients that was learned from."""
    from echodiff.report.inputs import read_tables
    from echodiff.report.use import COLUMNS
    from echodiff.report.use_plot import draw_use

    draw_use(output, read_tables(metrics, COLUMNS), _case_tables(cases), load_config(config))


def _case_tables(files: Sequence[Path]) -> "pd.DataFrame":
    """The case tables, which say whose images they are and where label maps come from."""
    from echodiff.report.inputs import read_tables
    from echodiff.report.label_sources import COLUMNS

    return read_tables(files, COLUMNS)


def _scores(files: Sequence[Path]) -> "tuple[pd.DataFrame, pd.DataFrame | None]":
    """Pixel metrics, and where there are some the tables of mask fidelity."""
    from echodiff.report.inputs import read_tables
    from echodiff.report.scores import FIDELITY_COLUMNS, PIXEL_COLUMNS

    fidelity = [path for path in files if path.stem == "fidelity"]
    pixel = [path for path in files if path not in fidelity]
    return read_tables(pixel, PIXEL_COLUMNS), read_tables(fidelity, FIDELITY_COLUMNS) if fidelity else None


@app.command()
def bland_altman(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """Clinical measures of the headline model's segmented images against their guides."""
    from echodiff.report.bland_altman import draw_bland_altman
    from echodiff.report.fidelity import COLUMNS
    from echodiff.report.inputs import read_tables

    options = load_config(config)
    rows, model = read_tables(metrics, COLUMNS), options.headline_model
    draw_bland_altman(output, rows, _case_tables(cases), options, model=model)


@app.command()
def figure2(
    config: list[Path] = ConfigFiles,
    files: list[Path] = Inputs,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """Guide, real and synthetic image of validation cases of the training dataset."""
    from echodiff.report.figures import figure2 as rows_of

    options = load_config(config)
    (pair,) = pairs = _pairs(options, files, [options.training_dataset], cases)
    rows = rows_of(pair, cases=options.report.validation_cases)
    _draw_pairs(output, rows, options, pairs, cases, columns=("Guide", "Real", "Synthetic"), dataset=pair.title)


@app.command()
def figure3(
    config: list[Path] = ConfigFiles,
    files: list[Path] = Inputs,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """The best synthetic image of every dataset with its guide."""
    from echodiff.report.figures import figure3 as rows_of

    options = load_config(config)
    pairs = _pairs(options, files, options.source_datasets, cases)
    _draw_pairs(output, rows_of(pairs), options, pairs, cases, columns=("Guide", "Best synthetic"))


@app.command()
def figure4(
    config: list[Path] = ConfigFiles,
    files: list[Path] = Inputs,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """Worst, median and best synthetic image of every dataset by PSNR."""
    from echodiff.report.figures import figure4 as rows_of

    options = load_config(config)
    pairs = _pairs(options, files, options.source_datasets, cases)
    columns, groups = ("Guide", "Original", "Synthetic") * 3, (("Worst", 3), ("Median", 3), ("Best", 3))
    _draw_pairs(output, rows_of(pairs), options, pairs, cases, columns=columns, groups=groups)


def _draw_pairs(
    output: Path,
    rows: "Sequence[Row]",
    config: Config,
    pairs: "Sequence[Pair]",
    cases: Sequence[Path],
    *,
    columns: Sequence[str],
    groups: Sequence[tuple[str, int]] = (),
    dataset: str = "",
) -> None:
    """Write a sheet that names the model, and the dataset where it shows one; label maps of no file have their note."""
    from echodiff.report import label_sources
    from echodiff.report.inputs import drawn_by
    from echodiff.report.sheet import draw_sheet

    title = drawn_by((pair.synthetic.attributes["model"] for pair in pairs), dataset)
    shown = [pair.original.attributes["dataset"] for pair in pairs]
    table = _case_tables(cases)
    notes = label_sources.note(table[table["dataset"].isin(shown)], config)
    draw_sheet(output, rows, columns=columns, groups=groups, title=title, notes=notes, dpi=config.report.dpi)


def _parted(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tables (Parquet) and image sets."""
    tables = [path for path in files if path.suffix == ".parquet"]
    return tables, [path for path in files if path not in tables]


def _pairs(config: Config, files: Sequence[Path], datasets: Sequence[str], cases: Sequence[Path]) -> "list[Pair]":
    """Original, translation and metrics of `datasets`, marked where label maps are of no file; others are left."""
    from echodiff.report import label_sources
    from echodiff.report.figures import PIXEL_COLUMNS, pairs_of
    from echodiff.report.inputs import read_tables
    from echodiff.store.image_set import read_image_set

    tables, image_sets = _parted(files)
    metrics = read_tables(tables, PIXEL_COLUMNS) if tables else None
    sets = [read_image_set(path) for path in image_sets]
    sources = _case_tables(cases)
    titles = {name: label_sources.marked_title(sources, config, name) for name in datasets}
    return pairs_of(sets, metrics, datasets=datasets, titles=titles)
