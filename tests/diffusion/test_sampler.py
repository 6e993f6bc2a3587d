"""The sampler: deterministic by seed, independent of batch and order, T calls, the image-guided start, DDIM."""

import pytest
import torch

from echodiff.diffusion.guides import draw_guide, guide_channels
from echodiff.diffusion.reverse import Reverse, ddim_step
from echodiff.diffusion.sampler import sample, steps_from_strength
from echodiff.diffusion.sampling_noise import SamplingNoise
from echodiff.diffusion.schedule import image_of_velocity, make_schedule, q_sample

LATENTS = {"z": (5,), "pixel": (2, 16, 16)}


class Recorder:
    """A generator that mixes all its inputs, and notes the step of every call."""

    def __init__(self):
        self.steps = []

    def __call__(self, x, guide, t, z):
        self.steps.append(int(t[0]))
        each = (z["z"].mean(1) + t).view(-1, 1, 1, 1)
        return torch.tanh(x + guide + z["pixel"].mean(1, keepdim=True) + each)


def reverse_of(steps=4, *, prediction="image", method="posterior", visited=None) -> Reverse:
    return Reverse.of(make_schedule(steps), prediction=prediction, method=method, steps=visited or steps)


def noise_of(seeds, **options) -> SamplingNoise:
    return SamplingNoise(seeds, size=16, latents=LATENTS, **options)


def draw(seeds, steps=4, **options):
    guide = torch.stack([torch.full((1, 16, 16), seed / 10) for seed in seeds])
    return sample(Recorder(), reverse_of(steps), guide, noise_of(seeds), **options)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_exactly_one_call_a_step_from_the_last_to_the_first(steps):
    recorder = Recorder()
    sample(recorder, reverse_of(steps), torch.zeros(1, 1, 16, 16), noise_of([1]))
    assert recorder.steps == list(reversed(range(steps)))


def test_an_image_does_not_depend_on_its_batch_or_order():
    together = draw([3, 1, 4, 2])
    for row, seed in enumerate([3, 1, 4, 2]):
        assert torch.equal(draw([seed])[0], together[row])
    assert torch.equal(draw([2, 4])[0], together[3])


def test_seeds_decide():
    assert torch.equal(draw([7]), draw([7]))
    assert not torch.allclose(draw([7]), draw([8]))


def test_every_call_has_noise_of_its_own():
    noise = noise_of([1])
    flat = torch.cat([noise.latents()["z"][0] for _ in range(4)])
    assert len(set(flat.tolist())) == 20
    images = torch.cat([noise.image() for _ in range(8)])
    assert images.std() == pytest.approx(1, abs=0.1)
    assert torch.corrcoef(images.flatten(1)).fill_diagonal_(0).abs().max() < 0.3


def test_traits_are_drawn_once_and_reach_every_call():
    seen = []

    def keep(x, guide, t, z):
        seen.append(z)
        return torch.zeros_like(x)

    noise = noise_of([1, 2])
    traits = noise.traits({"gain": (3,)})
    assert traits["gain"].shape == (2, 3) and torch.equal(
        traits["gain"][1:], noise_of([2]).traits({"gain": (3,)})["gain"]
    )
    sample(keep, reverse_of(4), torch.zeros(2, 1, 16, 16), noise, traits=traits)
    assert [z["gain"] is traits["gain"] for z in seen] == [True] * 4
    assert not torch.equal(seen[0]["z"], seen[1]["z"])


def test_the_last_call_s_image_is_the_sample():
    constant = torch.full((1, 1, 16, 16), 0.25)
    found = sample(lambda x, guide, t, z: constant, reverse_of(4), constant, noise_of([1]))
    assert torch.equal(found, constant)


def test_estimates_stay_within_the_range_of_images():
    bright = torch.full((1, 1, 16, 16), 3.0)
    assert torch.equal(sample(lambda x, guide, t, z: bright, reverse_of(4), bright, noise_of([1])), bright / 3)


def test_strength_begins_at_the_noised_source():
    starts = []

    def keep_start(x, guide, t, z):
        starts.append((int(t[0]), x.clone()))
        return torch.zeros_like(x)

    source = torch.full((1, 1, 16, 16), 0.5)
    sample(keep_start, reverse_of(4), source, noise_of([1]), source=source, strength=0.5)
    assert [step for step, _ in starts] == [1, 0]
    assert torch.equal(starts[0][1], q_sample(make_schedule(4), source, torch.tensor([2]), noise_of([1]).image()))
    with pytest.raises(ValueError, match="source"):
        sample(keep_start, reverse_of(4), source, noise_of([1]), strength=0.5)


