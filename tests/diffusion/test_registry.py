"""Every network that the configuration offers is and does what training and sampling ask of it."""

from typing import get_args

import pytest
import torch

from echodiff.config.networks import (
    DiscriminatorInterface,
    DiscriminatorOptions,
    GeneratorInterface,
    GeneratorOptions,
)
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.generator import Generator
from echodiff.diffusion.networks.registry import DISCRIMINATORS, GENERATORS, build_discriminator, build_generator
from echodiff.diffusion.schedule import make_schedule

STEPS, GUIDES, BATCH = 5, 3, 2
T = torch.tensor([0, STEPS - 1])


def kinds(options) -> tuple[type, ...]:
    """The option classes among which the configuration chooses by name."""
    return get_args(get_args(options)[0])


def numbers(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def of_batch(shapes: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {name: (BATCH, *shape) for name, shape in shapes.items()}


def shapes_of(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize("options, registry", [(GeneratorOptions, GENERATORS), (DiscriminatorOptions, DISCRIMINATORS)])
def test_the_configuration_offers_what_the_registry_has(options, registry):
    assert {kind().name for kind in kinds(options)} == set(registry)


@pytest.mark.parametrize("kind", kinds(GeneratorOptions))
def test_a_generator_is_what_training_and_sampling_ask_for(kind):
    options = kind()
    assert isinstance(options, GeneratorInterface)
    size = options.size_multiple * (options.window // options.size_multiple + 1)
    generator = build_generator(options, size, guide_channels=GUIDES, steps=STEPS)
    assert isinstance(generator, Generator) and generator.window == options.window
    images = numbers(4, 1, size, size).clamp(-1, 1)
    generator.calibrate(images, make_schedule(STEPS, 0.1, 20.0))
    traits = generator.describe(images[:BATCH])
    assert shapes_of(traits) == of_batch(generator.trait_shapes())
    latents = {name: numbers(*shape) for name, shape in of_batch(generator.latent_shapes(size)).items()}
    z, x, guide = {**latents, **traits}, numbers(BATCH, 1, size, size), numbers(BATCH, GUIDES, size, size)
    with torch.no_grad():
        image = generator(x, guide, T, z)
        assert image.shape == x.shape and image.abs().max() <= 1
        if options.window:
            part = generator(x, guide, T, z, torch.zeros(BATCH, 2, dtype=torch.int64))
            assert part.shape == (BATCH, 1, options.window, options.window)


@pytest.mark.parametrize("kind", [kind for kind in kinds(GeneratorOptions) if kind.predicts_velocity])
def test_a_generator_of_velocities_is_not_bounded(kind):
    size = kind().size_multiple
    generator = build_generator(kind(), size, guide_channels=GUIDES, steps=STEPS, bounded=False)
    last = list(generator.parameters())[-1]
    torch.nn.init.constant_(last, 3.0)  # the bias of its output
    z = {name: numbers(*shape) for name, shape in of_batch(generator.latent_shapes(size)).items()}
    with torch.no_grad():
        velocity = generator(numbers(BATCH, 1, size, size), numbers(BATCH, GUIDES, size, size), T, z)
    assert velocity.abs().max() > 1


@pytest.mark.parametrize("kind", kinds(DiscriminatorOptions))
def test_a_discriminator_is_what_training_asks_for(kind):
    options = kind()
    assert isinstance(options, DiscriminatorInterface) and options.group >= 1
    size = 2 * options.size_multiple
    discriminator = build_discriminator(options, size, steps=STEPS)
    assert isinstance(discriminator, Discriminator)
    discriminator.calibrate(numbers(4, 1, size, size).clamp(-1, 1), make_schedule(STEPS, 0.1, 20.0))
    x_t, x_tp1 = numbers(2, BATCH, 1, size, size)
    with torch.no_grad():
        logits = discriminator(x_t, x_tp1, T)
        assert logits.ndim == 2 and len(logits) == BATCH and logits.isfinite().all()
        if options.judges_windows:
            half, corners = size // 2, torch.zeros(BATCH, 2, dtype=torch.int64)
            windows = discriminator(x_t[..., :half, :half], x_tp1[..., :half, :half], T, corners)
            assert windows.ndim == 2 and len(windows) == BATCH
