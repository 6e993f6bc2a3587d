"""Section `translate`: how guides become synthetic images."""

from pydantic import Field

from echodiff.config.base import Section


class Translate(Section):
    """Sampling; the number of steps belongs to the model."""

    seed: int = Field(default=2024, ge=0)
    """Seed of the noise. Each case draws from a seed of its own, made from this one and the case's id."""

    batch_size: int = Field(default=8, ge=1)
    """Images in one forward pass; changes speed and memory, never the images."""

    strength: float = Field(default=1.0, gt=0, le=1)
    """1: the reverse process starts from pure noise; less: from the source image noised to that share of the steps."""
