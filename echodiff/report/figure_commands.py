"""`echodiff report FIGURE ...`: one figure from explicit files.

What reads and draws is imported when a command runs: the names of the commands and their help do not wait for it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from echodiff.config import Config, load_config
from echodiff.report.arguments import ConfigFiles, LabelSources, Metrics, Picture

if TYPE_CHECKING:
    from echodiff.report.figures import Pair
    from echodiff.report.sheet import Row

app = typer.Typer()

Inputs = typer.Argument(
    ...,
    metavar="FILES...",
    help="Datasets (images.h5), their translations by one model, and for figures 3 and 4 the pixel metrics; "
    "in any order.",
)


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


def _pairs(config: Config, files: Sequence[Path], datasets: Sequence[str], cases: Sequence[Path]) -> "list[Pair]":
    """Original, translation and metrics of `datasets`, marked where label maps are of no file; others are left."""
    from echodiff.report import label_sources
    from echodiff.report.figures import PIXEL_COLUMNS, pairs_of
    from echodiff.report.inputs import read_tables
    from echodiff.store.image_set import read_image_set

    tables, image_sets = _parted(files)
    metrics = read_tables(tables, PIXEL_COLUMNS) if tables else None
    sets = [read_image_set(path) for path in image_sets]
    sources = label_sources.read_case_tables(cases)
    titles = {name: label_sources.marked_title(sources, config, name) for name in datasets}
    return pairs_of(sets, metrics, datasets=datasets, titles=titles)


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
    table = label_sources.read_case_tables(cases)
    notes = label_sources.note(table[table["dataset"].isin(shown)], config)
    draw_sheet(output, rows, columns=columns, groups=groups, title=title, notes=notes, dpi=config.report.dpi)


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
def memory_gallery(
    config: list[Path] = ConfigFiles,
    files: list[Path] = Inputs,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """The ten synthetic images of one model that lie closest to a training image, beside it."""
    from echodiff.report import label_sources
    from echodiff.report.inputs import drawn_by, read_tables
    from echodiff.report.memory import COLUMNS, GALLERY_COLUMNS, GALLERY_GROUPS, gallery
    from echodiff.report.sheet import draw_sheet
    from echodiff.store.image_set import read_image_set

    options = load_config(config)
    tables, image_sets = _parted(files)
    rows, sets = read_tables(tables, COLUMNS), [read_image_set(path) for path in image_sets]
    (reference,) = [s for s in sets if s.attributes["kind"] == "dataset"]
    synthetic = [s for s in sets if s.attributes["kind"] == "translation"]
    sources = label_sources.read_case_tables(cases)
    sheet = gallery(rows, reference, synthetic, sources, options)
    title, notes = drawn_by(s.attributes["model"] for s in synthetic), label_sources.note(sources, options)
    layout = {"columns": GALLERY_COLUMNS, "groups": GALLERY_GROUPS}
    draw_sheet(output, sheet, **layout, title=title, notes=notes, dpi=options.report.dpi)


@app.command()
def depth_gain(config: list[Path] = ConfigFiles, metrics: list[Path] = Metrics, output: Path = Picture) -> None:
    """Gray over depth of training images, sources and translations."""
    from echodiff.report import physics as table
    from echodiff.report.inputs import read_tables

    table.draw_depth_gain(output, read_tables(metrics, table.COLUMNS), load_config(config))


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
    from echodiff.report.label_sources import read_case_tables

    options = load_config(config)
    rows, model = read_tables(metrics, COLUMNS), options.headline_model
    draw_bland_altman(output, rows, read_case_tables(cases), options, model=model)


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
def use_plot(
    config: list[Path] = ConfigFiles,
    metrics: list[Path] = Metrics,
    cases: list[Path] = LabelSources,
    output: Path = Picture,
) -> None:
    """Dice on held-out real patients against the share of real patients that was learned from."""
    from echodiff.report.inputs import read_tables
    from echodiff.report.label_sources import read_case_tables
    from echodiff.report.use import COLUMNS
    from echodiff.report.use_plot import draw_use

    draw_use(output, read_tables(metrics, COLUMNS), read_case_tables(cases), load_config(config))


def _parted(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Tables (Parquet) and image sets."""
    tables = [path for path in files if path.suffix == ".parquet"]
    return tables, [path for path in files if path not in tables]
