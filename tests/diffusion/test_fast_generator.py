"""The small generator: windows are exact, the head obeys the law of speckle, the mean image is where it starts."""

import math

import pytest
import torch

from echodiff.config.networks import FastGenerator as Options
from echodiff.diffusion.networks.fast_generator import MARGIN
from echodiff.diffusion.networks.registry import build_generator
from echodiff.diffusion.networks.speckle import HeadMaps, SpeckleHead
from echodiff.diffusion.networks.windows import cut, window_corners
from echodiff.diffusion.schedule import make_schedule

SMALL = Options(widths=(8, 8), features=3, kernels=2, kernel_size=5, latent=4, style=8, window=32)


def generator_and_input(size: int = 64, batch: int = 2, guides: int = 3, **options):
    torch.manual_seed(0)
    generator = build_generator(SMALL.model_copy(update=options), size, guide_channels=guides)
    generator.calibrate(torch.rand(5, 1, size, size) * 2 - 1, make_schedule())
    for weight in generator.parameters():
        weight.data.add_(0.05 * torch.randn_like(weight))
    x = torch.randn(batch, 1, size, size)
    guide = torch.randn(batch, guides, size, size).sign()
    shapes = generator.latent_shapes(size) | generator.trait_shapes()
    z = {name: torch.randn(batch, *shape) for name, shape in shapes.items()}
    return generator, (x, guide, torch.arange(batch) % 4, z)


def rayleigh_deviation() -> float:
    """Of log |h * n| for a complex Gaussian field: pi / sqrt(24)."""
    return math.pi / math.sqrt(24)


@pytest.mark.parametrize("corners", [[[0, 0], [32, 32]], [[12, 20], [32, 0]]])
def test_a_window_has_the_pixels_of_the_whole_image(corners):
    generator, (x, guide, t, z) = generator_and_input()
    places = torch.tensor(corners)
    with torch.no_grad():
        whole, windows = generator(x, guide, t, z), generator(x, guide, t, z, places)
    assert whole.shape == x.shape
    torch.testing.assert_close(windows, cut(whole, places, 32), atol=1e-5, rtol=0)


def test_a_margin_is_wide_enough_for_the_largest_kernel():
    head = SpeckleHead(kernels=1, kernel_size=11, features=1, guide_channels=1)
    assert head.reach <= MARGIN


def test_every_weight_learns():
    generator, inputs = generator_and_input()
    generator(*inputs).square().sum().backward()
    assert [name for name, weight in generator.named_parameters() if not weight.grad.abs().sum() > 0] == []


def test_image_depends_on_all_inputs_and_on_each_latent():
    generator, (x, guide, t, z) = generator_and_input()
    with torch.no_grad():
        image = generator(x, guide, t, z)
        others = [generator(-x, guide, t, z), generator(x, -guide, t, z), generator(x, guide, t + 1, z)]
        others += [generator(x, guide, t, {**z, name: -1.5 * z[name]}) for name in z]
    assert all((image - other).abs().max() > 1e-4 for other in others)


def test_new_generator_starts_from_the_mean_image():
    torch.manual_seed(0)
    generator = build_generator(SMALL, 64, guide_channels=3)
    images = torch.full((3, 1, 64, 64), -1.0)
    images[:, :, 16:48, 16:48] = torch.tensor([-0.4, 0.0, 0.1]).view(3, 1, 1, 1)
    generator.calibrate(images, make_schedule())
    _, (x, guide, t, z) = generator_and_input(batch=2)
    z["gain"].zero_()
    with torch.no_grad():
        speckled = generator(x, guide, t, z)
        generator.head.contrast_bias.fill_(-50)
        plain = generator(x, guide, t, z)
    mean = images.mean(dim=0, keepdim=True).clamp(min=-0.995).expand(2, -1, -1, -1)
    torch.testing.assert_close(plain, mean)
    assert speckled[:, :, :12].mean() < -0.95 and speckled[:, :, 20:44, 20:44].std() > 0.05


def shaded_images(count: int, size: int = 64) -> torch.Tensor:
    """Speckled images of random brightness, slopes and curvature, (count, 1, size, size)."""
    random = torch.Generator().manual_seed(3)
    line = torch.linspace(-1, 1, size)
    terms = torch.stack(
        [torch.ones(size, size), *torch.meshgrid(line, line, indexing="ij"), line.square().expand(size, size)]
    )
    shades = 0.1 * torch.einsum("nk,khw->nhw", torch.randn(count, 4, generator=random), terms)
    return shades[:, None] + 0.05 * torch.randn(count, 1, size, size, generator=random) - 0.3


