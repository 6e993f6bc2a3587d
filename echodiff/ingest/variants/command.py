"""`echodiff variants`: several label maps for each case of a dataset whose labels have the left ventricle alone."""

from pathlib import Path
from typing import Annotated

import typer

from echodiff.config import load_config


def variants(
    config: Annotated[
        list[Path], typer.Option(help="Configuration file; may be repeated, later files override earlier ones.")
    ],
    dataset: Annotated[str, typer.Option(help="Entry of `datasets` whose label maps have only the left ventricle.")],
    source: Annotated[Path, typer.Option(help="Folder of the dataset's files, as ingest read it.")],
    data: Annotated[Path, typer.Option(help="Its image set (images.h5): the kept cases.")],
    shape_model: Annotated[Path, typer.Option(help="Shape model (.npz) of `echodiff shape-model`.")],
    output: Annotated[Path, typer.Option(help="Image set to write, with `samples` label maps for every case.")],
    samples: Annotated[int, typer.Option(min=0, help="Label maps per case; 0: variants.samples.")] = 0,
    processes: Annotated[int, typer.Option(min=0, help="Processes that read cases; 0: read in this process.")] = 1,
) -> None:
    """Draw walls and atria from the shape model: an image set whose label maps can guide translations."""
    from echodiff.errors import ConfigError
    from echodiff.ingest.variants.run import write_variants

    options = load_config(config)
    if dataset not in options.completed_datasets:
        raise ConfigError(
            f"expected a dataset with `completion`, whose labels have the left ventricle alone, one of "
            f"{', '.join(options.completed_datasets) or 'none here'}, found '{dataset}'; check --dataset"
        )
    if not (samples or options.variants.samples):
        raise ConfigError("variants.samples: expected 1 or more label maps a case, found 0; set it, or give --samples")
    count = write_variants(
        dataset,
        options.datasets[dataset],
        options.image,
        source,
        data,
        shape_model,
        output,
        options.variants.model_copy(update={"samples": samples or options.variants.samples}),
        processes=processes,
    )
    print(f"variants {dataset}: {count} label maps of {count // (samples or options.variants.samples)} cases")
