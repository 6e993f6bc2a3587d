"""What a generator is to those who train it and draw from it."""

from torch import Tensor, nn

from echodiff.diffusion.schedule import Schedule


class Generator(nn.Module):
    """G(x_{t+1}, guide, t, z) -> estimate of x_0: (B, 1, H, W), (B, G, H, W), (B,) and numbers z by name.

    The numbers are of two kinds. Latents are standard normal and drawn anew at each step. Traits are properties of a
    whole image: measured of x_0 while the network learns, and drawn once, standard normal, for an image that is drawn.

    Its class is called with the images' size, `guide_channels` (G), `steps` (T), `bounded` and its own options. Its
    output lies in [-1, 1], as images do; where `bounded` is false, which is asked of those alone whose options have
    `predicts_velocity`, it may have any value.

    window: pixels a side of the part of each image that is learned from, 0 for whole images; `forward` then also takes
    `corners` (B, 2) and computes these windows only.
    """

    window = 0

    def calibrate(self, images: Tensor, schedule: Schedule) -> None:
        """Called once before training, with all training images (N, 1, H, W) in [-1, 1]; what is learned of them goes
        into buffers."""

    def latent_shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the latents of one image at one step."""
        raise NotImplementedError

    def trait_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the traits of one image."""
        return {}

    def describe(self, images: Tensor) -> dict[str, Tensor]:
        """The traits of images (B, 1, H, W) in [-1, 1], each (B, ...)."""
        return {}
