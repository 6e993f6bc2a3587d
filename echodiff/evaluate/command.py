"""`echodiff evaluate ...`: features and metrics, each from explicit files to one file."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from echodiff.config import load_config
from echodiff.devices.cpu import prepare_cpu

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Metrics of synthetic images.",
)

ConfigFiles = typer.Option(
    ..., "--config", help="Configuration file; may be repeated, later files override earlier ones."
)


@app.command()
def extractor(
    config: list[Path] = ConfigFiles,
    output: Path = typer.Option(..., help="JSON file that says which extractor and weights the run uses."),
) -> None:
    """Choose the feature extractor, once for all datasets and models of a run."""
    from echodiff.evaluate.extractors import choose_extractor
    from echodiff.evaluate.names import TITLES

    choice = choose_extractor(load_config(config).evaluate)
    choice.write(output)
    print(
        f"features: {TITLES[choice.extractor]} ({choice.reason}); "
        f"the Frechet distance of this run is named {choice.frechet_name}",
        file=sys.stderr,
    )


@app.command()
def features(
    config: list[Path] = ConfigFiles,
    extractor: Path = typer.Option(..., help="The choice written by `evaluate extractor`."),
    images: list[Path] = typer.Option(..., help="Image set, a dataset or a translation; may be repeated."),
    output: list[Path] = typer.Option(..., help="Its features, HDF5; as often and in the order of --images."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N."),
    threads: int = typer.Option(0, help="Threads on a CPU; 0: as many as this process may use."),
) -> None:
    """Compute the features of image sets, for every metric that follows."""
    prepare_cpu()
    from echodiff.errors import InputError
    from echodiff.evaluate.extractors import ExtractorChoice, load_extractor
    from echodiff.evaluate.features import Extraction, feature_set, write_features
    from echodiff.store.image_set import read_image_set

    pairs = _in_step(images=images, output=output)
    options = load_config(config).evaluate
    choice = ExtractorChoice.read(extractor)
    device = _place(device, threads=0)
    extraction = Extraction(
        load_extractor(choice, device), options.batch_size, device, threads or len(os.sched_getaffinity(0))
    )
    for source, target in pairs:
        content = read_image_set(source)
        if not len(content):
            raise InputError(f"{source}: expected images, found none; see the rejects of its case table")
        write_features(feature_set(content, choice, extraction, polar=options.polar), target)


@app.command()
def frechet(
    config: list[Path] = ConfigFiles,
    reference_features: Path = typer.Option(..., help="Features of the training dataset."),
    split: Path = typer.Option(..., help="Split of the training dataset."),
    original_features: list[Path] = typer.Option(
        ..., help="Features of a dataset that was translated; repeat for each."
    ),
    cases: list[Path] = typer.Option(..., help="Its case table: intervals draw patients; in the same order."),
    synthetic_features: list[Path] = typer.Option(..., help="Features of its translation; in the same order."),
    output: list[Path] = typer.Option(..., help="Parquet, one row a metric and set of images; in the same order."),
) -> None:
    """Distances of distributions from the training images before and after translation, with floors."""
    from echodiff.evaluate.features import read_features
    from echodiff.evaluate.frechet_table import Options, frechet_table
    from echodiff.evaluate.patients import CASE_COLUMNS
    from echodiff.split.files import read_split
    from echodiff.store.table import read_table, write_table

    sets = _in_step(
        original_features=original_features, cases=cases, synthetic_features=synthetic_features, output=output
    )
    options = load_config(config).evaluate
    reference, divided = read_features(reference_features), read_split(split)
    for before, rows, after, target in sets:
        synthetic = read_features(after)
        table = frechet_table(
            reference=reference,
            split=divided,
            original=read_features(before),
            cases=read_table(rows, CASE_COLUMNS),
            synthetic=synthetic,
            model=str(synthetic.attributes["model"]),
            options=Options(draws=options.draws, seed=options.seed, neighbours=options.neighbours),
        )
        write_table(table, target)


@app.command()
def pixel(
    config: list[Path] = ConfigFiles,
    original: list[Path] = typer.Option(..., help="Image set of a dataset; repeat for each."),
    cases: list[Path] = typer.Option(..., help="Its case table: patients and subgroups; in the same order."),
    synthetic: list[Path] = typer.Option(..., help="Its translation; in the same order."),
    output: list[Path] = typer.Option(..., help="Parquet, one row a case and comparison; in the same order."),
) -> None:
    """MSE, PSNR, SSIM of every case, correct and legacy, beside their floors and ceilings."""
    from echodiff.evaluate.patients import CASE_COLUMNS
    from echodiff.evaluate.pixel_table import pixel_table
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import read_table, write_table

    sets = _in_step(original=original, cases=cases, synthetic=synthetic, output=output)
    seed = load_config(config).evaluate.seed
    for real, rows, drawn, target in sets:
        translation = read_image_set(drawn)
        table = pixel_table(
            read_image_set(real),
            translation,
            read_table(rows, CASE_COLUMNS),
            model=str(translation.attributes["model"]),
            seed=seed,
        )
        write_table(table, target)


@app.command()
def trivial(
    config: list[Path] = ConfigFiles,
    translator: list[str] = typer.Option(
        [], help="resector, resector_histogram, nearest_mask or label_paint; may be given again; else all of them."
    ),
    reference: Path = typer.Option(..., help="Image set of the training dataset."),
    split: Path = typer.Option(..., help="Its split; training images alone are looked at."),
    original: list[Path] = typer.Option(..., help="Image set to translate; may be repeated."),
    output: Path = typer.Option(..., help="Folder for TRANSLATOR/DATASET.h5, the translator as model."),
) -> None:
    """Translate datasets without a model, as rows to compare the models with."""
    from echodiff.errors import InputError
    from echodiff.evaluate.trivial import TRANSLATORS, Reference, translate_trivially
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set

    unknown = [name for name in translator if name not in TRANSLATORS]
    if unknown:
        raise InputError(f"--translator: expected {', '.join(TRANSLATORS)}, found {unknown[0]!r}")
    seed = load_config(config).evaluate.seed
    known = Reference.of(read_image_set(reference, read_subset(split, "train")))
    for path in original:
        images = read_image_set(path)
        for name in translator or TRANSLATORS:
            target = output / name / f"{images.attributes['dataset']}.h5"
            translate_trivially(images, name, known, seed=seed, output=target)


@app.command()
def memory(
    config: list[Path] = ConfigFiles,
    reference: Path = typer.Option(..., help="Image set of the training dataset."),
    reference_features: Path = typer.Option(..., help="Its features."),
    split: Path = typer.Option(..., help="Its split."),
    synthetic: list[Path] = typer.Option(..., help="Translation of a dataset; repeat for each."),
    synthetic_features: list[Path] = typer.Option(..., help="Its features; in the same order."),
    output: list[Path] = typer.Option(..., help="Parquet, one row an image; in the same order."),
) -> None:
    """Nearest training and nearest held-out image of every synthetic image; flags what is too close."""
    from echodiff.evaluate.features import check_features_of, read_features
    from echodiff.evaluate.memory_table import Known, Part, memory_table
    from echodiff.split.files import read_split
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table

    sets = _in_step(synthetic=synthetic, synthetic_features=synthetic_features, output=output)
    alarm_rate = load_config(config).evaluate.memory.alarm_rate
    real = Part(read_image_set(reference), read_features(reference_features))
    check_features_of(real.features, real.images)
    known = Known.of(real, read_split(split), alarm_rate=alarm_rate)
    for images, features, target in sets:
        drawn = Part(read_image_set(images), read_features(features))
        check_features_of(drawn.features, drawn.images)
        write_table(memory_table(known, drawn, model=str(drawn.images.attributes["model"])), target)


@app.command()
def physics(
    config: list[Path] = ConfigFiles,
    images: list[Path] = typer.Option(..., help="Image set, a dataset or a translation; may be repeated."),
    split: Path | None = typer.Option(
        None, help="Split of the training dataset: its held-out images get rows of their own (kind held_out)."
    ),
    reference: Path | None = typer.Option(
        None, help="Image set of the training dataset; with --split, for translations: models draw in its sector."
    ),
    output: Path = typer.Option(..., help="Parquet, one row an image."),
) -> None:
    """Speckle, resolution, contrast, gain over depth and sector of every image of some sets."""
    import pandas as pd

    from echodiff.errors import InputError
    from echodiff.evaluate.physics import HELD_OUT, physics_of
    from echodiff.evaluate.sector import common_sector, in_sector
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table

    options = load_config(config)
    dynamic_range_db = options.evaluate.physics.dynamic_range_db
    drawn_in = None
    if reference is not None and split is not None:
        drawn_in = common_sector(read_image_set(reference, read_subset(split, "train")))
    rows = []
    for path in images:
        content = read_image_set(path)
        names = {key: content.attributes.get(key, "") for key in ("dataset", "kind", "model")}
        parts = {names["kind"]: content}
        if split is not None and (names["dataset"], names["kind"]) == (options.training_dataset, "dataset"):
            training, held_out = (content.select(read_subset(split, subset)) for subset in ("train", "validation"))
            parts = {names["kind"]: training, HELD_OUT: in_sector(held_out, common_sector(training))}
        if names["kind"] == "translation" and not _knows_sector(names["model"], options.models):
            if drawn_in is None:
                raise InputError(f"{path}: measured in the training images' sector; give --reference and --split")
            parts = {names["kind"]: in_sector(content, drawn_in)}
        for kind, own in parts.items():
            for case, *planes in zip(own.case_id, own.images, own.masks, own.sectors, own.spacing_mm, strict=True):
                measures = physics_of(*planes, dynamic_range_db=dynamic_range_db)
                rows.append({"case_id": case, **names, "kind": kind, **measures})
    write_table(pd.DataFrame(rows), output)


@app.command()
def diversity(
    config: list[Path] = ConfigFiles,
    synthetic: Path = typer.Option(..., help="Translation with several samples a guide."),
    synthetic_features: Path = typer.Option(..., help="Its features."),
    reference: Path = typer.Option(..., help="Image set of the training dataset."),
    reference_features: Path = typer.Option(..., help="Its features."),
    split: Path = typer.Option(..., help="Its split; patients are drawn from the training images."),
    output: Path = typer.Option(..., help="Parquet, one row a guide and kind."),
) -> None:
    """How much the samples of one guide differ, beside how much real patients do."""
    from echodiff.evaluate.diversity_table import diversity_table
    from echodiff.evaluate.features import check_features_of, read_features
    from echodiff.split.files import read_split
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table

    divided = read_split(split).sort_values("case_id")
    training = divided[divided["subset"] == "train"]
    drawn, real = read_image_set(synthetic), read_image_set(reference)
    drawn_features, real_features = read_features(synthetic_features), read_features(reference_features)
    check_features_of(drawn_features, drawn)
    check_features_of(real_features, real)
    table = diversity_table(
        drawn,
        drawn_features,
        real.select(training["case_id"].tolist()),
        real_features,
        training["group"].tolist(),
        seed=load_config(config).evaluate.seed,
    )
    write_table(table, output)


@app.command()
def fidelity(
    config: list[Path] = ConfigFiles,
    segmenter: Path = typer.Option(..., help="What `echodiff segmenter` wrote."),
    images: list[Path] = typer.Option(..., help="Image set, a dataset or a translation; may be repeated."),
    split: Path | None = typer.Option(None, help="Split of the training dataset, with --subset."),
    subset: str = typer.Option("validation", help="Subset of the split that is measured."),
    output: Path = typer.Option(..., help="Parquet, one row an image."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N."),
    threads: int = typer.Option(0, help="Threads on a CPU; 0: as many as torch chooses."),
) -> None:
    """Dice, border distances and clinical measures of segmented images against their label maps."""
    prepare_cpu()
    import pandas as pd

    from echodiff.evaluate.fidelity_table import fidelity_table
    from echodiff.segment.predict import segment
    from echodiff.segment.segmenter_file import load_segmenter
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table

    load_config(config)
    cases = None if split is None else read_subset(split, subset)
    place = _place(device, threads)
    network, training = load_segmenter(segmenter, place)
    tables = []
    for path in images:
        content = read_image_set(path, cases)
        predicted = segment(network, content.images, size=training.size, device=place)
        tables.append(fidelity_table(content, predicted))
    write_table(pd.concat(tables, ignore_index=True), output)


@app.command()
def extreme(
    config: list[Path] = ConfigFiles,
    generator: Path = typer.Option(..., help="generator.pt of a trained model."),
    segmenter: Path = typer.Option(..., help="What `segmenter` wrote."),
    data: Path = typer.Option(..., help="Image set of the training dataset."),
    split: Path = typer.Option(..., help="Its split; guides are made from held-out label maps."),
    images: Path = typer.Option(..., help="Image set of the deformed guides and what the model draws from them."),
    output: Path = typer.Option(..., help="Parquet, one row an image."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N."),
    threads: int = typer.Option(0, help="Threads on a CPU; 0: as many as torch chooses."),
) -> None:
    """Guides of extreme shape through a model: the images, and what a segmenter finds in them."""
    prepare_cpu()
    import pandas as pd
    import torch

    from echodiff.evaluate.extreme import REAL_IMAGE, extreme_guides, held_out_cases, real_images
    from echodiff.evaluate.extreme_table import extreme_table
    from echodiff.evaluate.sector import common_sector, in_sector
    from echodiff.segment.predict import segment
    from echodiff.segment.segmenter_file import load_segmenter
    from echodiff.split.files import read_split, read_subset
    from echodiff.spread import at_even_distances
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table
    from echodiff.train.generator_file import load_generator
    from echodiff.translate.translation import Sampling, translate_image_set

    options = load_config(config)
    place = _place(device, threads)
    cases = at_even_distances(held_out_cases(read_split(split)), options.evaluate.extreme.patients)
    real = read_image_set(data, cases)
    network, training = load_segmenter(segmenter, place)
    translate_image_set(
        load_generator(generator, place),
        extreme_guides(real),
        images,
        Sampling(options.translate.seed),
        batch_size=options.translate.batch_size,
        device=torch.device(place),
    )
    drawn = read_image_set(images)
    if not _knows_sector(drawn.attributes["model"], options.models):
        drawn = in_sector(drawn, common_sector(read_image_set(data, read_subset(split, "train"))))
    tables = [
        extreme_table(own, segment(network, own.images, size=training.size, device=place))
        for own in (real_images(drawn, real), drawn)
    ]
    write_table(pd.concat([tables[0].assign(deformation=REAL_IMAGE), tables[1]], ignore_index=True), output)


@app.command()
def use(
    config: list[Path] = ConfigFiles,
    arm: str = typer.Option(..., help="real, synthetic or both: what the segmenter learns from."),
    percent: int = typer.Option(100, min=1, max=100, help="Share of the real training patients, in %."),
    data: Path = typer.Option(..., help="Image set of the training dataset."),
    split: Path = typer.Option(..., help="Its split; held-out patients are tested on."),
    synthetic: list[Path] = typer.Option([], help="Translation by one model; repeat for each dataset."),
    output: Path = typer.Option(..., help="Parquet, one row a held-out image."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N."),
    threads: int = typer.Option(0, help="Threads on a CPU; 0: as many as torch chooses."),
) -> None:
    """A segmenter that learns from real images, synthetic images or both, on real held-out patients."""
    prepare_cpu()
    from echodiff.errors import InputError
    from echodiff.evaluate.fidelity_table import fidelity_table
    from echodiff.evaluate.use import ARMS, REAL, arm_of, epochs_of
    from echodiff.segment.learn import Training, train_segmenter
    from echodiff.segment.predict import segment
    from echodiff.split.files import read_split, read_subset
    from echodiff.store.image_set import read_image_set
    from echodiff.store.table import write_table

    if arm not in ARMS:
        raise InputError(f"--arm: expected {', '.join(ARMS)}, found {arm!r}")
    options = load_config(config).evaluate
    real, drawn = read_image_set(data), [read_image_set(path) for path in synthetic]
    seed = options.segmentation.seed
    chosen = arm_of(arm, real, drawn, read_split(split), percent=percent, seed=seed)
    epochs = epochs_of(options.use.steps, len(chosen.images), options.segmentation.batch_size)
    training = Training(**(options.segmentation.model_dump(exclude={"enabled"}) | {"epochs": epochs}))
    place = _place(device, threads)
    network = train_segmenter(chosen.images, training, device=place)
    held_out = real.select(read_subset(split, "validation"))
    table = fidelity_table(held_out, segment(network, held_out.images, size=training.size, device=place))
    model = REAL if arm == REAL else str(drawn[0].attributes["model"])
    counts = {"n_real": chosen.n_real, "n_synthetic": chosen.n_synthetic}
    write_table(table.assign(arm=arm, model=model, percent=percent, **counts), output)


def _knows_sector(model: str, models: Mapping[str, Any]) -> bool:
    """Whether the model is given each source frame's sector, and so draws in that one."""
    return model in models and models[model].guide.sector


def _in_step(**given: Sequence[Path]) -> list[tuple[Path, ...]]:
    """The files of options that are given once for each dataset, dataset by dataset."""
    from echodiff.errors import InputError

    (first, wanted), *others = given.items()
    for name, paths in others:
        if len(paths) != len(wanted):
            one, many = (option.replace("_", "-") for option in (name, first))
            raise InputError(f"--{one}: expected one for each of the {len(wanted)} --{many}, found {len(paths)}")
    return list(zip(*given.values(), strict=True))


def _place(device: str, threads: int) -> str:
    """The device asked for, and the number of torch's threads set."""
    import torch

    from echodiff.devices.torch_device import choose_device

    if threads:
        torch.set_num_threads(threads)
    return str(choose_device(device))
