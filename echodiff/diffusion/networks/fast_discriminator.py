"""A small discriminator that can see speckle: one critic for texture, one for structure.

D(x_t, x_{t+1}, t) -> logits (B, K), never the guide. A network on raw pixels does not learn here: speckle has a
tenth of the deviation of the anatomy's grays and of the noise that is added to it. So what can be told apart is
laid out before the first layer:

- detail, x_t less its local mean, and the local mean itself, each brought to a deviation near 1;
- residual (x_{t+1} - sqrt(1 - beta) x_t) / sqrt(beta), which is white noise of deviation 1 if x_t is real;
- the place, because a beam widens with depth and turns with the angle.

Texture is judged in small neighbourhoods at the first steps back from the image, where it can be seen through
the noise; structure is judged on means over 4 x 4 pixels, at all steps.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echodiff.diffusion.networks.conv import Conv2d
from echodiff.diffusion.networks.discriminator import Discriminator
from echodiff.diffusion.networks.windows import cut, pad_edges
from echodiff.diffusion.schedule import Schedule

SLOPE = 0.2  # of the leaky rectifier
BLUR = 5  # pixels a side of the local mean
CELL = 4  # pixels a side of a logit of texture, and of the means that structure is judged by
SPREAD = 0.3  # variance of coarse grays over places and patients, in -1..1; only a scale, so rough
CALIBRATED_AT_ONCE = 64  # images


def leaky_conv(in_channels: int, out_channels: int, kernel: int, stride: int) -> Conv2d:
    """A convolution that halves the size (kernel 4) or keeps it (kernel 3), weights after He et al. 2015."""
    layer = Conv2d(in_channels, out_channels, kernel, stride=stride, padding=1)
    nn.init.kaiming_normal_(layer.weight, SLOPE)
    return layer


class PatchCritic(nn.Module):
    """Convolutions to a map of logits: x (B, in, h, w), t (B,) -> (B, 1, h', w').

    layers: (width, stride) of each convolution. The step enters behind the second.
    """

    def __init__(self, in_channels: int, layers: tuple[tuple[int, int], ...], steps: int):
        super().__init__()
        widths = [in_channels, *(width for width, _ in layers)]
        self.convs = nn.ModuleList(
            leaky_conv(before, width, 4 if stride == 2 else 3, stride)
            for before, (width, stride) in zip(widths, layers, strict=False)
        )
        self.time = nn.Embedding(steps, widths[2])
        self.logit = Conv2d(widths[-1], 1, 1)
        nn.init.normal_(self.logit.weight, std=0.02)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        h = x.contiguous(memory_format=torch.channels_last)
        for index, conv in enumerate(self.convs):
            h = conv(h)
            if index == 1:
                h = h + self.time(t)[:, :, None, None]
            h = F.leaky_relu(h, SLOPE)
        return self.logit(h)


class FastDiscriminator(Discriminator):
    """D(x_t, x_{t+1}, t) -> logits (B, K + K/4): one of texture each 4 x 4 pixels, one of structure each 8 x 8.

    At steps where texture is not judged, logits of structure are in its place: every image has as many.
    steps: T. channels: width of the first layers. texture_steps: t below this is judged by its texture.
    """

    def __init__(self, size: int, *, steps: int = 4, channels: int = 32, texture_steps: int = 2):
        super().__init__()
        self.texture_steps = texture_steps
        c = channels
        self.texture = PatchCritic(8, ((c, 1), (2 * c, 2), (2 * c, 2), (4 * c, 1)), steps)
        self.structure = PatchCritic(4, ((c, 1), (2 * c, 2), (3 * c, 2), (3 * c, 2)), steps)
        line = (torch.arange(size) + 0.5) * (2 / size) - 1
        self.register_buffer("place", torch.stack(torch.meshgrid(line, line, indexing="ij"))[None], persistent=False)
        self.register_buffer("abar", torch.ones(steps + 1))  # these three are set by calibrate
        self.register_buffer("beta", torch.full((steps,), 0.5))
        self.register_buffer("detail", torch.tensor(0.1))

    def calibrate(self, images: Tensor, schedule: Schedule) -> None:
        """Note the schedule, and the deviation of detail in the training images (N, 1, H, W) in [-1, 1]."""
        self.abar.copy_(schedule.signal**2)
        self.beta.copy_(schedule.beta)
        # Some images at a time: a local mean takes several copies of what it is of.
        details = ((part - local_mean(part)).double() for part in images.float().split(CALIBRATED_AT_ONCE))
        moments = torch.cat([torch.stack([d.mean((1, 2, 3)), d.square().mean((1, 2, 3))], dim=1) for d in details])
        mean, square = moments.mean(dim=0)
        self.detail.copy_((square - mean**2).sqrt())

    def forward(self, x_t: Tensor, x_tp1: Tensor, t: Tensor, corners: Tensor | None = None) -> Tensor:
        """Judge whole images (B, 1, H, W), or windows (B, 1, h, w) whose corners (B, 2) are given."""
        place = self.place.expand(len(x_t), -1, -1, -1)
        if corners is not None:
            place = cut(place, corners, x_t.shape[-1])
        structure = self.structure(self.coarse_channels(x_t, x_tp1, place, t), t)
        height, width = x_t.shape[-2] // CELL, x_t.shape[-1] // CELL
        logits = F.interpolate(structure, size=(height, width)).flatten(1)
        # Only a CPU looks up which images these are: a GPU would be waited for, and a compiler knows no values.
        if t.device.type != "cpu" or torch.compiler.is_compiling():
            texture = self.texture(self.fine_channels(x_t, x_tp1, place, t), t).flatten(1).to(logits.dtype)
            logits = torch.where((t < self.texture_steps)[:, None], texture, logits)
        elif len(seen := torch.nonzero(t < self.texture_steps)[:, 0]):
            channels = self.fine_channels(x_t[seen], x_tp1[seen], place[seen], t[seen])
            logits = logits.index_copy(0, seen, self.texture(channels, t[seen]).flatten(1).to(logits.dtype))
        return torch.cat([logits, F.interpolate(structure, size=(height // 2, width // 2)).flatten(1)], dim=1)

    def fine_channels(self, x_t: Tensor, x_tp1: Tensor, place: Tensor, t: Tensor) -> Tensor:
        """Detail, grays, residual and place at full resolution, (B, 8, h, w)."""
        beta = self.beta[t].view(-1, 1, 1, 1)
        mean = local_mean(x_t)
        # Detail of x_t: of the image times the share of signal, and of white noise, at step t.
        abar = self.abar[t].view(-1, 1, 1, 1)
        detail = (x_t - mean) / (abar * self.detail**2 + (1 - abar)).sqrt()
        residual = (x_tp1 - (1 - beta).sqrt() * x_t) / beta.sqrt()
        return torch.cat([detail, 2 * mean, 2 * x_t, local_mean(x_tp1), residual, x_tp1, place], dim=1)

    def coarse_channels(self, x_t: Tensor, x_tp1: Tensor, place: Tensor, t: Tensor) -> Tensor:
        """Means over 4 x 4 pixels of both images, each of a deviation near 1, and of the place, (B, 4, h/4, w/4)."""

        def scaled(x: Tensor, t: Tensor) -> Tensor:
            abar = self.abar[t].view(-1, 1, 1, 1)
            return F.avg_pool2d(x, CELL) / (abar * SPREAD + (1 - abar) / CELL**2).sqrt()

        return torch.cat([scaled(x_t, t), scaled(x_tp1, t + 1), F.avg_pool2d(place, CELL)], dim=1)


def local_mean(x: Tensor) -> Tensor:
    """Mean over BLUR x BLUR pixels around each, the border's pixels repeated; the shape stays."""
    return F.avg_pool2d(pad_edges(x, BLUR // 2), BLUR, stride=1)
