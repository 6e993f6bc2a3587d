"""The noise that images are drawn from: known words, normal numbers, each image's its own."""

import math

import pytest
import torch
from scipy.stats import kstest

from echodiff.diffusion.sampling_noise import SamplingNoise, normal_numbers, random_words

LATENTS = {"z": (5,), "pixel": (2, 16, 16)}


def unsigned(words: torch.Tensor) -> list[int]:
    return [int(word) % 2**64 for word in words]


def noise_of(seeds, size=16) -> SamplingNoise:
    return SamplingNoise(seeds, size=size, latents=LATENTS)


def test_words_are_those_of_splitmix64():
    """The published numbers of the seed 1234567, and the algorithm in unlimited integers for others."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    assert unsigned(random_words(torch.tensor([1234567]), 0, 5)[0]) == known
    seeds = [0, 1, 2**63 - 1]
    words = random_words(torch.tensor(seeds), 3, 2)
    for seed, own in zip(seeds, words, strict=True):
        assert unsigned(own) == [splitmix64(seed, 3), splitmix64(seed, 4)]


def splitmix64(seed: int, place: int) -> int:
    z = (seed + (place + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_numbers_are_normal_and_independent():
    numbers = normal_numbers(random_words(torch.arange(8), 0, 2**15))
    assert numbers.shape == (8, 2**16) and numbers.dtype == torch.float32
    assert kstest(numbers.flatten().numpy(), "norm").pvalue > 0.01
    # Each correlation of 2^16 pairs has a deviation of 2^-8.
    between_images = torch.corrcoef(numbers).fill_diagonal_(0).abs().max()
    between_neighbours = torch.corrcoef(torch.stack([numbers[:, :-1].flatten(), numbers[:, 1:].flatten()]))[0, 1]
    halves = torch.corrcoef(torch.stack([numbers[:, : 2**15].flatten(), numbers[:, 2**15 :].flatten()]))[0, 1]
    assert between_images < 5 / 2**8 and abs(between_neighbours) < 5 / 2**9.5 and abs(halves) < 5 / 2**9


def test_numbers_are_those_of_box_and_muller():
    """The first half of a word gives the distance from 0, the second the angle."""
    halves = [(12345, 2**30), (2**31, 3 * 2**29), (2**32 - 7, 99), (2**20, 2**32 - 2**28)]
    words = torch.tensor([[upper * 2**32 + lower - (upper >= 2**31) * 2**64 for upper, lower in halves]])
    radii = [math.sqrt(-2 * math.log((upper + 0.5) / 2**32)) for upper, _ in halves]
    angles = [2 * math.pi * lower / 2**32 for _, lower in halves]
    expected = [radius * math.cos(angle) for radius, angle in zip(radii, angles, strict=True)]
    expected += [radius * math.sin(angle) for radius, angle in zip(radii, angles, strict=True)]
    assert normal_numbers(words)[0].tolist() == pytest.approx(expected, abs=1e-4)


def test_latents_are_the_same_in_whatever_order_they_are_named():
    backwards = SamplingNoise([3], size=16, latents=dict(reversed(LATENTS.items()))).latents()
    assert all(torch.equal(backwards[name], latent) for name, latent in noise_of([3]).latents().items())


def test_the_ends_of_the_range_are_finite():
    ends = torch.tensor([[0, -1, 2**63 - 1, -(2**63)]])
    numbers = normal_numbers(ends)
    assert torch.isfinite(numbers).all() and numbers.abs().max() == pytest.approx(6.76, abs=0.01)
    assert ends.tolist() == [[0, -1, 2**63 - 1, -(2**63)]]


@pytest.mark.parametrize("size", [16, 64])
def test_an_image_s_numbers_are_its_own_in_every_batch(size):
    together, alone = noise_of([5, 6, 7], size), noise_of([6], size)
    for _ in range(2):
        torch.testing.assert_close(together.image()[1:2], alone.image(), rtol=0, atol=1e-6)
        first, second = together.latents(), alone.latents()
        assert first.keys() == second.keys() == LATENTS.keys()
        for name, shape in LATENTS.items():
            assert first[name].shape == (3, *shape)
            torch.testing.assert_close(first[name][1:2], second[name], rtol=0, atol=1e-6)


def test_no_number_comes_twice():
    noise = noise_of([1])
    parts = [*noise.latents().values(), noise.image(), *noise.traits({"gain": (3,)}).values(), noise.image()]
    numbers = torch.cat([part.flatten() for part in parts])
    assert len(numbers) == 5 + 512 + 256 + 3 + 256
    # Of so few numbers no two agree by chance to 24 bits but rarely; a place used twice repeats hundreds.
    assert len(numbers.unique()) > len(numbers) - 4