def test_strength_is_a_share_of_the_steps_that_are_drawn():
    recorder, source = Recorder(), torch.zeros(1, 1, 16, 16)
    sample(recorder, reverse_of(1000, method="ddim", visited=50), source, noise_of([1]), source=source, strength=0.1)
    assert recorder.steps == [9, 5, 3, 1, 0]


@pytest.mark.parametrize(("steps", "visited"), [(4, 4), (1000, 50), (1000, 7), (10, 1)])
def test_ddim_visits_so_many_levels_from_the_noise_to_the_image(steps, visited):
    recorder, reverse = Recorder(), reverse_of(steps, method="ddim", visited=visited)
    sample(recorder, reverse, torch.zeros(1, 1, 16, 16), noise_of([1]))
    assert reverse.levels[0] == 0 and reverse.levels[-1] == steps and len(recorder.steps) == visited
    assert recorder.steps == [level - 1 for level in reversed(reverse.levels[1:])]
    assert torch.tensor(reverse.levels).diff().min() >= 1
    roots = torch.tensor(reverse.levels).sqrt().diff()[visited // 2 :]
    assert roots.max() < 1.5 * roots.min()


def test_a_ddim_step_keeps_image_and_noise():
    schedule = make_schedule(1000)
    x_0, noise = torch.rand(3, 1, 4, 4) * 2 - 1, torch.randn(3, 1, 4, 4)
    x = schedule.signal[800] * x_0 + schedule.noise[800] * noise
    expected = schedule.signal[780] * x_0 + schedule.noise[780] * noise
    torch.testing.assert_close(ddim_step(schedule, x_0, x, 800, 780), expected, atol=1e-5, rtol=0)


def test_the_image_follows_from_its_velocity():
    schedule, t = make_schedule(1000), torch.tensor([0, 20, 500, 999])
    x_0, noise = torch.rand(4, 1, 4, 4) * 2 - 1, torch.randn(4, 1, 4, 4)
    signal, deviation = schedule.at(schedule.signal, t + 1), schedule.at(schedule.noise, t + 1)
    velocity = signal * noise - deviation * x_0
    x_tp1 = signal * x_0 + deviation * noise
    torch.testing.assert_close(image_of_velocity(schedule, velocity, x_tp1, t), x_0, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("deviation", "kept"), [(0.05, 0.91), (0.15, 0.95), (0.3, 0.96)])
def test_ddim_with_the_best_velocity_keeps_the_distribution_of_pixels(deviation, kept):
    """Pixels N(m, s^2): the mean velocity given x_{t+1} is linear in it, and DDIM leads from N(0, 1) back to them.

    `kept` of the deviation is what 50 steps leave, by the product of the steps' gains in float64.
    """
    mean = 0.2
    reverse = reverse_of(1000, prediction="velocity", method="ddim", visited=50)
    signals, noises = reverse.schedule.signal, reverse.schedule.noise

    def best(x, guide, t, z):
        signal, noise = signals[t[0] + 1], noises[t[0] + 1]
        gain = signal * deviation**2 / (signal**2 * deviation**2 + noise**2)
        x_0 = mean + gain * (x - signal * mean)
        return (signal * x - x_0) / noise

    found = sample(best, reverse, torch.zeros(64, 1, 16, 16), noise_of(range(64)))
    assert found.mean().item() == pytest.approx(mean, abs=0.01)
    assert found.std().item() == pytest.approx(kept * deviation, rel=0.03)


def test_steps_from_strength():
    assert [steps_from_strength(4, s) for s in (0.01, 0.25, 0.26, 0.5, 0.75, 1.0)] == [1, 1, 2, 2, 3, 4]


def test_gray_guide_has_the_paper_s_grays():
    masks = torch.tensor([[0, 1], [2, 3]], dtype=torch.uint8)[None, None]
    sectors = torch.tensor([[0, 1], [1, 1]], dtype=torch.uint8)[None, None]
    gray = draw_guide(masks, sectors, style="gray", sector=False)
    torch.testing.assert_close(gray[0, 0], torch.tensor([[-1.0, 1.0], [1 / 3, -1 / 3]]))


def test_plane_guide_has_a_channel_a_structure_and_the_sector():
    masks = torch.tensor([[0, 1], [2, 3]], dtype=torch.uint8)[None, None]
    sectors = torch.tensor([[0, 1], [1, 1]], dtype=torch.uint8)[None, None]
    guide = draw_guide(masks, sectors, style="planes", sector=True)
    assert guide.shape[1] == guide_channels("planes", True) == 4
    assert guide[0].flatten(1).tolist() == [[-1, 1, -1, -1], [-1, -1, 1, -1], [-1, -1, -1, 1], [-1, 1, 1, 1]]
