"""Layers that networks share, against their formulas in float64 and numpy."""

import numpy as np
import pytest
import torch
from torch import nn

from echodiff.diffusion.networks.layers import (
    LatentMapping,
    SelfAttention,
    conv1x1,
    conv3x3,
    linear,
    norm_groups,
    positional_embedding,
    variance_scaled,
)
from echodiff.diffusion.networks.ncsnpp import ResidualBlock
from echodiff.diffusion.networks.resample import FirDown, FirUp
from echodiff.diffusion.networks.residual_discriminator import DownBlock, minibatch_deviation


def numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_positional_embedding_has_sines_and_cosines_of_falling_frequencies():
    found = positional_embedding(torch.tensor([0, 3, 999]), 10).numpy()
    angles = np.array([0, 3, 999])[:, None] * 10_000.0 ** (-np.arange(5) / 4)
    np.testing.assert_allclose(found, np.concatenate([np.sin(angles), np.cos(angles)], 1), atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 0.25, 0.0])
def test_first_weights_are_uniform_with_the_variance_of_both_fans(scale):
    torch.manual_seed(0)
    layers = [linear(300, 100, scale=scale), conv3x3(40, 80, scale=scale), conv1x1(300, 100, scale=scale)]
    for layer, fans in zip(layers, [(300, 100), (360, 720), (300, 100)], strict=True):
        variance = scale / (sum(fans) / 2)
        assert layer.weight.var().item() == pytest.approx(variance, rel=0.05)
        assert layer.weight.abs().max().item() == pytest.approx((3 * variance) ** 0.5, rel=0.01)
        assert layer.bias.abs().max() == 0
    assert variance_scaled(nn.Linear(3, 3, bias=False), scale).bias is None
    for plain in (linear(300, 100), conv3x3(40, 80), conv1x1(300, 100)):  # without a scale, 1
        fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(plain.weight)
        assert plain.weight.var().item() == pytest.approx(2 / (fan_in + fan_out), rel=0.05)


def test_attention_is_the_mean_of_values_by_the_likeness_of_keys():
    layer, x = SelfAttention(8).double(), numbers(2, 8, 3, 5).double()
    torch.testing.assert_close(layer(x), x / 2**0.5)  # nothing but the residual at the start
    layer.out.weight.data = numbers(8, 8, 1, 1, seed=1).double()
    places = layer.query_key_value(nn.functional.group_norm(x, norm_groups(8), eps=1e-6)).flatten(2).detach().numpy()
    query, key, value = np.split(places, 3, axis=1)
    likeness = np.exp(np.einsum("bcq,bck->bqk", query, key) / np.sqrt(8))
    attended = np.einsum("bqk,bck->bcq", likeness / likeness.sum(axis=2, keepdims=True), value)
    added = np.einsum("oc,bcq->boq", layer.out.weight.detach().numpy()[:, :, 0, 0], attended)
    expected = (x.numpy() + added.reshape(x.shape)) / np.sqrt(2)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, atol=1e-9)


def test_the_style_knows_the_direction_of_the_latent_alone():
    mapping, z = LatentMapping(6, 8, 3), numbers(4, 6)
    found = mapping(z)
    torch.testing.assert_close(found, mapping.layers(z / z.square().mean(1, keepdim=True).sqrt()))
    torch.testing.assert_close(mapping(7 * z), found)
    layers = [type(layer).__name__ for layer in mapping.layers]
    assert layers == ["Linear", "SiLU"] * 3 and found.shape == (4, 8)


@pytest.mark.parametrize(("out", "resample"), [(8, None), (12, None), (8, FirDown()), (12, FirUp())])
def test_a_new_residual_block_is_its_shortcut(out, resample):
    """Of half the power, as the branch that is to come has the other half."""
    block, x = ResidualBlock(8, out, 6, 4, resample), numbers(2, 8, 8, 8)
    time, style = numbers(2, 6, seed=1), numbers(2, 4, seed=2)
    moved = x if resample is None else resample(x)
    shortcut = moved if out == 8 and resample is None else block.skip(moved)
    torch.testing.assert_close(block(x, time, style), shortcut / 2**0.5)
    block.conv2.weight.data.normal_()
    changed = block(x, time, style)
    for other in (shortcut / 2**0.5, block(x, -time, style), block(x, time, -style)):
        assert other.shape == changed.shape and not torch.allclose(other, changed, atol=1e-3)


def test_a_new_block_of_the_discriminator_is_its_shortcut():
    block, x, time = DownBlock(4, 6, 5), numbers(2, 4, 8, 8), numbers(2, 5, seed=1)
    torch.testing.assert_close(block(x, time), block.skip(FirDown()(x)) / 2**0.5)
    block.conv2.weight.data.normal_()
    assert not torch.allclose(block(x, -time), block(x, time), atol=1e-3)


def test_minibatch_deviation_is_the_mean_deviation_of_a_group():
    x = numbers(6, 3, 2, 4)
    for size in (2, 3):
        found = minibatch_deviation(x, size)
        assert torch.equal(found[:, :3], x)
        for first in range(0, 6, size):
            own = slice(first, first + size)
            expected = np.sqrt(x[own].numpy().astype(float).var(axis=0) + 1e-8).mean()
            np.testing.assert_allclose(found[own, 3].numpy(), np.full((size, 2, 4), expected), rtol=1e-5)
    assert minibatch_deviation(x, 1)[:, 3].numpy() == pytest.approx(1e-4)
