"""What a training leaves on disk: checkpoints while it runs, its results at the end."""

import math
import time
from collections.abc import Mapping

import torch

from echodiff.errors import EchodiffError
from echodiff.progress import format_seconds, say
from echodiff.store.torch_file import save_file
from echodiff.train import checkpoint
from echodiff.train.drawing import Drawing
from echodiff.train.generator_file import save_generator
from echodiff.train.history import RunningMeans
from echodiff.train.job import Job
from echodiff.train.samples import draw_samples
from echodiff.train.state import State


class Keeper:
    """Saves, at the intervals of the model's `record`, and says so on standard error.

    begun_at: the step that the training begins at, or goes on from.
    """

    def __init__(self, job: Job, device: torch.device, *, begun_at: int = 0):
        self.job, self.device = job, device
        self._saved = self._drawn = self._measured = time.monotonic()
        self._board = self._distance = None
        if job.model.record.tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            # A folder for each training; what an interrupted one wrote after its last checkpoint is not shown.
            folder = job.checkpoints / "tensorboard" / job.checkpoint.stem
            self._board = SummaryWriter(str(folder), purge_step=begun_at + 1)

    def save_if_due(self, state: State, means: RunningMeans) -> None:
        """Save a checkpoint, and draw the sheet, where the last ones are old enough; `means` since the last row."""
        record, now = self.job.model.record, time.monotonic()
        if now - self._saved >= record.checkpoint_seconds:
            self.refuse_not_finite(means.means(), state.step)
            self.save(state)
        if now - self._drawn >= record.sheet_seconds:
            self.draw_sheet(state)

    def save(self, state: State) -> None:
        """Save a checkpoint, and the history beside the results."""
        content = state.checkpoint(self.job.model, self.job.fingerprint)
        save_file(content, self.job.checkpoint)
        if state.history.rows:
            state.history.write(self.job.output / "history.parquet")
        self._saved = time.monotonic()

    def draw_sheet(self, state: State) -> None:
        """Draw the sheet of validation samples from the running mean of the weights."""
        model = self.job.model
        cases = self.job.validation.select(self.job.validation.case_id[: model.record.sheet_cases])
        path = self.job.output / "samples.png"
        draw_samples(path, Drawing(state.ema, model, self.device), cases)
        self._drawn = time.monotonic()

    def distance_if_due(self, state: State, *, last: bool) -> dict[str, float]:
        """The history's `validation_fd` where the last one is old enough, or with the last row; else nothing."""
        every = self.job.model.record.distance_seconds
        if every is None or not (last or time.monotonic() - self._measured >= every):
            return {}
        if self._distance is None:
            from echodiff.train.distance import ValidationDistance

            self._distance = ValidationDistance(self.job, self.device)
        value = self._distance.measure(state.ema)
        self._measured = time.monotonic()
        say(f"train {self.job.name}, step {state.step}: validation_fd {value:.1f}, {self._distance.described}")
        return {"validation_fd": value}

    def note(self, state: State) -> None:
        """Pass the history's last row on to TensorBoard, where that is wanted."""
        if self._board is not None:
            for name, value in state.history.last.items():
                self._board.add_scalar(name, value, state.step)

    def finish(self, state: State) -> None:
        """Save the last checkpoint and the results."""
        self.save(state)
        job = self.job
        save_generator(
            job.output / "generator.pt",
            name=job.name,
            model=job.model,
            size=job.size,
            weights=state.ema.state_dict(),
            data_fingerprint=job.fingerprint,
        )
        self.draw_sheet(state)
        if self._board is not None:
            self._board.close()
        say(f"train {job.name}: {state.step} steps in {format_seconds(state.seconds)}, results in {job.output}")

    def refuse_not_finite(self, means: Mapping[str, float], step: int) -> None:
        """Stop where a loss or a gradient is infinite or not a number.

        Raises:
            EchodiffError: with what was found and where the last good checkpoint is.
        """
        bad = [f"{name} = {value}" for name, value in means.items() if not math.isfinite(value)]
        if bad:
            kept = "there is no checkpoint yet"
            if self.job.checkpoint.is_file():
                kept = f"the last good checkpoint is {self.job.checkpoint}"
            raise EchodiffError(
                f"train {self.job.name}, step {step}: expected finite losses and gradients, found {', '.join(bad)}; "
                f"{kept}; lower the optimiser's rates or raise loss.r1_gamma"
            )


def resume(state: State, job: Job, *, speak: bool) -> None:
    """Go on from the job's checkpoint, where there is one; `speak`: say so, and why others are left alone.

    Raises:
        InputError: there is one that cannot be used.
    """
    path = job.checkpoint
    if path.is_file():
        state.restore(checkpoint.load_checkpoint(path, job.model, job.fingerprint))
        if speak:
            say(f"train {job.name}: going on from step {state.step} of {path}")
    elif speak:
        for sentence in checkpoint.explain_others(path.parent, path, job.model, job.fingerprint):
            say(sentence)
