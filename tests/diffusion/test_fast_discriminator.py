"""The small discriminator: sees texture that a raw network is blind to, in windows as in whole images."""

import pytest
import torch

from echodiff.config.models import Model
from echodiff.config.networks import FastDiscriminator as Options
from echodiff.diffusion.losses import discriminator_loss, r1_penalty
from echodiff.diffusion.networks.registry import build_discriminator
from echodiff.diffusion.schedule import make_schedule, q_sample_pair
from echodiff.errors import ConfigError

SCHEDULE = make_schedule()


def textured(batch: int, size: int, random: torch.Generator) -> torch.Tensor:
    """Smooth anatomy, the same in all, under faint noise that is correlated along rows."""
    noise = torch.randn(batch, 1, size, size + 4, generator=random)
    correlated = torch.nn.functional.avg_pool2d(noise, (1, 5), stride=1) * 5**0.5
    ramp = torch.linspace(-0.6, 0.6, size)[:, None].expand(size, size)
    return ramp + 0.1 * correlated


def white(batch: int, size: int, random: torch.Generator) -> torch.Tensor:
    """The same anatomy and spread of noise, without the correlation."""
    ramp = torch.linspace(-0.6, 0.6, size)[:, None].expand(size, size)
    return ramp + 0.1 * torch.randn(batch, 1, size, size, generator=random)


def discriminator(size: int = 64, **options):
    torch.manual_seed(0)
    network = build_discriminator(Options(channels=8, **options), size)
    network.calibrate(textured(4, size, torch.Generator().manual_seed(9)), SCHEDULE)
    return network


def test_logits_are_of_texture_and_structure():
    network = discriminator()
    x, t = torch.randn(4, 1, 64, 64), torch.arange(4)
    logits = network(x, x, t)
    assert logits.shape == (4, 16 * 16 + 8 * 8)
    # Where texture is not judged, only the coarse logits are there, repeated.
    assert len(logits[3].unique()) <= 8 * 8 < len(logits[0].unique())


def test_fine_channels_have_a_deviation_near_one():
    network = discriminator()
    random = torch.Generator().manual_seed(3)
    images, place = textured(4, 64, random), network.place.expand(4, -1, -1, -1)
    for step in range(4):
        t = torch.full((4,), step)
        noises = [torch.randn(4, 1, 64, 64, generator=random) for _ in range(2)]
        x_t, x_tp1 = q_sample_pair(SCHEDULE, images, t, *noises)
        channels = network.fine_channels(x_t, x_tp1, place, t)
        assert channels[:, 0].std().item() == pytest.approx(1, rel=0.15)  # detail
        assert channels[:, 4].std().item() == pytest.approx(1, rel=0.05)  # residual


def test_learns_to_tell_texture_within_sixty_steps():
    network, random = discriminator(), torch.Generator().manual_seed(1)
    adam = torch.optim.Adam(network.parameters(), lr=2e-3, betas=(0.0, 0.9))
    t, losses = torch.zeros(4, dtype=torch.int64), []
    for _ in range(60):
        real, fake = textured(4, 64, random), white(4, 64, random)
        _, x_tp1 = q_sample_pair(SCHEDULE, real, t, torch.zeros_like(real), torch.randn(4, 1, 64, 64, generator=random))
        loss = discriminator_loss(network(real, x_tp1, t), network(fake, x_tp1, t), pairing="relativistic")
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(0.69, abs=0.1)
    assert sum(losses[-10:]) / 10 < 0.35


def test_a_window_knows_its_place():
    network = discriminator()
    x, t = torch.randn(2, 1, 32, 32), torch.zeros(2, dtype=torch.int64)
    here, there = torch.tensor([[0, 0], [0, 0]]), torch.tensor([[32, 32], [0, 0]])
    with torch.no_grad():
        first, second = network(x, x, t, here), network(x, x, t, there)
    assert not torch.allclose(first[0], second[0])
    torch.testing.assert_close(first[1], second[1])


def test_every_weight_learns_from_the_loss_and_from_the_penalty():
    network = discriminator()
    x, t = torch.randn(4, 1, 64, 64), torch.arange(4)
    (network(x, torch.randn_like(x), t).mean() + r1_penalty(network, x, x, t)).backward()
    silent = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert silent == []


def test_windows_are_refused_beside_a_discriminator_that_has_no_place():
    with pytest.raises((ValueError, ConfigError), match="generator.window: 0"):
        Model.model_validate({"preset": "fast", "discriminator": {"name": "residual"}})
    Model.model_validate({"preset": "fast", "discriminator": {"name": "residual"}, "generator": {"window": 0}})
