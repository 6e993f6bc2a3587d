"""The norm with its activation, against torch's own operations."""

import pytest
import torch
import torch.nn.functional as F

from echodiff.diffusion.networks.norm import AdaptiveNormSilu, group_norm, group_norm_by_moments, norm_silu


def numbers(*shape: int, seed: int = 0, dtype=torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("groups", [1, 3, 12])
def test_values_and_gradients_are_those_of_the_operations_one_by_one(groups, layout):
    x = (3 * numbers(2, 12, 5, 7) + 1).contiguous(memory_format=layout).requires_grad_()
    scale, shift = numbers(2, 12, 1, 1, seed=1).requires_grad_(), numbers(2, 12, 1, 1, seed=2).requires_grad_()
    found = norm_silu(x, scale, shift, groups)
    expected = F.silu(F.group_norm(x, groups, eps=1e-6) * scale + shift)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    weights = numbers(*x.shape, seed=3)
    for own, other in zip(
        *(torch.autograd.grad(y, (x, scale, shift), weights) for y in (found, expected)), strict=True
    ):
        torch.testing.assert_close(own, other, atol=1e-12, rtol=1e-12)


def test_in_bfloat16_gradients_are_as_close_as_its_digits_allow():
    tables = [numbers(2, 16, 9, 9) + 0.5, numbers(2, 16, 1, 1, seed=1), numbers(2, 16, 1, 1, seed=2)]
    weights, gradients = numbers(2, 16, 9, 9, seed=3), {}
    for dtype in (torch.float64, torch.bfloat16):
        own = [table.bfloat16().to(dtype, copy=True).requires_grad_() for table in tables]
        norm_silu(*own, 4).backward(weights.bfloat16().to(dtype))
        gradients[dtype] = [table.grad.double() for table in own]
    for rough, exact in zip(gradients[torch.bfloat16], gradients[torch.float64], strict=True):
        assert (rough - exact).norm() < 0.02 * exact.norm()


def test_the_adaptive_norm_starts_as_a_plain_group_norm():
    torch.manual_seed(0)
    layer = AdaptiveNormSilu(8, 6)
    x = torch.randn(2, 8, 4, 4)
    found = layer(x, torch.zeros(2, 6))
    torch.testing.assert_close(found, F.silu(F.group_norm(x, layer.groups, eps=1e-6)))
    assert not torch.allclose(layer(x, torch.ones(2, 6)), found)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_moments_give_the_same_norm_in_the_same_layout(layout):
    """What a compiled network computes."""
    x = (3 * numbers(2, 12, 5, 7) + 1).contiguous(memory_format=layout)
    for found, expected in zip(group_norm_by_moments(x, 3), group_norm(x, 3), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
    assert group_norm_by_moments(x, 3)[0].is_contiguous(memory_format=layout)


def test_moments_of_bfloat16_are_taken_in_float32():
    """Numbers with a mean of 100 and a deviation of 1, where bfloat16 has steps of a half."""
    x = (numbers(2, 8, 16, 16) + 100).bfloat16().contiguous(memory_format=torch.channels_last)
    normed, inverse = group_norm_by_moments(x, 2)
    exact, exact_inverse = group_norm(x.double(), 2)
    assert inverse.dtype == torch.float32 and normed.dtype == torch.bfloat16
    torch.testing.assert_close(inverse.double(), exact_inverse, rtol=1e-4, atol=0)
    torch.testing.assert_close(normed.double(), exact, rtol=2**-8, atol=1e-4)
