"""Windows: squares of the images in which full-resolution texture is learned.

Texture repeats all over an image, so a training step need not compute all of it: the networks work at full
resolution in one window an image. A whole image drawn afterwards has the same pixels, because the generator
computes a margin around each window and pads the frame's own border by the same margin.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

STEP = 4  # corners lie on multiples of this, so that maps at a quarter of the resolution can be cut too
OVERHANG = 0.5  # of the window's side


def window_corners(uniform: Tensor, size: int, window: int) -> Tensor:
    """Corners (row, column) of a window in each image, (B, 2) int64, from uniform numbers (B, 2) in [0, 1).

    Places are drawn as if a window could hang over the frame by half its side, and are then moved inside:
    otherwise the border, where the tissue sector begins and ends, would hardly ever be seen.
    """
    free = size - window
    overhang = min(OVERHANG * window, free)
    places = uniform * (free + 2 * overhang) - overhang
    return (places.clamp(0, free) / STEP).floor().long() * STEP


def pad_edges(images: Tensor, margin: int) -> Tensor:
    """The border's pixels repeated, (B, C, H, W) -> (B, C, H + 2 margin, W + 2 margin).

    For torch.compile put together from slices: the derivative of torch's replication padding does not compile.
    """
    if not torch.compiler.is_compiling():
        return F.pad(images, (margin,) * 4, mode="replicate")
    for dim in (2, 3):
        shape = [margin if axis == dim else -1 for axis in range(4)]
        first, last = images.narrow(dim, 0, 1), images.narrow(dim, images.shape[dim] - 1, 1)
        images = torch.cat([first.expand(shape), images, last.expand(shape)], dim=dim)
    return images


def cut(images: Tensor, corners: Tensor, window: int, *, scale: int = 1) -> Tensor:
    """The windows of images (B, C, H, W) -> (B, C, window / scale, window / scale), channels innermost in memory.

    scale: the maps have 1 / scale of the resolution that `corners` and `window` are counted in.
    """
    side = torch.arange(window // scale, device=images.device)
    rows = (corners[:, 0] // scale)[:, None] + side
    columns = (corners[:, 1] // scale)[:, None] + side
    image = torch.arange(len(images), device=images.device)[:, None, None]
    return images[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
