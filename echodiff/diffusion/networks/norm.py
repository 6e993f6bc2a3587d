"""Group norm, a scale and shift of each channel, and SiLU as one operation.

On a CPU torch's derivative of the group norm is ten times as slow as its forward pass when the channels are innermost
in memory. Here it is put together from sums over the channels and two passes over the image, and what is kept for it
is one image instead of three.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from echodiff.diffusion.networks.layers import linear, norm_groups

EPSILON = 1e-6  # added to the variance


def norm_silu(x: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
    """silu(scale * group_norm(x) + shift): x (B, C, H, W), scale and shift (B, C, 1, 1). Differentiable once."""
    return _NormSilu.apply(x, scale.to(x.dtype), shift.to(x.dtype), groups)


def group_norm(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """(x - mean) / deviation over each group of channels, as x (B, C, H, W), and 1 / deviation, (B, groups).

    On a CPU torch's operator takes either layout. On a GPU it refuses channels that lie innermost, and rounds mean and
    deviation to x's type: there it is given float32 with the channels outermost. A compiler writes an operator of its
    own, and needs no other layout for it.
    """
    batch, channels, height, width = x.shape
    if torch.compiler.is_compiling():
        return group_norm_by_moments(x, groups)
    sizes = (batch, channels, height * width, groups)
    if x.device.type == "cuda":
        innermost = x.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if innermost else torch.contiguous_format
        outermost = x.to(torch.float32, memory_format=torch.contiguous_format)
        normed, _, inverse = torch.native_group_norm(outermost, None, None, *sizes, EPSILON)
        return normed.to(x.dtype, memory_format=layout), inverse
    normed, _, inverse = torch.native_group_norm(x, None, None, *sizes, EPSILON)
    return normed, inverse


def group_norm_by_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """The same, put together from mean and variance in float32 at least, in x's layout."""
    parted = x.to(torch.promote_types(x.dtype, torch.float32)).unflatten(1, (groups, -1))
    variance, mean = torch.var_mean(parted, dim=(2, 3, 4), correction=0, keepdim=True)
    inverse = torch.rsqrt(variance + EPSILON)
    return ((parted - mean) * inverse).flatten(1, 2).to(x.dtype), inverse.flatten(1)


class _NormSilu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
        normed, inverse = group_norm(x, groups)
        ctx.save_for_backward(normed, inverse, scale, shift)
        return F.silu(torch.addcmul(shift, normed, scale), inplace=True)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        normed, inverse, scale, shift = ctx.saved_tensors
        batch, channels, height, width = normed.shape
        inner = torch.ops.aten.silu_backward(gradient, torch.addcmul(shift, normed, scale))
        of_shift = inner.sum(dim=(2, 3), keepdim=True)
        of_scale = (inner * normed).sum(dim=(2, 3), keepdim=True)
        # d/dx = (dn - mean dn - n mean(dn n)) / deviation, with dn = scale * inner and means over the group.
        wide, groups = torch.promote_types(normed.dtype, torch.float32), inverse.shape[1]
        rate = inverse.to(wide).view(batch, groups, 1)
        weight = scale.to(wide).view(batch, groups, -1)
        sums = torch.stack([of_shift, of_scale]).to(wide).view(2, batch, groups, -1)
        means = (sums * weight).mean(dim=3, keepdim=True) * (rate / -(height * width))
        of_inner = (rate * weight).to(normed.dtype).view(scale.shape)
        plain, of_normed = means.to(normed.dtype).expand(sums.shape).reshape(2, *scale.shape)
        of_x = torch.addcmul(plain, inner, of_inner).addcmul_(normed, of_normed)
        return of_x, of_scale, of_shift, None


class AdaptiveNormSilu(nn.Module):
    """Group norm whose scale and shift come from the style w (B, style), then SiLU; starts as a plain group norm."""

    def __init__(self, channels: int, style: int):
        super().__init__()
        self.groups = norm_groups(channels)
        self.style = linear(style, 2 * channels)
        with torch.no_grad():
            self.style.bias[:channels] = 1

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        scale, shift = self.style(w)[:, :, None, None].chunk(2, dim=1)
        return norm_silu(x, scale, shift, self.groups)
