"""Section `segmenter`: what gives cases without a label map theirs."""

from pydantic import Field

from echodiff.config.base import Section


class SegmenterTraining(Section):
    """How a segmenter learns from the training patients' frames and label maps."""

    size: int = Field(default=128, ge=32, multiple_of=16)
    """Height and width in pixels that the segmenter works on."""

    epochs: int = Field(default=20, ge=1)
    """Passes through the real training images."""

    batch_size: int = Field(default=8, ge=1)
    """Images a step."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Highest rate of the one-cycle schedule."""


class Segmenter(SegmenterTraining):
    """Predicts label maps for datasets with `labels: predicted`; trained only if there is one."""

    epochs: int = Field(default=24, ge=1)
    """Passes through the real training images."""

    vary_scanner: bool = True
    """Vary gain, contrast, gray curve and sharpness of the images in training, so that it also works on other scanners'
    frames."""

    seed: int = Field(default=2025, ge=0)
    """Seed of initialisation, order and augmentation. It must differ from that of `evaluate.segmentation`, which judges
    images drawn from these label maps."""
