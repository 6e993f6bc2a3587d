"""What each network minimises in one step: the losses of `echodiff.diffusion.losses` put together by the options."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from echodiff.config.models import Loss, Model
from echodiff.diffusion import losses
from echodiff.diffusion.networks.windows import cut, window_corners
from echodiff.diffusion.schedule import Schedule, image_of_velocity, q_posterior_sample, q_sample_pair
from echodiff.train.draws import Draw
from echodiff.train.generator_file import schedule_of

Measures = dict[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """The options of the losses with their tables on the device.

    prediction: what the generator puts out, "image" or "velocity". probabilities, weights: (T,) of the transitions.
    """

    loss: Loss
    prediction: str
    schedule: Schedule
    probabilities: Tensor
    weights: Tensor | None

    @classmethod
    def of(cls, model: Model, device: torch.device) -> "Objective":
        """The objective of a model on `device`."""
        loss, schedule = model.loss, schedule_of(model)
        even = (1.0,) * schedule.steps
        probabilities = torch.tensor(loss.transition_probabilities or even, device=device)
        weights = loss.transition_weights
        return cls(
            loss,
            model.diffusion.prediction,
            schedule.to(device),
            probabilities,
            None if weights is None else torch.tensor(weights, device=device),
        )

    def weights_of(self, t: Tensor) -> Tensor | None:
        """Weight of each image's transition, (B,)."""
        return None if self.weights is None else self.weights[t]


@dataclass(frozen=True)
class Pass:
    """A batch with its noise: the real step x_{t+1} -> x_t, and the generator's estimate with its fake step.

    corners: (B, 2) where the images are windows, of which only these are known; None for whole images.
    """

    x_0: Tensor
    x_t: Tensor
    x_tp1: Tensor
    t: Tensor
    x0_hat: Tensor
    x_t_fake: Tensor
    corners: Tensor | None = None

    def without_gradient(self) -> "Pass":
        """The same pass, whose fake step is a constant."""
        return replace(self, x0_hat=self.x0_hat.detach(), x_t_fake=self.x_t_fake.detach())

    def judged_by(self, discriminator: nn.Module) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """The discriminator as a function of x_t, x_{t+1} and t, which knows where in the image it looks."""
        if self.corners is None:
            return discriminator
        return lambda x_t, x_tp1, t: discriminator(x_t, x_tp1, t, self.corners)


def run_generator(objective: Objective, generator: nn.Module, x_0: Tensor, guide: Tensor, draw: Draw) -> Pass:
    """Draw a transition for each image of x_0 (B, 1, H, W) and let the generator take its step.

    A generator with a `window` above 0 takes it in a window of each image, and the pass holds these windows.
    """
    schedule, z = objective.schedule, {**draw.latents, **generator.describe(x_0)}
    t = losses.choose_transitions(draw.uniform, objective.probabilities)
    x_t, x_tp1 = q_sample_pair(schedule, x_0, t, draw.e_t, draw.e_tp1)
    window, e_posterior, corners = generator.window, draw.e_posterior, None
    if window:
        corners = window_corners(draw.place, x_0.shape[-1], window)
        output = generator(x_tp1, guide, t, z, corners).float()
        x_0, x_t, x_tp1, e_posterior = (cut(whole, corners, window) for whole in (x_0, x_t, x_tp1, e_posterior))
    else:
        output = generator(x_tp1, guide, t, z).float()
    x0_hat = output if objective.prediction == "image" else image_of_velocity(schedule, output, x_tp1, t)
    x_t_fake = q_posterior_sample(schedule, x0_hat, x_tp1, t, e_posterior)
    return Pass(x_0, x_t, x_tp1, t, x0_hat, x_t_fake, corners)


def discriminator_objective(objective: Objective, discriminator: nn.Module, batch: Pass) -> tuple[Tensor, Measures]:
    """The discriminator's loss, without the gradient penalties, and what the history notes of it."""
    judge = batch.judged_by(discriminator)
    real = judge(batch.x_t, batch.x_tp1, batch.t).float()
    fake = judge(batch.x_t_fake, batch.x_tp1, batch.t).float()
    pairing, weights = objective.loss.pairing, objective.weights_of(batch.t)
    loss = losses.discriminator_loss(real, fake, pairing=pairing, weights=weights)
    return loss, {"loss_d": loss, "logit_real": real.mean(), "logit_fake": fake.mean()}


def penalty_objective(
    objective: Objective, discriminator: nn.Module, batch: Pass, direction: Tensor | None
) -> tuple[Tensor, Measures]:
    """The gradient penalties on real and on fake steps; `direction` (B, 1, H, W) for the finite method."""
    loss = torch.zeros((), device=batch.x_t.device)
    measures, judge = {}, batch.judged_by(discriminator)
    if direction is not None and batch.corners is not None:
        direction = cut(direction, batch.corners, batch.x_t.shape[-1])
    sides = (("r1", batch.x_t, objective.loss.r1_gamma), ("r1_fake", batch.x_t_fake, objective.loss.r1_fake_gamma))
    for name, x_t, gamma in sides:
        if gamma == 0:
            continue
        if direction is None:
            penalty = losses.r1_penalty(judge, x_t, batch.x_tp1, batch.t)
        else:
            penalty = losses.r1_penalty_finite(judge, x_t, batch.x_tp1, batch.t, direction)
        loss = loss + gamma * penalty
        measures[name] = penalty
    return loss, measures


def reconstruction_objective(objective: Objective, batch: Pass) -> Tensor:
    """The distance of the estimated from the true image, as `loss.reconstruction` measures it."""
    if objective.loss.reconstruction == "velocity":
        noise = objective.schedule.at(objective.schedule.noise, batch.t + 1)
        return losses.velocity_loss(batch.x0_hat, batch.x_0, noise)
    return losses.reconstruction_loss(batch.x0_hat, batch.x_0, pool=objective.loss.reconstruction_pool)


def generator_objective(objective: Objective, discriminator: nn.Module | None, batch: Pass) -> tuple[Tensor, Measures]:
    """The generator's loss and its parts."""
    options = objective.loss
    reconstruction = reconstruction_objective(objective, batch)
    loss = options.reconstruction_weight * reconstruction
    measures = {"reconstruction": reconstruction}
    if discriminator is not None:
        judge = batch.judged_by(discriminator)
        fake = judge(batch.x_t_fake, batch.x_tp1, batch.t).float()
        real = None
        if options.pairing == "relativistic":
            with torch.no_grad():
                real = judge(batch.x_t, batch.x_tp1, batch.t).float()
        weights = objective.weights_of(batch.t)
        adversarial = losses.generator_loss(fake, real, pairing=options.pairing, weights=weights)
        loss = loss + options.adversarial_weight * adversarial
        measures["loss_g"] = adversarial
    return loss, measures
