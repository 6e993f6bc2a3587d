"""Losses against formulas written again in float64 and numpy; R1 where derivatives are known."""

import numpy as np
import pytest
import torch

from echodiff.diffusion.losses import (
    choose_transitions,
    discriminator_loss,
    generator_loss,
    r1_penalty,
    r1_penalty_finite,
    reconstruction_loss,
    velocity_loss,
)

RANDOM = np.random.default_rng(0)
REAL, FAKE = RANDOM.standard_normal((2, 4, 3)) * 3
WEIGHTS = np.array([0.2, 1.0, 2.0, 0.0])


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array)


def log1pexp(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def weighted(values: np.ndarray, weights: np.ndarray | None) -> float:
    return float((values.mean(axis=1) * (1 if weights is None else weights)).sum() / len(values))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_independent_losses(weights):
    w = None if weights is None else tensor(weights)
    found = discriminator_loss(tensor(REAL), tensor(FAKE), pairing="independent", weights=w)
    assert found.item() == pytest.approx(weighted(log1pexp(-REAL), weights) + weighted(log1pexp(FAKE), weights))
    found = generator_loss(tensor(FAKE), None, pairing="independent", weights=w)
    assert found.item() == pytest.approx(weighted(log1pexp(-FAKE), weights))


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_relativistic_losses(weights):
    w = None if weights is None else tensor(weights)
    found = discriminator_loss(tensor(REAL), tensor(FAKE), pairing="relativistic", weights=w)
    assert found.item() == pytest.approx(weighted(log1pexp(FAKE - REAL), weights))
    found = generator_loss(tensor(FAKE), tensor(REAL), pairing="relativistic", weights=w)
    assert found.item() == pytest.approx(weighted(log1pexp(REAL - FAKE), weights))


def test_undecided_discriminator_costs_two_ln_two():
    zeros = torch.zeros(2, 1)
    assert discriminator_loss(zeros, zeros, pairing="independent").item() == pytest.approx(2 * np.log(2))
    assert discriminator_loss(zeros, zeros, pairing="relativistic").item() == pytest.approx(np.log(2))


class Quadratic(torch.nn.Module):
    """K = 2 logits: a sum(x^2)/2 and b sum(x); gradient of their mean is (a x + b)/2."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
        self.b = torch.nn.Parameter(torch.tensor(-0.5, dtype=torch.float64))

    def forward(self, x_t, x_tp1, t):
        return torch.stack([self.a * x_t.square().sum((1, 2, 3)) / 2, self.b * x_t.sum((1, 2, 3))], dim=1)


def test_r1_and_its_gradient_against_the_closed_form():
    x = RANDOM.standard_normal((3, 1, 5, 5)) * 0.5
    network = Quadratic()
    penalty = r1_penalty(network, tensor(x), tensor(x), torch.zeros(3))
    slope = (1.5 * x - 0.5) / 2
    assert penalty.item() == pytest.approx((slope**2).sum() / 3 / 2, rel=1e-6)
    penalty.backward()
    assert network.a.grad.item() == pytest.approx((slope * x / 2).sum() / 3, rel=1e-5)
    assert network.b.grad.item() == pytest.approx((slope / 2).sum() / 3, rel=1e-5)


def test_finite_r1_has_the_exact_one_as_its_mean():
    x = tensor(RANDOM.standard_normal((4, 1, 5, 5)) * 0.5)
    network, t = Quadratic(), torch.zeros(4)
    exact = r1_penalty(network, x, x, t).item()
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        draws = [
            r1_penalty_finite(network, x, x, t, torch.randn(x.shape, generator=random, dtype=x.dtype)).item()
            for _ in range(3000)
        ]
    assert np.mean(draws) == pytest.approx(exact, abs=4 * np.std(draws) / np.sqrt(len(draws)))
    assert np.std(draws) > 0


class Shallow(torch.nn.Module):
    """Logits of about 2 that hardly depend on the image, through a layer that autocast would round."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 1)
        torch.nn.init.constant_(self.layer.weight, 1e-3)
        torch.nn.init.constant_(self.layer.bias, 2.0)

    def forward(self, x_t, x_tp1, t):
        return self.layer(x_t.flatten(1))


def test_finite_r1_is_not_rounded_away_in_bfloat16():
    random = torch.Generator().manual_seed(0)
    x, directions = torch.randn(4, 1, 8, 8, generator=random), torch.randn(50, 4, 1, 8, 8, generator=random)
    network, t = Shallow(), torch.zeros(4)

    def penalties() -> list[float]:
        return [r1_penalty_finite(network, x, x, t, direction).item() for direction in directions]

    with torch.no_grad():
        exact = penalties()
        with torch.autocast("cpu", torch.bfloat16):
            found = penalties()
    assert exact == pytest.approx(found, rel=1e-6) and np.mean(exact) == pytest.approx(64 * 1e-6 / 2, rel=0.3)


def test_reconstruction_on_pixels_and_on_means():
    a, b = RANDOM.standard_normal((2, 4, 1, 8, 8))
    each = np.abs(a - b).reshape(4, -1)
    found = reconstruction_loss(tensor(a), tensor(b), weights=tensor(WEIGHTS))
    assert found.item() == pytest.approx(weighted(each, WEIGHTS))
    for pool in (2, 4):
        means = (a - b).reshape(4, 8 // pool, pool, 8 // pool, pool).mean(axis=(2, 4)).reshape(4, -1)
        found = reconstruction_loss(tensor(a), tensor(b), pool=pool, weights=tensor(WEIGHTS))
        assert found.item() == pytest.approx(weighted(np.abs(means), WEIGHTS))


def test_transitions_are_drawn_with_their_probabilities():
    uniform = torch.rand(40_000, generator=torch.Generator().manual_seed(0))
    probabilities = torch.tensor([0.4, 0.0, 0.35, 0.25])
    t = choose_transitions(uniform, probabilities)
    share = torch.bincount(t, minlength=4) / len(t)
    torch.testing.assert_close(share, probabilities, atol=0.01, rtol=0)
    assert share[1] == 0
    assert choose_transitions(torch.tensor([0.0, 0.999999940395]), torch.ones(4) / 4).tolist() == [0, 3]
    # In any unit; never one of probability 0; and the last one where rounding to float32 makes a 1 of the number.
    assert choose_transitions(torch.tensor([0.49, 0.51, 0.76]), torch.tensor([2.0, 1.0, 1.0])).tolist() == [0, 1, 2]
    assert choose_transitions(torch.tensor([0.0]), torch.tensor([0.0, 1.0])).tolist() == [1]
    assert choose_transitions(torch.tensor([1 - 1e-12], dtype=torch.float64), torch.ones(4)).tolist() == [3]


def test_a_batch_in_parts_has_the_mean_of_the_parts():
    whole = discriminator_loss(tensor(REAL), tensor(FAKE), pairing="independent")
    parts = [
        discriminator_loss(tensor(REAL[part]), tensor(FAKE[part]), pairing="independent").item()
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert np.mean(parts) == pytest.approx(whole.item())


def test_velocity_loss_is_the_squared_distance_of_velocities():
    x_0, x0_hat, e = RANDOM.standard_normal((3, 2, 1, 4, 4))
    noise = np.array([0.3, 0.8]).reshape(2, 1, 1, 1)
    signal = np.sqrt(1 - noise**2)
    x_tp1 = signal * x_0 + noise * e
    velocity = signal * e - noise * x_0
    velocity_hat = signal * (x_tp1 - signal * x0_hat) / noise - noise * x0_hat
    found = velocity_loss(tensor(x0_hat), tensor(x_0), tensor(noise))
    assert found.item() == pytest.approx(((velocity_hat - velocity) ** 2).mean(), rel=1e-10)
    one = velocity_loss(tensor(x0_hat), tensor(x_0), tensor(noise), tensor(np.array([0.0, 2.0])))
    assert one.item() == pytest.approx(((velocity_hat - velocity)[1] ** 2).mean(), rel=1e-10)
