"""Drawing images from a generator, while it learns and when it has learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from echodiff.config.models import Model
from echodiff.devices.precision import autocast
from echodiff.diffusion.guides import draw_guide
from echodiff.diffusion.reverse import Reverse
from echodiff.diffusion.sampler import sample
from echodiff.diffusion.sampling_noise import SamplingNoise
from echodiff.store.intensity import to_model, to_uint8
from echodiff.train.data import Planes
from echodiff.train.generator_file import reverse_of


@dataclass(frozen=True)
class Drawing:
    """A generator that images are drawn from.

    network: in evaluation mode, on `device`. model: its options.
    """

    network: nn.Module
    model: Model
    device: torch.device

    @cached_property
    def _reverse(self) -> Reverse:
        return reverse_of(self.model).to(self.device)

    def images(self, cases: Planes, seeds: Sequence[int], *, strength: float = 1.0) -> Tensor:
        """An image for each case, uint8 (B, H, W) on the CPU, which follows from its guide and its seed alone.

        Args:
            cases: B cases, whose label maps and sectors guide and whose images are begun from where `strength` is
                below 1.
            seeds: B numbers.
            strength: as `echodiff.diffusion.sampler.sample` has it.
        """
        own, guide, size = cases.to(self.device), self.model.guide, cases.images.shape[-1]
        source = to_model(own.images)
        latents = self.network.latent_shapes(size)
        noise = SamplingNoise(seeds, size=size, latents=latents, device=self.device)
        guides = draw_guide(own.masks, own.sectors, style=guide.style, sector=guide.sector)
        # An image that begins from its source keeps what is a property of it.
        traits = noise.traits(self.network.trait_shapes()) if strength == 1 else self.network.describe(source)
        options = {"traits": traits, "source": source, "strength": strength}
        with autocast(self.model.speed, self.device):
            drawn = sample(self.network, self._reverse, guides, noise, **options)
        return to_uint8(drawn)[:, 0].cpu()
