"""The order of cases, the random numbers of a step, and the augmentation."""

import math

import pytest
import torch

from echodiff.config.models import Augmentation
from echodiff.store.intensity import to_model
from echodiff.train.augment import ELASTIC_GRID, NUMBERS, augment, sampling_grid
from echodiff.train.data import Planes, batch_cases, total_steps
from echodiff.train.draws import draw_direction, draw_step

CPU = torch.device("cpu")
LATENTS = {"z": (3,), "pixel": (2, 8, 8)}


@pytest.mark.parametrize("batch_size", [1, 4, 7, 10, 23])
def test_every_case_is_seen_once_an_epoch_whatever_the_batch(batch_size):
    steps = total_steps(3, None, batch_size, 10)
    seen = torch.cat([batch_cases(5, step, batch_size, 10) for step in range(steps)])
    for epoch in range(3):
        assert sorted(seen[epoch * 10 : (epoch + 1) * 10].tolist()) == list(range(10))
    assert 0 <= len(seen) - 30 < batch_size


def test_the_order_differs_by_epoch_and_by_seed():
    first, second = batch_cases(5, 0, 50, 50), batch_cases(5, 1, 50, 50)
    assert not torch.equal(first, second)
    assert not torch.equal(first, batch_cases(6, 0, 50, 50))
    assert torch.equal(first, batch_cases(5, 0, 50, 50))


def test_steps_are_counted_from_epochs_unless_given():
    assert total_steps(500, None, 4, 405) == 50_625
    assert total_steps(500, None, 1, 405) == 202_500
    assert total_steps(500, 17, 4, 405) == 17


def draw(step: int, shared: bool = False, seed: int = 1):
    return draw_step(seed, step, batch_size=6, size=8, latents=LATENTS, shared=shared, device=CPU)


def tensors(drawn) -> list[torch.Tensor]:
    """All random numbers of a step."""
    passes = [drawn.discriminator, drawn.generator]
    named = [getattr(one, name) for one in passes for name in ("uniform", "e_t", "e_tp1", "e_posterior", "place")]
    latents = [latent for one in passes for latent in one.latents.values()]
    return [drawn.augment_uniform, drawn.augment_normal, *named, *latents]


def test_a_step_s_numbers_depend_on_seed_and_step_alone():
    torch.manual_seed(0)
    a = draw(7)
    torch.manual_seed(99)
    b = draw(7)
    for own, again, *others in zip(*(tensors(drawn) for drawn in (a, b, draw(8), draw(7, seed=2))), strict=True):
        assert torch.equal(own, again)
        assert not any(torch.equal(own, other) for other in others)


def test_latents_are_the_same_in_whatever_order_they_are_named():
    options = {"batch_size": 6, "size": 8, "shared": False, "device": CPU}
    one, other = (
        draw_step(1, 7, latents=dict(named), **options) for named in (LATENTS.items(), reversed(LATENTS.items()))
    )
    assert all(torch.equal(other.generator.latents[name], one.generator.latents[name]) for name in LATENTS)


def test_both_networks_draw_their_own_numbers_unless_they_share():
    apart, together = draw(7), draw(7, shared=True)
    assert not torch.equal(apart.discriminator.e_tp1, apart.generator.e_tp1)
    assert together.discriminator is together.generator


def test_rows_of_a_draw_are_those_of_the_whole_batch():
    whole, part = draw(3), draw(3).rows(slice(2, 4))
    for all_rows, own in zip(tensors(whole), tensors(part), strict=True):
        assert torch.equal(own, all_rows[2:4])


def test_noises_of_a_pass_are_independent():
    big = draw_step(1, 0, batch_size=4, size=64, latents={}, shared=False, device=CPU)
    noises = [n.flatten() for d in (big.discriminator, big.generator) for n in (d.e_t, d.e_tp1, d.e_posterior)]
    noises.append(draw_direction(1, 0, batch_size=4, size=64, device=CPU).flatten())
    correlation = torch.corrcoef(torch.stack(noises))
    assert (correlation - torch.eye(len(noises))).abs().max() < 0.05


def test_uniform_numbers_fill_their_ranges():
    many = draw_step(1, 0, batch_size=1000, size=1, latents={}, shared=False, device=CPU)
    assert many.generator.place.shape == (1000, 2)
    for number, lowest in ((many.augment_uniform, -1), (many.generator.uniform, 0), (many.generator.place, 0)):
        assert number.min().item() == pytest.approx(lowest, abs=0.02)
        assert number.max().item() == pytest.approx(1, abs=0.02)
        assert number.mean().item() == pytest.approx((1 + lowest) / 2, abs=0.05)


def planes(size: int = 32) -> Planes:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (3, 1, size, size), dtype=torch.uint8, generator=random)
    masks = torch.zeros_like(images)
    masks[:, :, 4:14, 10:20] = 1
    sectors = torch.zeros_like(images)
    sectors[:, :, 2:30, 6:26] = 1
    return Planes(images, masks, sectors)


def augmented(options: Augmentation, uniform: torch.Tensor | None = None):
    random = torch.Generator().manual_seed(1)
    numbers = torch.rand(3, NUMBERS, generator=random) * 2 - 1 if uniform is None else uniform
    normal = torch.randn(3, 2, ELASTIC_GRID, ELASTIC_GRID, generator=random)
    return augment(planes(), options, numbers, normal)


def test_no_augmentation_leaves_images_as_they_are():
    images, masks, sectors = augmented(Augmentation())
    assert torch.equal(images, to_model(planes().images))
    assert torch.equal(masks, planes().masks) and torch.equal(sectors, planes().sectors)


