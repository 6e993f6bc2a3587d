"""The networks: sizes as published, silent at the start, resampling exact, any multiple of 32."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d
from torch import nn

from echodiff.config.networks import NcsnppGenerator, ResidualDiscriminator
from echodiff.diffusion.networks.layers import norm_groups
from echodiff.diffusion.networks.registry import build_discriminator, build_generator
from echodiff.diffusion.networks.resample import FirDown, FirDownConv, FirUp, mean_of_means, smoothed
from echodiff.diffusion.networks.residual_discriminator import minibatch_deviation

SMALL = NcsnppGenerator(channels=8, multipliers=(1, 2, 2), blocks=1, latent=6, style=8, style_layers=2)


def parameters(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def random_input(size: int, guides: int = 1, batch: int = 2):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 1, size, size, generator=random)
    guide = torch.randn(batch, guides, size, size, generator=random)
    return x, guide, torch.arange(batch) % 4


@pytest.mark.parametrize(("channels", "groups"), [(3, 1), (4, 1), (64, 16), (96, 24), (128, 32), (144, 24), (240, 30)])
def test_groups_of_a_norm_divide_its_channels(channels, groups):
    assert norm_groups(channels) == groups


def test_parameter_counts_of_the_published_networks():
    with torch.device("meta"):
        assert parameters(build_generator(NcsnppGenerator(), 256)) == 39_724_673
        assert parameters(build_discriminator(ResidualDiscriminator(), 256)) == 27_736_705


@pytest.mark.parametrize("size, guides", [(32, 1), (64, 4), (96, 1)])
def test_generator_is_silent_at_the_start_and_keeps_the_size(size, guides):
    generator = build_generator(SMALL, size, guide_channels=guides)
    x, guide, t = random_input(size, guides)
    image = generator(x, guide, t, {"z": torch.randn(2, 6)})
    assert image.shape == x.shape
    assert torch.equal(image, torch.zeros_like(x))


def test_every_weight_of_the_generator_learns_once_the_output_is_not_zero():
    torch.manual_seed(0)
    generator = build_generator(SMALL, 32)
    for weight in generator.parameters():
        nn.init.normal_(weight, std=0.1)
    x, guide, t = random_input(32)
    generator(x, guide, t, {"z": torch.randn(2, 6)}).square().sum().backward()
    assert [name for name, weight in generator.named_parameters() if not weight.grad.abs().sum() > 0] == []


def test_a_packed_generator_computes_a_sixteenth_of_the_places():
    torch.manual_seed(0)
    generator = build_generator(SMALL.model_copy(update={"pack": 4, "attention": ()}), 64)
    for weight in generator.parameters():
        nn.init.normal_(weight, std=0.1)
    places = []
    generator.stem.register_forward_hook(lambda layer, given, found: places.append(found.shape[-2:]))
    x, guide, t = random_input(64)
    image = generator(x, guide, t, {"z": torch.zeros(2, 6)})
    assert image.shape == x.shape and places == [(16, 16)]
    assert image.std() > 0 and SMALL.model_copy(update={"pack": 4}).size_multiple == 4 * SMALL.size_multiple


def test_a_generator_that_is_not_bounded_leaves_the_range_of_images():
    found = {}
    for bounded in (True, False):
        torch.manual_seed(0)
        generator = build_generator(SMALL, 32, bounded=bounded)
        nn.init.normal_(generator.head[2].weight, std=10)
        x, guide, t = random_input(32)
        found[bounded] = generator(x, guide, t, {"z": torch.zeros(2, 6)})
    assert found[True].abs().max() <= 1 < found[False].abs().max()
    torch.testing.assert_close(found[True], found[False].tanh())


def test_generator_output_depends_on_image_guide_step_and_latent():
    torch.manual_seed(0)
    generator = build_generator(SMALL, 32)
    for weight in generator.parameters():
        nn.init.normal_(weight, std=0.1)
    x, guide, t = random_input(32)
    z = torch.randn(2, 6)
    image = generator(x, guide, t, {"z": z})
    for other in ((-x, guide, t, z), (x, -guide, t, z), (x, guide, t + 1, z), (x, guide, t, -z)):
        assert not torch.allclose(generator(*other[:3], {"z": other[3]}), image, atol=1e-4)
    assert image.abs().max() <= 1


@pytest.mark.parametrize("size", [32, 64, 96])
def test_discriminator_gives_one_logit_an_image(size):
    torch.manual_seed(0)
    discriminator = build_discriminator(ResidualDiscriminator(channels=4, time=16), size)
    x, other, t = random_input(size)
    assert discriminator(x, other, t).shape == (2, 1)


def test_discriminator_output_depends_on_both_images_and_the_step():
    torch.manual_seed(0)
    discriminator = build_discriminator(ResidualDiscriminator(channels=4, time=16), 32)
    for weight in discriminator.parameters():
        nn.init.normal_(weight, std=0.2)
    x, other, t = random_input(32)
    logits = discriminator(x, other, t)
    for changed in ((-x, other, t), (x, -other, t), (x, other, t + 1)):
        assert not torch.allclose(discriminator(*changed), logits, atol=1e-5)


def direct_fir(plane: np.ndarray, pads: tuple[int, int], gain: float) -> np.ndarray:
    taps = np.array([1.0, 3.0, 3.0, 1.0]) / 8
    return convolve2d(np.pad(plane, [pads, pads]), gain * np.outer(taps, taps), mode="valid")


def test_resampling_against_a_direct_convolution():
    planes = np.random.default_rng(0).standard_normal((3, 12, 12))
    x = torch.tensor(planes, dtype=torch.float32)[None]
    down, up = FirDown()(x)[0].numpy(), FirUp()(x)[0].numpy()
    for channel, plane in enumerate(planes):
        np.testing.assert_allclose(down[channel], direct_fir(plane, (1, 1), 1)[::2, ::2], atol=5e-7)
        stuffed = np.zeros((24, 24))
        stuffed[::2, ::2] = plane
        np.testing.assert_allclose(up[channel], direct_fir(stuffed, (2, 1), 4), atol=5e-7)


@pytest.mark.parametrize(("stride", "padding"), [(2, 1), (1, 2)])
def test_two_means_make_the_filter_of_a_gpu(stride, padding):
    x = torch.randn(2, 3, 8, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = mean_of_means(x, stride=stride, padding=padding)
    torch.testing.assert_close(found, smoothed(x, stride=stride, padding=padding), atol=1e-12, rtol=0)


@pytest.mark.parametrize("layer", [FirDown(), FirUp()])
def test_derivatives_of_resampling_of_both_orders(layer):
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))
    assert torch.autograd.gradgradcheck(lambda x: layer(x).square(), (x,))


def test_doubling_is_four_times_the_transpose_of_halving():
    random = torch.Generator().manual_seed(0)
    x, y = torch.randn(1, 2, 8, 8, generator=random), torch.randn(1, 2, 4, 4, generator=random)
    assert (FirDown()(x) * y).sum().item() == pytest.approx((x * FirUp()(y)).sum().item() / 4, rel=1e-5)


def test_smoothed_strided_convolution_against_a_direct_one():
    torch.manual_seed(0)
    layer = FirDownConv(1, 1)
    plane = np.random.default_rng(0).standard_normal((12, 12))
    found = layer(torch.tensor(plane, dtype=torch.float32)[None, None])[0, 0].detach().numpy()
    weight = layer.conv.weight[0, 0].detach().numpy().astype(float)
    smooth = direct_fir(plane, (2, 2), 1)
    expected = convolve2d(smooth, weight[::-1, ::-1], mode="valid")[::2, ::2]
    np.testing.assert_allclose(found, expected, atol=5e-7)


def test_resampling_keeps_a_constant_away_from_the_border():
    x = torch.full((1, 2, 16, 16), 0.3)
    torch.testing.assert_close(FirDown()(x)[..., 1:-1, 1:-1], x[..., 1:7, 1:7])
    torch.testing.assert_close(FirUp()(x)[..., 1:-1, 1:-1], torch.full((1, 2, 30, 30), 0.3))


def test_minibatch_deviation_is_the_same_when_the_batch_is_divided():
    x = torch.randn(8, 5, 4, 4, generator=torch.Generator().manual_seed(0))
    whole = minibatch_deviation(x, 4)
    parts = torch.cat([minibatch_deviation(part, 4) for part in x.chunk(2)])
    assert torch.equal(whole, parts)
    assert whole[0, 5, 0, 0] != whole[4, 5, 0, 0]
    assert minibatch_deviation(x[:1], 1)[0, 5].max() <= 1.01e-4
