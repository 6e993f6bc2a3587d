"""`echodiff translate`: a dataset through a trained generator to a synthetic dataset."""

from pathlib import Path

import typer

from echodiff.config import load_config


def translate(
    config: list[Path] = typer.Option(
        ..., help="Configuration file; may be repeated, later files override earlier ones."
    ),
    generator: Path = typer.Option(..., help="generator.pt of a trained model; contains all of its options."),
    data: Path = typer.Option(..., help="Image set whose label maps guide the generator."),
    output: Path = typer.Option(..., help="Synthetic image set to write."),
    split: Path | None = typer.Option(None, help="Split of the dataset, to translate only one subset."),
    subset: str = typer.Option("validation", help="Subset of the split: train or validation."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N."),
    threads: int = typer.Option(0, help="Threads on a CPU; 0: as many as torch chooses."),
    batch_size: int = typer.Option(0, help="Images at once; 0: translate.batch_size."),
    samples: int = typer.Option(1, min=1, help="Images per label map."),
    cases: int = typer.Option(
        0, min=0, help="Translate only this many cases, evenly spaced in the list of ids; 0: all."
    ),
) -> None:
    """Redraw a dataset in the style of the training data: one image for each label map."""
    from echodiff.devices.cpu import prepare_cpu

    prepare_cpu()
    import torch

    from echodiff.devices.torch_device import choose_device
    from echodiff.split.files import read_subset
    from echodiff.spread import at_even_distances
    from echodiff.store.image_set import read_image_set
    from echodiff.train.generator_file import load_generator
    from echodiff.translate.translation import Sampling, translate_image_set

    if threads:
        torch.set_num_threads(threads)
    options = load_config(config).translate
    source = read_image_set(data)
    if split is not None:
        source = source.select(read_subset(split, subset))
    if cases:
        source = source.select(at_even_distances(sorted(source.case_id), cases))
    place = choose_device(device)
    translate_image_set(
        load_generator(generator, place),
        source,
        output,
        Sampling(options.seed, options.strength, samples),
        batch_size=batch_size or options.batch_size,
        device=place,
    )
