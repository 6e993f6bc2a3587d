"""What a discriminator is to those who train it."""

from torch import Tensor, nn

from echodiff.diffusion.schedule import Schedule


class Discriminator(nn.Module):
    """D(x_t, x_{t+1}, t) -> logits (B, K), one of the image or of K patches: is x_t a step back from x_{t+1}?

    (B, 1, H, W), (B, 1, H, W), (B,). It never sees the guide. Where its options have `judges_windows`, `forward` also
    takes `corners` (B, 2) and judges windows (B, 1, h, w) that lie there. Its class is called with the images' size,
    `steps` (T) and its own options.
    """

    def calibrate(self, images: Tensor, schedule: Schedule) -> None:
        """Called once before training, with all training images (N, 1, H, W) in [-1, 1]; what is learned of them goes
        into buffers."""
