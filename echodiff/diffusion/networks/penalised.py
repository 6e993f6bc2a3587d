"""Layers for a network whose gradient with respect to the image is differentiated once more, by the R1 penalty.

Convolutions and leaky rectifiers are linear in pieces: that gradient depends on the weights and on the signs of the
activations, not on their size. torch's own layers give the derivative that is missing as images of zeros, which are
then carried back through the whole network, a third of the penalty's operations. Within `penalised` these layers do
not give any; everywhere else they are torch's own.
"""

import contextlib
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

SLOPE = 0.2  # of the leaky rectifier

_active = False


@contextlib.contextmanager
def penalised() -> Iterator[None]:
    """For the forward pass whose gradient is differentiated, and for that gradient, with respect to images alone.

    Gradients of the convolutions' weights are not computed within the block, but by the backward pass behind it.
    """
    global _active
    before, _active = _active, True
    try:
        yield
    finally:
        _active = before


def active() -> bool:
    """Whether this is within `penalised`."""
    return _active


def leaky(x: Tensor, *, inplace: bool = False) -> Tensor:
    """max(x, SLOPE x); `inplace`: in x's memory, which nobody else may need."""
    return _Leaky.apply(x, inplace) if _active else F.leaky_relu(x, SLOPE, inplace)


class _Leaky(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, inplace: bool) -> Tensor:
        if inplace:
            ctx.mark_dirty(x)
        y = F.leaky_relu(x, SLOPE, inplace)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return _Sloped.apply(gradient, y.detach()), None


class _Sloped(torch.autograd.Function):
    """The gradient times 1 or SLOPE, by the sign of y; linear in the gradient."""

    @staticmethod
    def forward(ctx, gradient: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(y)
        return torch.ops.aten.leaky_relu_backward(gradient, y, SLOPE, True)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (y,) = ctx.saved_tensors
        return _Sloped.apply(gradient, y), None
