"""`echodiff ingest`: files of scanners to an image set; `echodiff shape-model`: what completes label maps."""

from pathlib import Path
from typing import Annotated

import typer

from echodiff.config import load_config

ConfigOption = Annotated[
    list[Path], typer.Option(help="Configuration file; may be repeated, later files override earlier ones.")
]


def ingest(
    config: ConfigOption,
    dataset: Annotated[str, typer.Option(help="Entry of `datasets` in the configuration.")],
    source: Annotated[Path, typer.Option(help="Folder of the dataset's files.")],
    output: Annotated[Path, typer.Option(help="Folder for images.h5 and cases.parquet.")],
    shape_model: Annotated[
        Path | None, typer.Option(help="Shape model that completes label maps with only the LV.")
    ] = None,
    segmenter: Annotated[Path | None, typer.Option(help="Segmenter for `labels: predicted`.")] = None,
    processes: Annotated[int, typer.Option(min=0, help="Processes that read cases; 0: read in this process.")] = 1,
) -> None:
    """Read scanner files: find the end-diastolic frame, crop to the sector, resample, with a row for every case."""
    from echodiff.errors import ConfigError
    from echodiff.ingest.run import ingest_dataset

    options = load_config(config)
    if dataset not in options.datasets:
        raise ConfigError(
            f"expected one of the datasets {', '.join(options.datasets)}, found '{dataset}'; check --dataset"
        )
    ingest_dataset(
        dataset,
        options.datasets[dataset],
        options.image,
        source,
        output,
        shape_model=shape_model,
        segmenter=segmenter,
        processes=processes,
    )


def shape_model(
    config: ConfigOption,
    data: Annotated[Path, typer.Option(help="Image set with complete label maps (images.h5).")],
    split: Annotated[Path, typer.Option(help="Its split; only training cases are learned from.")],
    output: Annotated[Path, typer.Option(help="Shape model to write (.npz).")],
) -> None:
    """Learn from training label maps how the wall and the left atrium lie around the left ventricle."""
    from echodiff.ingest.completion.learn import learn_shape_model
    from echodiff.ingest.completion.shape_model import write_shape_model
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set

    load_config(config)
    model, unusable = learn_shape_model(read_image_set(data, read_subset(split, "train")))
    write_shape_model(model, output)
    print(f"shape-model: learned from {model.cases} label maps, {unusable} without all three structures left out")
