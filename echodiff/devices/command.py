"""`echodiff lease`: run a command on GPUs that no other leased job uses, or on the CPU where there is none."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import typer

from echodiff.devices.lease import Lease, lock_folder, take
from echodiff.devices.torchrun import on_nodes, on_this_machine
from echodiff.devices.visible import visible_devices
from echodiff.errors import ConfigError, InputError


def lease(
    command: Annotated[list[str], typer.Argument(help="The command, after `--`.")],
    gpus: Annotated[int, typer.Option(min=0, help="GPUs wanted; fewer are used if the machine has fewer.")] = 1,
    launch: Annotated[
        Literal["plain", "torchrun"], typer.Option(help="torchrun: one process per GPU, or per core without a GPU.")
    ] = "plain",
    cores: Annotated[int, typer.Option(min=1, help="Cores that the command may use.")] = 1,
    parts: Annotated[
        int | None, typer.Option(min=1, help="Number of parts of the work; the number of processes must divide it.")
    ] = None,
    nodes: Annotated[int, typer.Option(min=1, help="Machines of the SLURM job, for torchrun.")] = 1,
) -> None:
    """Wait for free GPUs, then become COMMAND with CUDA_VISIBLE_DEVICES set to them.

    Cards that SLURM has assigned to this job alone are used as they are.
    """
    failures: list[str] = []
    held = _devices(gpus, parts, when_failing=failures.append)
    print("; ".join([_sentence(gpus, held.devices, nodes), *failures]), file=sys.stderr, flush=True)
    processes = processes_for(len(held.devices) or cores, parts, nodes)
    if launch == "torchrun" and nodes > 1:
        _become(on_nodes(command, nodes=nodes, processes=processes, cores=cores))
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(held.devices)
    for descriptor in held.descriptors:
        os.set_inheritable(descriptor, True)
    _become(on_this_machine(command, processes) if launch == "torchrun" else command)


def processes_for(workers: int, parts: int | None, nodes: int = 1) -> int:
    """Processes on each of `nodes` machines: as many of its `workers` (cards or cores) as share `parts` evenly.

    Raises:
        ConfigError: not even one process on each machine can.
    """
    if parts is None:
        return workers
    fitting = [n for n in range(1, workers + 1) if parts % (n * nodes) == 0]
    if not fitting:
        raise ConfigError(
            f"lease --nodes {nodes}: expected work that {nodes} machines can share, found {parts} parts (the "
            "training's batch, in the parts of `discriminator.group`); use fewer machines or a batch that they divide"
        )
    return max(fitting)


def _devices(gpus: int, parts: int | None, *, when_failing: Callable[[str], None]) -> Lease:
    visible = visible_devices(when_failing=when_failing) if gpus else []
    if not visible:
        return Lease([], [])
    if "SLURM_JOB_ID" in os.environ and len(visible) <= gpus:
        # Nothing is left to choose. With more cards than asked for, jobs may share one allocation (salloc).
        return Lease(visible, [])
    count, folder = processes_for(min(gpus, len(visible)), parts), lock_folder()
    waits = f"lease: this job waits for {count} of GPU {', '.join(visible)}, which other jobs use (locks in {folder})"
    return take(count, visible, folder, when_waiting=lambda: print(waits, file=sys.stderr, flush=True))


def _sentence(wanted: int, devices: Sequence[str], nodes: int) -> str:
    each = f" of each of {nodes} machines" if nodes > 1 else ""
    if not devices:
        return f"lease: this job runs on the CPU{each}" + (", no GPU is visible" if wanted else "")
    fewer = f" ({wanted} were asked for)" if len(devices) * nodes < wanted else ""
    return f"lease: this job runs on GPU {', '.join(devices)}{each}{fewer}"


def _become(command: Sequence[str]) -> None:
    """Replace this process by `command`, so that signals reach it and its end is the job's end."""
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        raise InputError(
            f"{command[0]}: expected a command to run on the leased GPUs, the system said '{error.strerror}'; "
            "check its name"
        ) from error
