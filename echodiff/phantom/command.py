"""`echodiff phantom`: one machine's dataset as its files, with known truth."""

from pathlib import Path
from typing import Annotated

import typer

from echodiff.config import load_config


def phantom(
    config: Annotated[
        list[Path], typer.Option(help="Configuration file; may be repeated, later files override earlier ones.")
    ],
    dataset: Annotated[str, typer.Option(help="Entry of `datasets` in the configuration that has a phantom.")],
    output: Annotated[Path, typer.Option(help="Folder to write; it appears only once it is complete.")],
    processes: Annotated[int, typer.Option(min=1, help="Processes that render patients.")] = 1,
) -> None:
    """Write a phantom dataset as the files that a scanner or an archive gives, with truth.parquet beside them."""
    from echodiff.errors import ConfigError
    from echodiff.phantom.dataset import write_dataset

    datasets = load_config(config).datasets
    source = datasets[dataset].phantom if dataset in datasets else None
    if source is None:
        phantoms = ", ".join(name for name, entry in datasets.items() if entry.phantom) or "none"
        raise ConfigError(
            f"expected one of the datasets with a phantom ({phantoms}), found '{dataset}'; check --dataset"
        )
    truth = write_dataset(source, output, processes=processes)
    print(f"phantom: {len(truth)} patients of {source.machine} in {output}")
