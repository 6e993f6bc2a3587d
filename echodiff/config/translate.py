"""Section `translate`: how guides become synthetic images."""

from pydantic import Field

from echodiff.config.base import Section


class Translate(Section):
    """Sampling; the number of steps is an option of the model."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the noise. Each case has a seed of its own, derived from this one and the case's id."""

    batch_size: int = Field(default=8, ge=1)
    """Images in one forward pass; affects speed and memory, never the images."""

    strength: float = Field(default=1.0, gt=0, le=1)
    """1: sampling starts from pure noise. Less: from the source image, noised to this share of the steps."""
