"""The convolution of all networks here: torch's own, with derivatives of its own where those of torch are slow.

Two cases. Within `penalised` the gradient with respect to the image is differentiated once more: it does not depend on
that image, and nothing is led back to it; on a GPU its own derivative is put together here, too. And on processors with
AVX2 but without AVX-512, the gradient of the weights takes up to six times as long as the forward pass when the
channels are innermost in memory: there it is put together from products of matrices.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from echodiff.diffusion.networks import penalised

FEWEST_CHANNELS = 16  # with fewer the products are too narrow to be quicker
FEWEST_TERMS = 5e7  # multiplications a tap; with fewer, two threads wait for each other longer than they work


class Conv2d(nn.Conv2d):
    """A convolution."""

    def forward(self, x: Tensor) -> Tensor:
        if penalised.active():
            return _Penalised.apply(*self._cast(x), self.stride, self.padding)
        if self.weight.requires_grad and torch.is_grad_enabled() and self.takes_products(x):
            return _Products.apply(x, self.weight, self.bias, self.padding)
        return super().forward(x)

    def takes_products(self, x: Tensor) -> bool:
        """Whether the gradient of the weights is quicker as products of matrices."""
        side = self.kernel_size[0]
        keeps_size = self.stride == (1, 1) and self.kernel_size == (side, side) and self.padding == (side // 2,) * 2
        return (
            not torch.compiler.is_compiling()
            and keeps_size
            and side % 2 == 1
            and min(self.in_channels, self.out_channels) >= FEWEST_CHANNELS
            and x.numel() * self.out_channels >= FEWEST_TERMS
            and x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and x.is_contiguous(memory_format=torch.channels_last)
            and not torch.is_autocast_enabled("cpu")
            and slow_weight_gradient()
        )

    def _cast(self, x: Tensor) -> list[Tensor | None]:
        """Image, weight and bias in autocast's type, which it gives torch's own operators alone."""
        numbers, device = [x, self.weight, self.bias], x.device.type
        if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            numbers = [None if number is None else number.to(dtype) for number in numbers]
        return numbers


def slow_weight_gradient() -> bool:
    """Whether this is a processor with AVX2 and nothing newer, for which oneDNN's gradient of weights is slow."""
    return torch.backends.cpu.get_cpu_capability() == "AVX2"


def gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: tuple, padding: tuple, wanted: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """torch's gradients of image, weights and bias of a convolution, from that of its result; None if not `wanted`."""
    arguments = ([len(weight)], stride, padding, (1, 1), False, (0, 0), 1, wanted)
    return torch.ops.aten.convolution_backward(gradient, x, weight, *arguments)


def weight_gradient(gradient: Tensor, x: Tensor, side: int) -> Tensor:
    """Gradient (O, I, side, side) of the weights of a convolution that keeps the size, from that of its result.

    x (B, I, H, W), gradient (B, O, H, W). In a list of all pixels, lines with their frames of zeros one after another,
    a tap of the kernel is a shift: its gradient is the product of two long matrices, and no patches are copied.
    """
    reach = side // 2
    pixels = F.pad(x.permute(0, 2, 3, 1), (0, 0, reach, reach, reach, reach))
    width, channels = pixels.shape[2], (gradient.shape[1], x.shape[1])
    pixels = pixels.flatten(0, 2)
    places = F.pad(gradient.permute(0, 2, 3, 1), (0, 0, 0, 2 * reach, 0, 2 * reach)).flatten(0, 2)
    places = places[: len(places) - 2 * reach * (width + 1)].t()  # those behind are zeros
    taps = x.new_empty(side, side, *channels)
    for row in range(side):
        for column in range(side):
            first = row * width + column
            torch.mm(places, pixels[first : first + places.shape[1]], out=taps[row, column])
    return taps.permute(2, 3, 0, 1)


class _Products(torch.autograd.Function):
    """A convolution of stride 1 that keeps the size; differentiable once."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = gradients(gradient, x, weight, (1, 1), ctx.padding, (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            of_weight = weight_gradient(gradient, x, weight.shape[-1])
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum(dim=(0, 2, 3))
        return of_x, of_weight, of_bias, None


class _Penalised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor | None, stride: tuple, padding: tuple) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        of_x, *of_weights = ctx.needs_input_grad[:3]
        wanted = [needed and not penalised.active() for needed in of_weights]
        # The gradient of x does not depend on x, so none is led back to it.
        given = (x.detach(), weight, ctx.stride, ctx.padding)
        if not of_x or takes_torch_s(x):
            return *gradients(gradient, *given, (of_x, *wanted)), None, None
        own = gradients(gradient, *given, (False, *wanted))[1:] if any(wanted) else (None, None)
        return _GradientOfImage.apply(gradient, *given), *own, None, None


def takes_torch_s(x: Tensor) -> bool:
    """Whether the gradient of the image is differentiated by torch itself; a CPU needs half of the time for it."""
    return x.device.type != "cuda"


class _GradientOfImage(torch.autograd.Function):
    """What a convolution leads back to its image, linear in the gradient and in the weights; differentiable once.

    torch's own derivative with respect to the weights is a convolution whose kernel has the size of the image, for
    which GPUs are not made. It is the gradient of the weights for another image, too.
    """

    @staticmethod
    def forward(ctx, gradient: Tensor, x: Tensor, weight: Tensor, stride: tuple, padding: tuple) -> Tensor:
        ctx.save_for_backward(gradient, weight)
        ctx.stride, ctx.padding = stride, padding
        return gradients(gradient, x, weight, stride, padding, (True, False, False))[0]

    @staticmethod
    @once_differentiable
    def backward(ctx, image: Tensor) -> tuple[Tensor | None, ...]:
        gradient, weight = ctx.saved_tensors
        of_gradient = of_weight = None
        if ctx.needs_input_grad[0]:
            of_gradient = F.conv2d(image, weight, None, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[2]:
            of_weight = gradients(gradient, image, weight, ctx.stride, ctx.padding, (False, True, False))[1]
        return of_gradient, None, of_weight, None, None
