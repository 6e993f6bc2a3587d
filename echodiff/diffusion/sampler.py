"""Drawing images from a trained generator.

All random numbers of an image come from a seed of its own, drawn on the CPU in a fixed order. An image
therefore depends on its guide and its seed alone: not on the batch it was in, nor on how the cases were
divided among processes, nor on the kind of device (up to rounding).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from echodiff.diffusion.schedule import Schedule, q_posterior_sample, q_sample

Generator = Callable[[Tensor, Tensor, Tensor, dict[str, Tensor]], Tensor]


@dataclass(frozen=True)
class SamplingNoise:
    """Standard normal numbers for a batch of B images.

    start: (B, 1, H, W). steps: (B, T, 1, H, W), entry t for the transition x_{t+1} -> x_t; 0 is not used.
    latents: name -> (B, T, ...), entry t for the same transition.
    """

    start: Tensor
    steps: Tensor
    latents: dict[str, Tensor]

    def to(self, device: torch.device | str) -> "SamplingNoise":
        """The same numbers on another device."""
        latents = {name: latent.to(device, non_blocking=True) for name, latent in self.latents.items()}
        start, steps = (noise.to(device, non_blocking=True) for noise in (self.start, self.steps))
        return SamplingNoise(start, steps, latents)


def draw_noise(
    seeds: Sequence[int], *, size: int, steps: int, latents: Mapping[str, tuple[int, ...]], threads: int = 1
) -> SamplingNoise:
    """The noise of one image for each seed, on the CPU; `latents` are a generator's `latent_shapes(size)`."""
    batch = len(seeds)
    noise = SamplingNoise(
        torch.empty(batch, 1, size, size),
        torch.zeros(batch, steps, 1, size, size),
        {name: torch.empty(batch, steps, *shape) for name, shape in latents.items()},
    )

    def fill(row: int) -> None:
        random = torch.Generator().manual_seed(seeds[row])
        noise.start[row].normal_(generator=random)
        for t in reversed(range(steps)):
            for name in sorted(noise.latents):
                noise.latents[name][row, t].normal_(generator=random)
            if t > 0:
                noise.steps[row, t].normal_(generator=random)

    if threads == 1 or batch == 1:
        for row in range(batch):
            fill(row)
    else:
        with ThreadPoolExecutor(min(threads, batch)) as pool:
            list(pool.map(fill, range(batch)))
    return noise


def steps_from_strength(steps: int, strength: float) -> int:
    """Transitions that are run when the process begins at a source noised to `strength` of the steps."""
    return max(1, math.ceil(strength * steps - 1e-9))


@torch.no_grad()
def sample(
    generator: Generator,
    schedule: Schedule,
    guide: Tensor,
    noise: SamplingNoise,
    *,
    source: Tensor | None = None,
    strength: float = 1.0,
) -> Tensor:
    """Draw an image for each guide: exactly T calls of the generator, fewer for `strength` below 1.

    Xiao et al. 2022, Section 3.2: x_T ~ N(0, I); for t = T-1 .. 0, x_0 = G(x_{t+1}, guide, t, z) and
    x_t ~ q(x_t | x_{t+1}, x_0).

    Args:
        guide: (B, G, H, W) in [-1, 1].
        noise: from `draw_noise`, on the guide's device; `schedule` too.
        source: (B, 1, H, W) in [-1, 1], the images to begin from where `strength` is below 1.
        strength: 1, begin from pure noise; less, from `source` noised to that share of the steps.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    first = steps_from_strength(schedule.steps, strength)
    x = noise.start
    if strength < 1:
        if source is None:
            raise ValueError("sample: strength below 1 needs the source images to begin from")
        x = q_sample(schedule, source, _filled(guide, first), noise.start)
    for step in reversed(range(first)):
        t = _filled(guide, step)
        x0_hat = generator(x, guide, t, {name: latent[:, step] for name, latent in noise.latents.items()})
        x = q_posterior_sample(schedule, x0_hat.float(), x, t, noise.steps[:, step])
    return x


def _filled(guide: Tensor, step: int) -> Tensor:
    return torch.full((guide.shape[0],), step, dtype=torch.int64, device=guide.device)
