"""The random numbers that images are drawn from."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

import torch
from torch import Tensor


class SamplingNoise:
    """Standard normal numbers for B images, each image's from a seed of its own, drawn on the CPU as they are needed.

    The numbers of an image follow from its seed and from the order of the calls, never from the other images or from
    the device. Only those of one step are held, so that a thousand steps need no more memory than one.

    seeds: one an image. size: of the images in pixels. latents: a generator's `latent_shapes(size)`. device: where the
    numbers are wanted. pool: threads to draw with.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        size: int,
        latents: Mapping[str, tuple[int, ...]],
        device: torch.device | str = "cpu",
        pool: Executor | None = None,
    ):
        self._random = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._size, self._latents, self._device, self._pool = size, latents, device, pool

    def image(self) -> Tensor:
        """Noise of the images' shape, (B, 1, H, W)."""
        return self._draw((1, self._size, self._size))

    def latents(self) -> dict[str, Tensor]:
        """The latents of one call of the generator, name -> (B, ...)."""
        return self._drawn(self._latents)

    def traits(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """The traits of the images, name -> (B, ...), by a generator's `trait_shapes()`."""
        return self._drawn(shapes)

    def _drawn(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        return {name: self._draw(shapes[name]) for name in sorted(shapes)}

    def _draw(self, shape: tuple[int, ...]) -> Tensor:
        noise = torch.empty(len(self._random), *shape)

        def fill(row: int) -> None:
            noise[row].normal_(generator=self._random[row])

        list((self._pool.map if self._pool else map)(fill, range(len(noise))))
        return noise.to(self._device, non_blocking=True)
