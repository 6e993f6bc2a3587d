"""The convolution's own gradients, against torch's."""

import pytest
import torch
import torch.nn.functional as F

from echodiff.diffusion.networks import conv
from echodiff.diffusion.networks.conv import Conv2d, weight_gradient


@pytest.fixture
def avx2(monkeypatch):
    """As on a processor whose gradient of weights is slow; gives the calls of the quicker one."""
    calls = []

    def noted(*arguments) -> torch.Tensor:
        calls.append(arguments)
        return weight_gradient(*arguments)

    monkeypatch.setattr(conv, "slow_weight_gradient", lambda: True)
    monkeypatch.setattr(conv, "weight_gradient", noted)
    monkeypatch.setattr(conv, "FEWEST_TERMS", 16 * 16 * 64)
    return calls


def innermost(*shape: int, seed: int = 0, dtype=torch.float32) -> torch.Tensor:
    """Random numbers with the channels innermost in memory."""
    random = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=random).to(dtype).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("side", [1, 3, 5])
@pytest.mark.parametrize(("batch", "height", "width"), [(1, 8, 8), (3, 5, 9), (2, 1, 4), (2, 6, 1)])
def test_the_gradient_of_the_weights_is_torch_s(side, batch, height, width):
    x = innermost(batch, 7, height, width, dtype=torch.float64)
    weight = innermost(4, 7, side, side, seed=1, dtype=torch.float64).requires_grad_()
    gradient = innermost(batch, 4, height, width, seed=2, dtype=torch.float64)
    (expected,) = torch.autograd.grad(F.conv2d(x, weight, padding=side // 2), weight, gradient)
    torch.testing.assert_close(weight_gradient(gradient, x, side), expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_of_the_layer_are_torch_s(bias, avx2):
    layer = Conv2d(16, 32, 3, padding=1, bias=bias).to(memory_format=torch.channels_last)
    x = innermost(2, 16, 12, 10).requires_grad_()
    given = (x, *layer.parameters())
    found = layer(x)
    expected = F.conv2d(x, layer.weight, layer.bias, padding=1)
    assert torch.equal(found, expected)
    weights = innermost(*found.shape, seed=3)
    own, other = (torch.autograd.grad(y, given, weights) for y in (found, expected))
    assert len(avx2) == 1
    for mine, torchs in zip(own, other, strict=True):
        torch.testing.assert_close(mine, torchs, atol=1e-4, rtol=1e-4)


def test_only_gradients_that_are_wanted_are_computed(avx2):
    layer = Conv2d(16, 16, 3, padding=1).to(memory_format=torch.channels_last)
    x = innermost(1, 16, 8, 8).requires_grad_()
    layer.requires_grad_(False)
    layer(x).sum().backward()
    assert not avx2 and layer.weight.grad is None and x.grad is not None
    layer.requires_grad_(True)
    layer(x.detach()).sum().backward()
    assert len(avx2) == 1 and layer.weight.grad is not None


@pytest.mark.parametrize(
    ("options", "channels"),
    [({"stride": 2, "padding": 1}, 16), ({"padding": 0}, 16), ({"padding": 1}, 15)],
    ids=["stride", "no padding", "few channels"],
)
def test_other_convolutions_are_torch_s(options, channels, avx2):
    layer = Conv2d(channels, 16, 3, **options).to(memory_format=torch.channels_last)
    layer(innermost(2, channels, 8, 8)).sum().backward()
    assert not avx2


def test_small_convolutions_are_torch_s(avx2):
    layer = Conv2d(16, 16, 3, padding=1).to(memory_format=torch.channels_last)
    layer(innermost(1, 16, 8, 7)).sum().backward()
    assert not avx2


def test_other_layouts_and_autocast_are_torch_s(avx2):
    layer = Conv2d(16, 16, 3, padding=1)
    layer(torch.randn(1, 16, 8, 8)).sum().backward()
    with torch.autocast("cpu", torch.bfloat16):
        layer(innermost(1, 16, 8, 8)).sum().backward()
    assert not avx2


def test_a_processor_with_newer_instructions_keeps_torch_s(monkeypatch):
    answers = []
    for capability in ("AVX2", "AVX512", "DEFAULT"):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda capability=capability: capability)
        answers.append(conv.slow_weight_gradient())
    assert answers == [True, False, False]