def test_geometry_of_zero_leaves_images_as_they_are():
    options = Augmentation(rotation_degrees=20, scale=0.2, shift=0.1)
    images, masks, _ = augmented(options, torch.zeros(3, NUMBERS))
    torch.testing.assert_close(images, to_model(planes().images), atol=2e-5, rtol=0)
    assert torch.equal(masks, planes().masks)


def test_a_shift_moves_frame_map_and_sector_alike_and_fills_with_black():
    uniform = torch.zeros(3, NUMBERS)
    uniform[:, 2] = 1  # right edge: pixels are taken from 4 further right
    images, masks, sectors = augmented(Augmentation(shift=4 / 32), uniform)
    source = planes()
    torch.testing.assert_close(images[..., :-4], to_model(source.images)[..., 4:], atol=2e-5, rtol=0)
    assert torch.equal(masks[..., :-4], source.masks[..., 4:])
    assert torch.equal(sectors[..., :-4], source.sectors[..., 4:])
    torch.testing.assert_close(images[..., -4:], torch.full((3, 1, 32, 4), -1.0))


def strengths(**columns: float) -> torch.Tensor:
    """The same numbers for all three images: 0 but for those named."""
    uniform = torch.zeros(3, NUMBERS)
    for place, name in enumerate(("rotation", "scale", "right", "down", "gain", "gamma")):
        uniform[:, place] = columns.get(name, 0)
    return uniform


def test_a_turn_is_one_of_so_many_degrees_counterclockwise():
    images, masks, sectors = augmented(Augmentation(rotation_degrees=45), strengths(rotation=2))
    source = planes()
    assert torch.equal(masks, source.masks.rot90(1, (2, 3)))
    assert torch.equal(sectors, source.sectors.rot90(1, (2, 3)))
    torch.testing.assert_close(images, to_model(source.images).rot90(1, (2, 3)), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("strength", "side"), [(1, 15), (-1, 5)])
def test_a_scale_enlarges_by_its_share_about_the_middle(strength, side):
    source = planes()
    source.masks[:] = 0
    source.masks[:, :, 11:21, 11:21] = 1
    normal = torch.zeros(3, 2, ELASTIC_GRID, ELASTIC_GRID)
    _, masks, _ = augment(source, Augmentation(scale=0.49), strengths(scale=strength * 0.5 / 0.49), normal)
    assert masks.sum((1, 2, 3)).tolist() == pytest.approx([side**2] * 3, rel=0.15)
    assert masks[0, 0].nonzero().float().mean(0).tolist() == pytest.approx([15.5, 15.5], abs=0.6)


def test_a_shift_by_rows_and_a_smooth_displacement_move_by_shares_of_the_image():
    """Pixels are taken from further down, by 2 of 32 rows; a displacement of 1 everywhere is such a shift."""
    expected = planes().masks[:, :, 2:]
    _, masks, _ = augmented(Augmentation(shift=2 / 32), strengths(down=1))
    assert torch.equal(masks[:, :, :-2], expected)
    normal = torch.zeros(3, 2, ELASTIC_GRID, ELASTIC_GRID)
    normal[:, 1] = 1
    _, masks, _ = augment(planes(), Augmentation(elastic=2 / 32), strengths(), normal)
    assert torch.equal(masks[:, :, :-2], expected)


def test_the_corners_of_the_smooth_displacement_are_those_of_the_image():
    normal = torch.zeros(3, 2, ELASTIC_GRID, ELASTIC_GRID)
    normal[:, 0, 0, 0], normal[:, 1, -1, -1] = 1, -2
    still, moved = (
        sampling_grid(Augmentation(elastic=0.01), strengths(), strength * normal, 32) for strength in (0, 1)
    )
    torch.testing.assert_close((moved - still)[:, 0, 0], torch.tensor([[0.02, 0.0]] * 3))
    torch.testing.assert_close((moved - still)[:, -1, -1], torch.tensor([[0.0, -0.04]] * 3))


def test_gain_and_gamma_follow_their_formula():
    unit = planes().images.double() / 255
    images, masks, _ = augmented(Augmentation(gain=0.4, gamma=0.6), strengths(gain=-0.5, gamma=0.8))
    torch.testing.assert_close(images.double(), 2 * (unit ** math.exp(0.48) * 0.8).clamp(0, 1) - 1, atol=1e-5, rtol=0)
    brighter, *_ = augmented(Augmentation(gain=0.4), strengths(gain=1))
    torch.testing.assert_close(brighter.double(), 2 * (unit * 1.4).clamp(0, 1) - 1, atol=1e-5, rtol=0)
    darker, *_ = augmented(Augmentation(gamma=0.4), strengths(gamma=1))
    torch.testing.assert_close(darker.double(), 2 * unit ** math.exp(0.4) - 1, atol=1e-5, rtol=0)
    assert torch.equal(masks, planes().masks)


def test_all_changes_together_stay_in_range_and_keep_labels():
    options = Augmentation(rotation_degrees=10, scale=0.1, shift=0.05, gain=0.2, gamma=0.2, elastic=0.02)
    images, masks, sectors = augmented(options)
    assert images.min() >= -1 and images.max() <= 1
    assert (images.dtype, masks.dtype, sectors.dtype) == (torch.float32, torch.uint8, torch.uint8)
    assert set(masks.unique().tolist()) <= {0, 1} and set(sectors.unique().tolist()) <= {0, 1}
    assert not torch.allclose(images, to_model(planes().images), atol=0.1)
    area = masks.sum((1, 2, 3)) / planes().masks.sum((1, 2, 3))
    assert ((area > 0.7) & (area < 1.4)).all()


def test_gain_and_gamma_keep_black_black():
    uniform = torch.ones(3, NUMBERS)
    images, *_ = augmented(Augmentation(gain=0.5, gamma=0.5), uniform)
    black = planes().images == 0
    assert black.any() and torch.equal(images[black], torch.full_like(images[black], -1.0))
