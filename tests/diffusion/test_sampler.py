"""The sampler: deterministic by seed, independent of batch and order, T calls, the image-guided start."""

import pytest
import torch

from echodiff.diffusion.guides import draw_guide, guide_channels
from echodiff.diffusion.sampler import draw_noise, sample, steps_from_strength
from echodiff.diffusion.schedule import make_schedule, q_sample

LATENTS = {"z": (5,), "pixel": (2, 16, 16)}


class Recorder:
    """A generator that mixes all its inputs, and notes the step of every call."""

    def __init__(self):
        self.steps = []

    def __call__(self, x, guide, t, z):
        self.steps.append(int(t[0]))
        each = (z["z"].mean(1) + t).view(-1, 1, 1, 1)
        return torch.tanh(x + guide + z["pixel"].mean(1, keepdim=True) + each)


def draw(seeds, steps=4, **options):
    schedule = make_schedule(steps)
    noise = draw_noise(seeds, size=16, steps=steps, latents=LATENTS)
    guide = torch.stack([torch.full((1, 16, 16), seed / 10) for seed in seeds])
    return sample(Recorder(), schedule, guide, noise, **options)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_exactly_one_call_a_step_from_the_last_to_the_first(steps):
    recorder, schedule = Recorder(), make_schedule(steps)
    noise = draw_noise([1], size=16, steps=steps, latents=LATENTS)
    sample(recorder, schedule, torch.zeros(1, 1, 16, 16), noise)
    assert recorder.steps == list(reversed(range(steps)))


def test_an_image_does_not_depend_on_its_batch_or_order():
    together = draw([3, 1, 4, 2])
    for row, seed in enumerate([3, 1, 4, 2]):
        assert torch.equal(draw([seed])[0], together[row])
    assert torch.equal(draw([2, 4])[0], together[3])


def test_seeds_decide():
    assert torch.equal(draw([7]), draw([7]))
    assert not torch.allclose(draw([7]), draw([8]))


def test_threads_do_not_change_the_noise():
    one = draw_noise(range(6), size=16, steps=3, latents=LATENTS)
    many = draw_noise(range(6), size=16, steps=3, latents=LATENTS, threads=4)
    assert torch.equal(one.start, many.start) and torch.equal(one.steps, many.steps)
    assert all(torch.equal(one.latents[name], many.latents[name]) for name in LATENTS)


def test_every_step_has_latents_of_its_own():
    noise = draw_noise([1], size=16, steps=4, latents=LATENTS)
    flat = torch.cat([noise.start.flatten(1)[:, None, :5], noise.latents["z"]], dim=1)[0]
    assert len({tuple(row.tolist()) for row in flat}) == 5
    assert noise.steps[0, 1:].std() == pytest.approx(1, abs=0.1)


def test_the_last_call_s_image_is_the_sample():
    schedule = make_schedule(4)
    noise = draw_noise([1], size=16, steps=4, latents=LATENTS)
    constant = torch.full((1, 1, 16, 16), 0.25)
    found = sample(lambda x, guide, t, z: constant, schedule, constant, noise)
    assert torch.equal(found, constant)


def test_strength_begins_at_the_noised_source():
    starts = []

    def keep_start(x, guide, t, z):
        starts.append((int(t[0]), x.clone()))
        return torch.zeros_like(x)

    schedule = make_schedule(4)
    noise = draw_noise([1], size=16, steps=4, latents=LATENTS)
    source = torch.full((1, 1, 16, 16), 0.5)
    sample(keep_start, schedule, source, noise, source=source, strength=0.5)
    assert [step for step, _ in starts] == [1, 0]
    assert torch.equal(starts[0][1], q_sample(schedule, source, torch.tensor([2]), noise.start))
    with pytest.raises(ValueError, match="source"):
        sample(keep_start, schedule, source, noise, strength=0.5)


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
