"""The diffusion process with few, large steps (Xiao et al. 2022, arXiv 2112.07804).

Steps are counted as in the paper: x_0 is the image, x_T is noise. A tensor `t` in 0..T-1 names the transition
x_{t+1} -> x_t, which is what both networks are told.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from echodiff.diffusion.variances import variances


@dataclass(frozen=True)
class Schedule:
    """Coefficients of the forward process and of its posterior, float32, on one device.

    steps: T.
    beta: (T,) variance added by the transition x_t -> x_{t+1}.
    signal, noise: (T+1,) so that x_t = signal[t] x_0 + noise[t] e; signal[0] = 1, noise[0] = 0.
    posterior_x0, posterior_xt, posterior_std: (T,) so that q(x_t | x_{t+1}, x_0) has the mean
        posterior_x0[t] x_0 + posterior_xt[t] x_{t+1} and the deviation posterior_std[t].
    """

    steps: int
    beta: Tensor
    signal: Tensor
    noise: Tensor
    posterior_x0: Tensor
    posterior_xt: Tensor
    posterior_std: Tensor

    def to(self, device: torch.device | str) -> "Schedule":
        """The same schedule on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if name != "steps"}
        return Schedule(self.steps, **moved)

    def at(self, coefficients: Tensor, t: Tensor) -> Tensor:
        """Entry `t` (B,) of one of the tables, shaped (B, 1, 1, 1) to multiply images."""
        return coefficients[t].view(-1, 1, 1, 1)


def make_schedule(steps: int = 4, beta_min: float = 0.1, beta_max: float = 20.0) -> Schedule:
    """The schedule with `steps` transitions; the defaults are the paper's.

    Raises:
        ValueError: as `variances`.
    """
    beta = torch.tensor(variances(steps, beta_min, beta_max), dtype=torch.float64)
    abar = torch.cat([torch.ones(1, dtype=torch.float64), torch.cumprod(1 - beta, 0)])
    before, after = abar[:-1], abar[1:]
    # Ho et al. 2020, eq. 7, with x_{t+1} in the place of their x_t.
    posterior_x0 = before.sqrt() * beta / (1 - after)
    posterior_xt = (1 - beta).sqrt() * (1 - before) / (1 - after)
    posterior_variance = beta * (1 - before) / (1 - after)
    tables = (beta, abar.sqrt(), (1 - abar).sqrt(), posterior_x0, posterior_xt, posterior_variance.sqrt())
    return Schedule(steps, *(table.float() for table in tables))


def q_sample(schedule: Schedule, x_0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t ~ q(x_t | x_0) for t (B,) in 0..T; images and noise (B, 1, H, W)."""
    return schedule.at(schedule.signal, t) * x_0 + schedule.at(schedule.noise, t) * noise


def q_sample_pair(
    schedule: Schedule, x_0: Tensor, t: Tensor, noise_t: Tensor, noise_tp1: Tensor
) -> tuple[Tensor, Tensor]:
    """(x_t, x_{t+1}) of one forward trajectory, for t (B,) in 0..T-1; images and noises (B, 1, H, W)."""
    x_t = q_sample(schedule, x_0, t, noise_t)
    beta = schedule.at(schedule.beta, t)
    return x_t, (1 - beta).sqrt() * x_t + beta.sqrt() * noise_tp1


def q_posterior_sample(schedule: Schedule, x_0: Tensor, x_tp1: Tensor, t: Tensor, noise: Tensor) -> Tensor:
    """x_t ~ q(x_t | x_{t+1}, x_0) for t (B,) in 0..T-1; at t = 0 this is x_0 itself."""
    mean = schedule.at(schedule.posterior_x0, t) * x_0 + schedule.at(schedule.posterior_xt, t) * x_tp1
    return mean + schedule.at(schedule.posterior_std, t) * noise


def image_of_velocity(schedule: Schedule, velocity: Tensor, x_tp1: Tensor, t: Tensor) -> Tensor:
    """x_0 from x_{t+1} and its velocity, v = signal e - noise x_0 (Salimans and Ho 2022, Appendix D)."""
    level = t + 1
    return schedule.at(schedule.signal, level) * x_tp1 - schedule.at(schedule.noise, level) * velocity
