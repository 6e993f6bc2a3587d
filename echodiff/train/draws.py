"""The random numbers of one training step.

They are a function of the seed and the step alone: drawn for the whole global batch on every device, of which each
process takes its rows. So a run that is continued needs no stored random state, and any number of processes, or of
parts of a batch, sees the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from echodiff.store.provenance import seed_of
from echodiff.train.augment import ELASTIC_GRID, NUMBERS


@dataclass(frozen=True)
class Draw:
    """Random numbers of one pass through the networks, for B images.

    uniform: (B,) in [0, 1), chooses the transition. e_t, e_tp1, e_posterior: (B, 1, H, W) ~ N(0, 1), noise of the
    pair x_t, x_{t+1} and of the fake step. place: (B, 2) in [0, 1), chooses the window that is learned from.
    latents: name -> (B, ...) ~ N(0, 1).
    """

    uniform: Tensor
    e_t: Tensor
    e_tp1: Tensor
    e_posterior: Tensor
    place: Tensor
    latents: dict[str, Tensor]

    def rows(self, rows: slice) -> "Draw":
        """The numbers of some of the images."""
        own = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "latents"}
        return Draw(**own, latents={name: latent[rows] for name, latent in self.latents.items()})


@dataclass(frozen=True)
class StepDraw:
    """All random numbers of a step: of the augmentation, and a pass for each network."""

    augment_uniform: Tensor
    augment_normal: Tensor
    discriminator: Draw
    generator: Draw

    def rows(self, rows: slice) -> "StepDraw":
        """The numbers of some of the images."""
        return StepDraw(
            self.augment_uniform[rows],
            self.augment_normal[rows],
            self.discriminator.rows(rows),
            self.generator.rows(rows),
        )


def draw_step(
    seed: int,
    step: int,
    *,
    batch_size: int,
    size: int,
    latents: Mapping[str, tuple[int, ...]],
    shared: bool,
    device: torch.device,
) -> StepDraw:
    """The numbers of a step for the whole global batch; with `shared` both networks have the same pass."""
    random = torch.Generator(device).manual_seed(seed_of(seed, "step", step))

    def normal(*shape: int) -> Tensor:
        return torch.randn(batch_size, *shape, generator=random, device=device)

    def draw() -> Draw:
        uniform = torch.rand(batch_size, generator=random, device=device)
        noises = [normal(1, size, size) for _ in range(3)]
        place = torch.rand(batch_size, 2, generator=random, device=device)
        return Draw(uniform, *noises, place, latents={name: normal(*latents[name]) for name in sorted(latents)})

    augment_uniform = torch.rand(batch_size, NUMBERS, generator=random, device=device) * 2 - 1
    augment_normal = normal(2, ELASTIC_GRID, ELASTIC_GRID)
    first = draw()
    return StepDraw(augment_uniform, augment_normal, first, first if shared else draw())


def draw_direction(seed: int, step: int, *, batch_size: int, size: int, device: torch.device) -> Tensor:
    """The direction of the finite R1 for the whole global batch, (B, 1, H, W) ~ N(0, 1)."""
    random = torch.Generator(device).manual_seed(seed_of(seed, "direction", step))
    return torch.randn(batch_size, 1, size, size, generator=random, device=device)
