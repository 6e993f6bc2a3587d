"""The random numbers that images are drawn from.

torch's generators give other numbers on a GPU than on a CPU, and one seed for a whole batch. Here a number follows from
its image's seed and its place alone, so that all images' numbers are computed at once, on the device that wants them:
fetched from the CPU, they would take a GPU longer than the networks do.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

WORD = (1 << 32) - 1


def _signed(word: int) -> int:
    """An unsigned number of 64 bits as torch's int64 holds it."""
    return word - (1 << 64) if word >= 1 << 63 else word


GAMMA = _signed(0x9E3779B97F4A7C15)
ROUNDS = ((30, _signed(0xBF58476D1CE4E5B9)), (27, _signed(0x94D049BB133111EB)), (31, 1))


class SamplingNoise:
    """Standard normal numbers for B images, each image's from a seed of its own, computed as they are needed.

    The numbers of an image follow from its seed and from the order of the calls, never from the other images and, but
    for rounding, not from the device. Only those of one step are held, so that a thousand steps need no more memory
    than one.

    seeds: one an image, of 63 bits. size: of the images in pixels. latents: a generator's `latent_shapes(size)`.
    device: where the numbers are wanted.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        *,
        size: int,
        latents: Mapping[str, tuple[int, ...]],
        device: torch.device | str = "cpu",
    ):
        self._seeds = torch.tensor(list(seeds), dtype=torch.int64).to(device, non_blocking=True)
        self._place, self._size, self._latents = 0, size, latents

    def image(self) -> Tensor:
        """Noise of the images' shape, (B, 1, H, W)."""
        return self._drawn({"image": (1, self._size, self._size)})["image"]

    def latents(self) -> dict[str, Tensor]:
        """The latents of one call of the generator, name -> (B, ...)."""
        return self._drawn(self._latents)

    def traits(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """The traits of the images, name -> (B, ...), by a generator's `trait_shapes()`."""
        return self._drawn(shapes)

    def _drawn(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        names = sorted(shapes)
        counts = [math.prod(shapes[name]) for name in names]
        pairs = -(-sum(counts) // 2)
        words = random_words(self._seeds, self._place, pairs)
        self._place += pairs
        parts = normal_numbers(words)[:, : sum(counts)].split(counts, dim=1)
        return {name: part.reshape(-1, *shapes[name]) for name, part in zip(names, parts, strict=True)}


def random_words(seeds: Tensor, start: int, count: int) -> Tensor:
    """The numbers `start` .. `start + count - 1` of SplitMix64 begun at each seed: 64 random bits each.

    Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators". Its state is the seed plus a
    multiple of `GAMMA`, so that any number is had without those before it.

    Args:
        seeds: (B,) int64.

    Returns:
        (B, count) int64.
    """
    places = torch.arange(start + 1, start + count + 1, dtype=torch.int64, device=seeds.device)
    words = seeds[:, None] + places * GAMMA  # multiplication and addition modulo 2^64
    for shift, factor in ROUNDS:
        # torch's shift repeats the sign; the mask makes the bits that come in from above zeros.
        words.bitwise_xor_((words >> shift).bitwise_and_((1 << (64 - shift)) - 1)).mul_(factor)
    return words


def normal_numbers(words: Tensor) -> Tensor:
    """(B, 2 n) float32 ~ N(0, 1), at most 6.8 away from 0, from 64 random bits each (B, n): Box and Muller 1958."""
    upper, lower = ((half & WORD).float() for half in (words >> 32, words))
    radius = upper.add_(0.5).mul_(2.0**-32).log_().mul_(-2).sqrt_()
    angle = lower.mul_(2 * math.pi * 2.0**-32)
    return torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)
