"""One training step: the discriminator learns, then the generator."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from echodiff.config.models import Model
from echodiff.devices.precision import autocast
from echodiff.diffusion.guides import draw_guide
from echodiff.train import state as states
from echodiff.train.augment import augment
from echodiff.train.data import Planes, batch_cases
from echodiff.train.draws import StepDraw, draw_direction, draw_step
from echodiff.train.objective import (
    Measures,
    Objective,
    Pass,
    discriminator_objective,
    generator_objective,
    penalty_objective,
    run_generator,
)
from echodiff.train.processes import Processes
from echodiff.train.state import State


@dataclass(frozen=True)
class Setup:
    """What stays the same from step to step.

    generator, discriminator: the state's networks, compiled where that was asked for. steps: of the whole training.
    """

    model: Model
    objective: Objective
    data: Planes
    generator: nn.Module
    discriminator: nn.Module | None
    processes: Processes
    device: torch.device
    steps: int

    @property
    def size(self) -> int:
        """Height and width of the images in pixels."""
        return self.data.images.shape[-1]

    def arithmetic(self) -> contextlib.AbstractContextManager:
        """What the networks' passes are computed in."""
        return autocast(self.model.speed, self.device)

    def parts(self) -> list[slice]:
        """Rows of the global batch that this process computes, in parts that are computed one after another."""
        rows = self.processes.share(self.model.training.batch_size)
        length = self.model.speed.part or rows.stop - rows.start
        return [slice(a, min(a + length, rows.stop)) for a in range(rows.start, rows.stop, length)]


@dataclass(frozen=True)
class Part:
    """Some images of a step with their random numbers; share: of the loss of this process's images."""

    x_0: Tensor
    guide: Tensor
    draws: StepDraw
    direction: Tensor | None
    share: float


def train_step(setup: Setup, state: State, stop: Tensor) -> Measures:
    """Change `state` by one step and give what the history notes, averaged over the processes.

    stop: a number that is averaged over the processes along with the gradients.
    """
    state.generator.train()
    parts = prepare(setup, state)
    measures: Measures = {}
    passes = None
    if setup.discriminator is not None:
        passes = discriminator_step(setup, state, parts, measures)
    generator_step(setup, state, parts, passes, measures, stop)
    state.step += 1
    return measures


def prepare(setup: Setup, state: State) -> list[Part]:
    """The images, guides and random numbers of a step, as this process's parts."""
    model, step, slices = setup.model, state.step, setup.parts()
    options = {"batch_size": model.training.batch_size, "size": setup.size, "device": setup.device}
    latents = state.generator.latent_shapes(setup.size)
    draws = draw_step(model.seed, step, latents=latents, shared=model.loss.shared_draw, **options)
    direction = None
    if takes_penalty(setup, step) and model.loss.r1_method == "finite":
        direction = draw_direction(model.seed, step, **options)
    chosen = batch_cases(model.seed, step, model.training.batch_size, len(setup.data))
    chosen = chosen.to(setup.device, non_blocking=True)  # else every step would begin with a wait for the one before
    own = slices[-1].stop - slices[0].start
    result = []
    for rows in slices:
        numbers = draws.rows(rows)
        planes = setup.data[chosen[rows]]
        x_0, masks, sectors = augment(planes, model.augmentation, numbers.augment_uniform, numbers.augment_normal)
        guide = draw_guide(masks, sectors, style=model.guide.style, sector=model.guide.sector)
        share = (rows.stop - rows.start) / own
        result.append(Part(x_0, guide, numbers, None if direction is None else direction[rows], share))
    return result


def takes_penalty(setup: Setup, step: int) -> bool:
    """Whether the gradient penalties are part of this step."""
    loss = setup.model.loss
    wanted = loss.r1_gamma > 0 or loss.r1_fake_gamma > 0
    return setup.discriminator is not None and wanted and step % loss.r1_every == 0


def discriminator_step(setup: Setup, state: State, parts: list[Part], measures: Measures) -> list[Pass] | None:
    """Let the discriminator learn; the generator's pass takes no gradient unless the networks share it.

    Returns the passes that the generator may learn from too: those of a batch in one part. Of several parts only
    one is held in memory at a time, so the generator runs them again, with the same numbers.
    """
    shared = setup.model.loss.shared_draw and len(parts) == 1
    # Exact R1 needs second derivatives, which a compiled network lacks.
    finite = setup.model.loss.r1_method == "finite"
    penalised = setup.discriminator if finite else state.discriminator
    state.optimiser_d.zero_grad(set_to_none=True)
    passes = []
    for part in parts:
        with torch.set_grad_enabled(shared), setup.arithmetic():
            one = run_generator(setup.objective, setup.generator, part.x_0, part.guide, part.draws.discriminator)
        passes.append(one)
        judged = one.without_gradient()
        with setup.arithmetic():
            loss, noted = discriminator_objective(setup.objective, setup.discriminator, judged)
        (part.share * loss).backward()
        note(measures, noted, part.share)
        if takes_penalty(setup, state.step):
            with setup.arithmetic():
                loss, noted = penalty_objective(setup.objective, penalised, judged, part.direction)
            (part.share * loss).backward()
            note(measures, noted, part.share)
    options = setup.model.optimiser
    gradients = states.gradients(state.discriminator)
    setup.processes.average([*gradients, *measures.values()])
    measures["gradient_norm_d"] = states.gradient_norm(gradients)
    rate = states.cosine_rate(options.discriminator_rate, options.final_rate, state.step, setup.steps)
    states.set_rate(state.optimiser_d, rate)
    state.optimiser_d.step()
    return passes if shared else None


def generator_step(
    setup: Setup, state: State, parts: list[Part], passes: list[Pass] | None, measures: Measures, stop: Tensor
) -> None:
    """Let the generator learn, and its running mean follow; the discriminator's weights take no gradient."""
    state.optimiser_g.zero_grad(set_to_none=True)
    own: Measures = {}
    with frozen(state.discriminator):
        for index, part in enumerate(parts):
            with setup.arithmetic():
                one = (
                    passes[index]
                    if passes is not None
                    else run_generator(setup.objective, setup.generator, part.x_0, part.guide, part.draws.generator)
                )
                loss, noted = generator_objective(setup.objective, setup.discriminator, one)
            (part.share * loss).backward()
            note(own, noted, part.share)
    options = setup.model.optimiser
    gradients = states.gradients(state.generator)
    setup.processes.average([*gradients, *own.values(), stop])
    measures |= own
    measures["gradient_norm_g"] = states.gradient_norm(gradients)
    rate = states.cosine_rate(options.generator_rate, options.final_rate, state.step, setup.steps)
    states.set_rate(state.optimiser_g, rate)
    state.optimiser_g.step()
    states.update_ema(state.ema, state.generator, states.ema_decay(options, state.step))


def note(measures: Measures, noted: Measures, share: float) -> None:
    """Add a part's numbers to those of the step."""
    for name, value in noted.items():
        value = share * value.detach()
        measures[name] = measures[name] + value if name in measures else value


@contextlib.contextmanager
def frozen(network: nn.Module | None) -> Iterator[None]:
    """Within the block the network's weights take no gradient."""
    if network is None:
        yield
        return
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
