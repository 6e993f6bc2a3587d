"""Drawing images from a trained generator.

All random numbers of an image come from a seed of its own, in a fixed order. An image therefore depends on its guide
and its seed alone: not on the batch it was in, nor on how the cases were divided among processes, nor on the kind of
device (up to rounding).
"""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from echodiff.diffusion.reverse import Reverse
from echodiff.diffusion.sampling_noise import SamplingNoise
from echodiff.diffusion.schedule import q_sample

Generator = Callable[[Tensor, Tensor, Tensor, dict[str, Tensor]], Tensor]


def steps_from_strength(steps: int, strength: float) -> int:
    """Steps that are run when the process begins at a source noised to `strength` of the steps."""
    return max(1, math.ceil(strength * steps - 1e-9))


@torch.no_grad()
def sample(
    generator: Generator,
    reverse: Reverse,
    guide: Tensor,
    noise: SamplingNoise,
    *,
    traits: Mapping[str, Tensor] | None = None,
    source: Tensor | None = None,
    strength: float = 1.0,
) -> Tensor:
    """Draw an image for each guide: exactly `reverse.steps` calls of the generator, fewer for `strength` below 1.

    Xiao et al. 2022, Section 3.2: x_T ~ N(0, I); for t = T-1 .. 0, x_0 = G(x_{t+1}, guide, t, z) and
    x_t ~ q(x_t | x_{t+1}, x_0).

    Args:
        guide: (B, G, H, W) in [-1, 1].
        noise: on the guide's device; `reverse` too.
        traits: of the images, for a generator that has any.
        source: (B, 1, H, W) in [-1, 1], the images to begin from where `strength` is below 1.
        strength: 1, begin from pure noise; less, from `source` noised to that share of the steps.

    Returns:
        (B, 1, H, W) in [-1, 1].
    """
    first = steps_from_strength(reverse.steps, strength)
    x = noise.image()
    if strength < 1:
        if source is None:
            raise ValueError("sample: strength below 1 needs the source images to begin from")
        x = q_sample(reverse.schedule, source, _filled(guide, reverse.levels[first]), x)
    for step in reversed(range(first)):
        t = _filled(guide, reverse.levels[step + 1] - 1)
        output = generator(x, guide, t, {**noise.latents(), **(traits or {})}).float()
        x = reverse.back(reverse.estimate(output, x, t), x, step, noise)
    return x


def _filled(guide: Tensor, step: int) -> Tensor:
    return torch.full((guide.shape[0],), step, dtype=torch.int64, device=guide.device)
