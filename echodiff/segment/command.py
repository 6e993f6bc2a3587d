"""`echodiff segmenter`: a segmenter trained on real training patients."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from echodiff.config import load_config


class Purpose(StrEnum):
    """What the segmenter is for; each has its section of the configuration, and a seed of its own."""

    EVALUATION = "evaluation"
    LABELS = "labels"


def segmenter(
    config: Annotated[
        list[Path], typer.Option(help="Configuration file; may be repeated, later files override earlier ones.")
    ],
    images: Annotated[Path, typer.Option(help="Image set of the training dataset.")],
    split: Annotated[Path, typer.Option(help="Its split; the segmenter sees training images only.")],
    output: Annotated[Path, typer.Option(help="Trained segmenter to write (.pt).")],
    purpose: Annotated[
        Purpose, typer.Option(help="evaluation: judges synthetic images; labels: labels cases without label maps.")
    ] = Purpose.EVALUATION,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads on a CPU; 0: as many as torch chooses.")] = 0,
) -> None:
    """Train a segmenter on the training patients' own label maps."""
    from echodiff.devices.cpu import prepare_cpu

    prepare_cpu()
    import torch

    from echodiff.devices.torch_device import choose_device
    from echodiff.segment.learn import Training, train_segmenter
    from echodiff.segment.segmenter_file import save_segmenter
    from echodiff.split.files import read_subset
    from echodiff.store.image_set import read_image_set

    if threads:
        torch.set_num_threads(threads)
    settings = load_config(config)
    options = settings.segmenter if purpose is Purpose.LABELS else settings.evaluate.segmentation
    training = Training(**options.model_dump(exclude={"enabled"}))
    content = read_image_set(images, read_subset(split, "train"))
    save_segmenter(train_segmenter(content, training, device=str(choose_device(device))), training, output)
