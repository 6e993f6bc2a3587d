"""The layers under the gradient penalty: torch's own gradients, without what is led back in vain."""

import contextlib

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from echodiff.config.networks import ResidualDiscriminator
from echodiff.diffusion import losses
from echodiff.diffusion.networks import conv
from echodiff.diffusion.networks.registry import build_discriminator
from echodiff.train.estimate import Meter


def penalty_gradients(discriminator, x_t, x_tp1, t) -> tuple[torch.Tensor, dict[str, torch.Tensor | None]]:
    discriminator.zero_grad(set_to_none=True)
    penalty = losses.r1_penalty(discriminator, x_t, x_tp1, t)
    penalty.backward()
    return penalty.detach(), {name: weight.grad for name, weight in discriminator.named_parameters()}


def random_discriminator(group: int, **options):
    torch.manual_seed(0)
    discriminator = build_discriminator(ResidualDiscriminator(channels=4, time=8, group=group, **options), 32)
    for weight in discriminator.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return discriminator, torch.randn(2, 1, 32, 32), torch.randn(2, 1, 32, 32), torch.tensor([0, 2])


@pytest.mark.parametrize("group", [1, 2])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("on_gpu", [False, True])
def test_gradients_of_the_penalty_are_those_of_torch_s_layers(group, autocast, on_gpu, monkeypatch):
    """In groups the deviation is curved, so that part of the gradient does come back by the forward pass."""
    monkeypatch.setattr(conv, "takes_torch_s", lambda x: not on_gpu)
    case = random_discriminator(group)
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        value, found = penalty_gradients(*case)
        monkeypatch.setattr(losses, "penalised", contextlib.nullcontext)
        expected_value, expected = penalty_gradients(*case)
    scale = max(gradient.abs().max() for gradient in expected.values() if gradient is not None)
    assert value > 0 and scale > 0
    torch.testing.assert_close(value, expected_value, rtol=1e-5, atol=0)
    for name, gradient in expected.items():
        own = torch.zeros(()) if found[name] is None else found[name]
        other = torch.zeros(()) if gradient is None else gradient
        assert (own - other).abs().max() <= (2e-2 if autocast else 1e-5) * scale, name


@pytest.mark.parametrize("on_gpu", [False, True])
def test_the_penalty_costs_four_forward_passes(on_gpu, monkeypatch):
    """Forward, gradient, and of that one again the gradients of its weights and of its argument."""
    monkeypatch.setattr(conv, "takes_torch_s", lambda x: not on_gpu)
    case = random_discriminator(1)
    with Meter() as forward, torch.no_grad():
        case[0](*case[1:])
    with Meter() as penalty:
        penalty_gradients(*case)
    assert penalty.flops < 4.1 * forward.flops


def test_no_pass_of_the_penalty_is_cast_while_it_goes_backwards(monkeypatch):
    """A GPU's own threads go backwards; torch advises against autocast there."""
    enabled = []
    backward = conv._Penalised.backward

    def noted(ctx, gradient):
        enabled.append(torch.is_autocast_enabled("cpu"))
        return backward(ctx, gradient)

    monkeypatch.setattr(conv._Penalised, "backward", staticmethod(noted))
    with torch.autocast("cpu", torch.bfloat16):
        penalty_gradients(*random_discriminator(1))
    assert enabled and not any(enabled[: len(enabled) // 2])


def test_on_a_gpu_no_convolution_has_a_kernel_of_the_image_s_size(monkeypatch):
    """torch's own derivative of the gradient has, and GPUs have no quick routine for it."""
    sides = []

    class Noted(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            if function is torch.ops.aten.convolution.default:
                sides.append(args[1].shape[-1])
            return function(*args, **(kwargs or {}))

    monkeypatch.setattr(conv, "takes_torch_s", lambda x: False)
    with Noted():
        penalty_gradients(*random_discriminator(1))
    assert set(sides) == {1, 3, 4}
