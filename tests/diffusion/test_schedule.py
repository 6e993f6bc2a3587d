"""The diffusion process: golden values, ranges, and that its parts agree with one another."""

import pytest
import torch

from echodiff.config.models import Diffusion
from echodiff.diffusion.schedule import make_schedule, q_posterior_sample, q_sample, q_sample_pair
from echodiff.diffusion.variances import variances

# beta, product of (1 - beta), posterior weight of x_0, of x_t, posterior variance; 7 figures.
GOLDEN = [
    (0.4782553, 0.5217447, 1.0, 0.0, 0.0),
    (0.8492060, 0.0786760, 0.6657785, 0.2015763, 0.4408191),
    (0.9564177, 0.00342888, 0.2691908, 0.1930009, 0.8842024),
    (0.9874039, 4.31904e-5, 0.0578216, 0.1118522, 0.9840608),
]


def test_golden_values_of_the_four_steps():
    schedule = make_schedule(4)
    columns = zip(*GOLDEN, strict=True)
    beta, product, of_x0, of_xt, variance = (torch.tensor(column) for column in columns)
    for found, expected in (
        (schedule.beta, beta),
        (schedule.signal[1:] ** 2, product),
        (schedule.posterior_x0, of_x0),
        (schedule.posterior_xt, of_xt),
        (schedule.posterior_std**2, variance),
    ):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_variances_are_exact_to_the_printed_figures():
    assert variances(4, 0.1, 20.0) == pytest.approx([row[0] for row in GOLDEN], abs=5e-8, rel=0)


@pytest.mark.parametrize("steps", [1, 2, 8, 1000])
def test_any_number_of_steps_ends_in_the_same_noise(steps):
    schedule = make_schedule(steps)
    assert schedule.signal[0] == 1 and schedule.noise[0] == 0
    torch.testing.assert_close(schedule.signal[-1] ** 2, torch.tensor(4.31904e-5), atol=1e-9, rtol=1e-4)
    assert all(bool(table.isfinite().all()) for name, table in vars(schedule).items() if name != "steps")


@pytest.mark.parametrize("bounds", [(0.0, 0.0), (20.0, -40.0), (float("nan"), 20.0), (0.1, 1e9)])
def test_bounds_that_leave_the_range_are_refused(bounds):
    with pytest.raises(ValueError, match="between 0 and 1"):
        make_schedule(4, *bounds)


@pytest.mark.parametrize("steps, largest", [(1, 74.76), (2, 99.85), (4, 171.2), (1000, 37_486.0)])
def test_the_configuration_refuses_what_no_schedule_is_made_of(steps, largest):
    """Before a run, not when its training begins."""
    make_schedule(Diffusion(steps=steps, beta_max=0.99 * largest).steps, 0.1, 0.99 * largest)
    with pytest.raises(ValueError, match="variance between 0 and 1"):
        Diffusion(steps=steps, beta_max=1.01 * largest)


def test_posterior_at_the_last_transition_is_the_image_itself():
    schedule, random = make_schedule(4), torch.Generator().manual_seed(0)
    x_0, x_1, noise = torch.randn(3, 2, 1, 8, 8, generator=random)
    t = torch.zeros(2, dtype=torch.int64)
    torch.testing.assert_close(q_posterior_sample(schedule, x_0, x_1, t, noise), x_0, atol=0, rtol=0)


def test_a_pair_begins_with_the_image_where_t_is_0():
    schedule, random = make_schedule(4), torch.Generator().manual_seed(0)
    x_0, first, second = torch.randn(3, 2, 1, 8, 8, generator=random)
    x_t, x_tp1 = q_sample_pair(schedule, x_0, torch.zeros(2, dtype=torch.int64), first, second)
    assert torch.equal(x_t, x_0)
    beta = schedule.beta[0]
    torch.testing.assert_close(x_tp1, (1 - beta).sqrt() * x_0 + beta.sqrt() * second)


def test_two_ways_to_a_noised_image_have_the_same_distribution():
    """q(x_{t+1}) from the pair, and q(x_t) by the posterior, against q_sample: mean and deviation."""
    schedule, random = make_schedule(4), torch.Generator().manual_seed(0)
    x_0 = torch.full((4, 1, 200, 200), 0.7)
    t = torch.arange(4)
    noise = torch.randn(4, 4, 1, 200, 200, generator=random)
    x_t, x_tp1 = q_sample_pair(schedule, x_0, t, noise[0], noise[1])
    direct = q_sample(schedule, x_0, t + 1, noise[2])
    signal, deviation = (table[t + 1].view(4, 1, 1, 1) for table in (schedule.signal, schedule.noise))
    torch.testing.assert_close(direct, signal * x_0 + deviation * noise[2])
    posterior = q_posterior_sample(schedule, x_0, x_tp1, t, noise[3])
    for found, expected in ((x_tp1, direct), (posterior, x_t)):
        torch.testing.assert_close(found.mean(dim=(1, 2, 3)), expected.mean(dim=(1, 2, 3)), atol=0.02, rtol=0)
        torch.testing.assert_close(found.std(dim=(1, 2, 3)), expected.std(dim=(1, 2, 3)), atol=0.02, rtol=0)
