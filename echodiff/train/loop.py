"""The training loop, to be read from top to bottom."""

import resource
import time

import torch
from torch import Tensor

from echodiff.progress import Progress, say
from echodiff.train import checkpoint
from echodiff.train import state as states
from echodiff.train.compilation import compiled, compiler_explained
from echodiff.train.data import Planes, total_steps
from echodiff.train.history import RunningMeans
from echodiff.train.job import Job
from echodiff.train.keeper import Keeper, resume
from echodiff.train.objective import Objective
from echodiff.train.processes import Processes
from echodiff.train.state import State
from echodiff.train.step import Setup, train_step
from echodiff.train.stop import StopRequest

# Of several processes, on whether one of them was asked to stop: on GPUs it has them wait for each other. On CPUs they
# wait anyway, and a step may take a good part of the time that is left after SIGTERM.
STEPS_BETWEEN_AGREEMENTS = {"cuda": 10, "cpu": 1}


def train(job: Job, device: torch.device, processes: Processes) -> bool:
    """Train from the beginning or from the last checkpoint; true when finished, false when asked to stop.

    Writes generator.pt, history.parquet and samples.png to the job's output folder.

    Raises:
        EchodiffError: losses are no longer finite, a file cannot be written, a checkpoint cannot be used, the networks
            cannot be compiled.
    """
    model = job.model
    data = Planes.of(job.training, device)
    steps = total_steps(model.training.epochs, model.training.steps, model.training.batch_size, len(data))
    state = states.new_state(model, data.images, device)
    if processes.first:
        checkpoint.remove_remains(job.checkpoints)
    resume(state, job, speak=processes.first)
    processes.wait()
    setup = Setup(
        model=model,
        objective=Objective.of(model, device),
        data=data,
        generator=compiled(state.generator, model.speed),
        discriminator=compiled(state.discriminator, model.speed),
        processes=processes,
        device=device,
        steps=steps,
    )
    keeper = Keeper(job, device, begun_at=state.step) if processes.first else None
    progress = Progress(steps, description=f"train {job.name}", unit="steps", initial=state.step)
    means, row = RunningMeans(), RowClock(state)

    with StopRequest() as request, compiler_explained():
        while state.step < steps:
            stop = torch.full((), float(request.signal_number is not None), device=device)
            means.add(train_step(setup, state, stop))
            state.seconds = row.seconds()

            if state.step % model.record.history_every == 0 or state.step == steps:
                found = means.means()
                means.clear()
                if keeper:
                    keeper.refuse_not_finite(found, state.step)
                found |= facts(setup, state) | row.next(state, model.training.batch_size)
                if keeper:
                    found |= keeper.distance_if_due(state, last=state.step == steps)
                state.history.append(found)
                if keeper:
                    keeper.note(state)
            if keeper:
                progress.advance(1, note=described(state))
                keeper.save_if_due(state, means)
            if asked_to_stop(request, stop, state.step, processes):
                if keeper:
                    keeper.refuse_not_finite(means.means(), state.step)
                    keeper.save(state)
                    say(f"train {job.name}: stopped at step {state.step}, saved; the same command goes on from here")
                return False
        progress.close()
        if keeper:
            keeper.finish(state)
    processes.wait()
    return True


class RowClock:
    """Time since the last row of the history, and over all parts of an interrupted training."""

    def __init__(self, state: State):
        self._begun = self._row = time.monotonic()
        self._before, self._step = state.seconds, state.step

    def seconds(self) -> float:
        """Seconds of training, those before an interruption included."""
        return self._before + time.monotonic() - self._begun

    def next(self, state: State, batch_size: int) -> dict[str, float]:
        """Speed since the last row."""
        now = time.monotonic()
        speed = (state.step - self._step) * batch_size / (now - self._row)
        self._row, self._step = now, state.step
        return {"images_per_second": speed, "seconds": state.seconds}


def facts(setup: Setup, state: State) -> dict[str, float]:
    """How far a training is, its rates and its memory."""
    rates = {"rate_g": state.optimiser_g.param_groups[0]["lr"]}
    if state.optimiser_d is not None:
        rates["rate_d"] = state.optimiser_d.param_groups[0]["lr"]
    epoch = state.step * setup.model.training.batch_size / len(setup.data)
    return {"step": state.step, "epoch": epoch, "memory_gib": peak_memory(setup.device) / 2**30, **rates}


def peak_memory(device: torch.device) -> int:
    """Most bytes used so far: of the GPU, or of the process on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def described(state: State) -> str:
    """The last losses, for the line of progress."""
    if not state.history.rows:
        return ""
    last = state.history.last
    names = ("loss_d", "loss_g", "reconstruction")
    return ", ".join(f"{name} {last[name]:.3g}" for name in names if name in last)


def asked_to_stop(request: StopRequest, stop: Tensor, step: int, processes: Processes) -> bool:
    """Whether to stop after this step; several processes agree, since all must take the same steps."""
    if processes.world == 1:
        return request.signal_number is not None
    return step % STEPS_BETWEEN_AGREEMENTS[stop.device.type] == 0 and stop.item() > 0