def test_the_gain_is_uncorrelated_and_of_deviation_1_over_the_training_images():
    generator, images = build_generator(SMALL, 64, guide_channels=3), shaded_images(200)
    generator.calibrate(images, make_schedule())
    gain = generator.describe(images)["gain"]
    assert gain.shape == (200, 6) == (200, *generator.trait_shapes()["gain"])
    covariance = torch.cov(gain.T)
    assert covariance.diagonal().max() < 1.05
    assert covariance.diagonal()[[0, 1, 2]].min() > 0.9  # a few are clipped
    assert (covariance - covariance.diagonal().diag()).abs().max() < 0.1


def test_the_gain_says_what_is_brighter_than_usual():
    generator, images = build_generator(SMALL, 64, guide_channels=3), shaded_images(200)
    generator.calibrate(images, make_schedule())
    usual, line = images.mean(dim=0, keepdim=True), torch.linspace(-1, 1, 64)
    shades = torch.stack([torch.full((64, 64), 0.2), 0.2 * line[:, None].expand(64, 64)])[:, None]
    brighter, sloped = generator.describe(usual + shades)["gain"]
    (plain,) = generator.describe(usual)["gain"]
    assert plain.abs().max() < 0.1
    assert brighter[0] > 1 and brighter[0] == brighter.abs().max()
    assert sloped.abs().argmax() in (1, 2) and sloped[0].abs() < 0.5
    assert generator.describe(torch.ones(1, 1, 64, 64))["gain"].max() == 3  # no further than this


def test_an_image_is_expected_to_be_what_its_gain_says():
    """The mean image at an image's own gain is nearer to it than the mean of all."""
    generator, images = build_generator(SMALL, 64, guide_channels=3), shaded_images(200)
    generator.calibrate(images, make_schedule())
    own = generator.mean + torch.einsum("nk,kchw->nchw", generator.describe(images)["gain"], generator.slope)
    left, all_of_it = (images - own).square().mean(), (images - generator.mean).square().mean()
    assert left < 0.3 * all_of_it


def test_training_images_that_are_all_as_bright_have_no_gain():
    generator, images = build_generator(SMALL, 64, guide_channels=3), torch.full((4, 1, 64, 64), -0.3)
    generator.calibrate(images, make_schedule())
    assert generator.describe(images)["gain"].abs().max() < 1e-3
    assert generator.slope.abs().max() < 1e-3


def test_new_generator_starts_at_the_gain_s_brightness():
    """What is bright in all training images gets brighter, what is black in all stays black."""
    torch.manual_seed(0)
    generator, images = build_generator(SMALL, 64, guide_channels=3), torch.full((3, 1, 64, 64), -1.0)
    grays = torch.tensor([-0.6, -0.4, -0.2]).view(3, 1, 1, 1)
    images[:, :, 16:48, 16:48] = grays
    generator.calibrate(images, make_schedule())
    generator.head.contrast_bias.data.fill_(-50)
    _, (x, guide, t, z) = generator_and_input(batch=3)
    with torch.no_grad():
        plain = generator(x, guide, t, z | generator.describe(images))
    torch.testing.assert_close(plain, images.clamp(min=-0.995), atol=1e-5, rtol=0)


def test_speckle_is_the_log_of_a_rayleigh_envelope():
    torch.manual_seed(0)
    head = SpeckleHead(kernels=1, kernel_size=11, features=1, guide_channels=1)
    mixture = torch.ones(1, 1, 512, 512)
    with torch.no_grad():
        speckle = head.log_envelope(torch.randn(1, 2, 512, 512), mixture)[:, :, 8:-8, 8:-8]
    assert speckle.std().item() == pytest.approx(rayleigh_deviation(), rel=0.03)


def test_the_guide_is_drawn_with_sharp_edges():
    torch.manual_seed(0)
    head = SpeckleHead(kernels=1, kernel_size=3, features=1, guide_channels=1)
    maps = HeadMaps(torch.zeros(1, 2, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 2, 8, 8))
    maps.brightness[:, 1] = 0.5
    guide = -torch.ones(1, 1, 32, 32)
    guide[..., 13:] = 1
    zeros = torch.zeros(1, 1, 32, 32)
    with torch.no_grad():
        head.contrast_bias.fill_(-50)
        image = head(maps, zeros, guide, zeros, torch.randn(1, 2, 32, 32))
    torch.testing.assert_close(image[..., :13], zeros[..., :13])
    torch.testing.assert_close(image[..., 13:], torch.full((1, 1, 32, 19), math.tanh(0.5)))


def test_windows_lie_inside_on_the_grid_and_reach_the_border():
    corners = window_corners(torch.rand(4000, 2, generator=torch.Generator().manual_seed(1)), 256, 96)
    assert corners.min() == 0 and corners.max() == 160
    assert torch.equal(corners % 4, torch.zeros_like(corners))
    assert ((corners == 0).float().mean() > 0.15) and ((corners == 160).float().mean() > 0.1)


def test_a_window_of_the_whole_image_is_the_image():
    corners = window_corners(torch.rand(3, 2), 64, 64)
    images = torch.randn(3, 2, 64, 64)
    assert torch.equal(cut(images, corners, 64), images)
