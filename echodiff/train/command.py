"""`echodiff train`: from an image set and its split to a trained generator."""

import os
from contextlib import nullcontext
from pathlib import Path

import typer

from echodiff.config import load_config


def train(
    config: list[Path] = typer.Option(
        ..., help="Configuration file; may be repeated, later files override earlier ones."
    ),
    model: str = typer.Option(..., help="Name of the model in the configuration."),
    data: Path = typer.Option(..., help="Image set of the training dataset."),
    split: Path = typer.Option(..., help="Split of the training dataset."),
    output: Path = typer.Option(..., help="Folder for generator.pt, history.parquet and samples.png."),
    checkpoints: Path = typer.Option(..., help="Folder for checkpoints; the same command resumes from there."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or cuda:N; torchrun gives each process its own."),
    threads: int = typer.Option(0, help="Threads on a CPU, for all processes together; 0: as many as torch chooses."),
    dry: bool = typer.Option(False, "--dry", help="Print options, sizes, cost and time, without training."),
) -> None:
    """Train a model, or go on with a training that was interrupted.

    On several GPUs, or several cores: torchrun --standalone --nproc-per-node=4 -m echodiff train ... with the same
    options.
    """
    from echodiff.devices.cpu import prepare_cpu

    prepare_cpu()
    import torch

    from echodiff.devices.memory import full_memory_explained
    from echodiff.devices.torch_device import choose_device
    from echodiff.train.alone import alone
    from echodiff.train.estimate import describe, part_size, refuse_too_large
    from echodiff.train.job import check_job, read_job
    from echodiff.train.loop import train as run
    from echodiff.train.processes import joined

    if threads:
        torch.set_num_threads(max(1, threads // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))
    settings = load_config(config)
    job = read_job(settings, model, data=data, split=split, output=output, checkpoints=checkpoints)
    place = choose_device(device)
    with joined(place) as processes:
        check_job(job, settings.image.size, processes)
        finished = True
        if not dry:
            refuse_too_large(job, place, processes)
            images = part_size(job, processes)
            with (
                alone(job.checkpoints) if processes.first else nullcontext(),
                full_memory_explained(place, images=images, option="speed.part", group=job.model.group),
            ):
                finished = run(job, place, processes)
        elif processes.first:
            print(describe(job, place, processes))
    if not finished:
        raise typer.Exit(143)
