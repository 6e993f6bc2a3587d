"""From noise to image: which noise levels a sampler visits, and how it gets from one to the next."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from echodiff.diffusion.sampling_noise import SamplingNoise
from echodiff.diffusion.schedule import Schedule, image_of_velocity, q_posterior_sample


@dataclass(frozen=True)
class Reverse:
    """The reverse process of a model.

    prediction: what the network puts out, "image" (x_0) or "velocity". method: "posterior", a draw from
    q(x_t | x_{t+1}, x_0) at every step; "ddim", without noise. levels: the noise levels that are visited, from 0,
    the image, upwards to T.
    """

    schedule: Schedule
    prediction: str
    method: str
    levels: tuple[int, ...]

    @classmethod
    def of(cls, schedule: Schedule, *, prediction: str, method: str, steps: int) -> "Reverse":
        """The process in `steps` steps: all T where the method is "posterior", `levels_for_ddim` else."""
        levels = levels_for_ddim(schedule.steps, steps) if method == "ddim" else range(schedule.steps + 1)
        return cls(schedule, prediction, method, tuple(levels))

    @property
    def steps(self) -> int:
        """Calls of the network from pure noise to the image."""
        return len(self.levels) - 1

    def to(self, device: torch.device | str) -> "Reverse":
        """The same process on another device."""
        return replace(self, schedule=self.schedule.to(device))

    def estimate(self, output: Tensor, x_tp1: Tensor, t: Tensor) -> Tensor:
        """x_0 (B, 1, H, W) from what the network put out for x_{t+1}, within the range of images."""
        x0_hat = output if self.prediction == "image" else image_of_velocity(self.schedule, output, x_tp1, t)
        return x0_hat.clamp(-1, 1)

    def back(self, x0_hat: Tensor, x: Tensor, step: int, noise: SamplingNoise) -> Tensor:
        """From the image x at levels[step + 1] to the one at levels[step], given the estimate of x_0."""
        if step == 0:
            return x0_hat
        if self.method == "ddim":
            return ddim_step(self.schedule, x0_hat, x, self.levels[step + 1], self.levels[step])
        t = torch.full((len(x),), step, dtype=torch.int64, device=x.device)
        return q_posterior_sample(self.schedule, x0_hat, x, t, noise.image())


def levels_for_ddim(transitions: int, steps: int) -> list[int]:
    """Noise levels, `steps` + 1 of 0..`transitions`, at even distances of their roots (Song et al. 2021, App. D.2).

    Even distances of the levels would leave out most of those at which texture is decided: in 50 steps of 1000 pixels
    of deviation 0.05, as speckle has, would come out with 0.51 of it; so they come out with 0.91.
    """
    levels = [0]
    for i in range(1, steps + 1):
        levels.append(max(levels[-1] + 1, round(transitions * (i / steps) ** 2)))
    return levels


def ddim_step(schedule: Schedule, x0_hat: Tensor, x: Tensor, level: int, below: int) -> Tensor:
    """x at the noise level `below`, along the estimated noise in x at `level` (Song et al. 2021, eq. 12, eta = 0)."""
    e_hat = (x - schedule.signal[level] * x0_hat) / schedule.noise[level]
    return schedule.signal[below] * x0_hat + schedule.noise[below] * e_hat
