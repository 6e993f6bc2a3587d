"""Section `evaluate`: which metrics, in which features."""

from typing import Annotated, Literal

from pydantic import Field

from echodiff.config.base import Section, UserPath
from echodiff.config.segmenter import SegmenterTraining


class Memory(Section):
    """Are synthetic images copies of training images?"""

    enabled: bool = True
    """Compare every synthetic image with all training images."""

    alarm_rate: float = Field(default=0.001, gt=0, lt=0.5)
    """False alarms: the share of different real patients that are below the threshold in any of the spaces."""

    max_flagged_share: float = Field(default=0.01, ge=0, lt=1)
    """Largest share of flagged images with which a synthetic dataset may be released. It is fit if the upper end of the
    share's 95 % interval (Wilson) is at most this, unfit if the share is larger; otherwise it has too few patients."""


class Physics(Section):
    """Speckle, resolution, contrast, gain and sector of real and synthetic images."""

    enabled: bool = True
    """Measure every image."""

    dynamic_range_db: float = Field(default=60.0, gt=0)
    """Decibels between black and white, assumed for all images."""


class Diversity(Section):
    """Do the samples of one guide differ?"""

    enabled: bool = True
    """Draw several images from each validation guide and compare them."""

    samples: int = Field(default=4, ge=2)
    """Images for each guide."""

    guides: int | None = Field(default=None, ge=1)
    """Validation guides to draw from, evenly spaced in the list of ids; `null`: all."""


class Segmentation(SegmenterTraining):
    """Do synthetic images show what their guides say? A segmenter trained on real training patients tells."""

    enabled: bool = True
    """Train the segmenter and compare its label maps with the guides."""

    seed: int = Field(default=2024, ge=0)
    """Seed of initialisation, order and augmentation."""


class Extreme(Section):
    """What do models draw from guides of extreme shape? Needs the segmenter (`segmentation`)."""

    enabled: bool = True
    """Deform label maps of held-out patients, translate and segment them."""

    patients: int = Field(default=4, ge=1)
    """Held-out patients whose label maps are deformed, each in seven ways; evenly spaced in the list of ids."""


class Use(Section):
    """Does it help to train on synthetic images? Segmenters trained on real images, synthetic images or both, tested on
    real held-out patients. Size, batch size, learning rate and seed are those of `segmentation`.
    """

    enabled: bool = False
    """Train the segmenters: for each share, one on real images, and for each model one on both; for each model, also
    one on synthetic images alone.
    """

    percent: list[Annotated[int, Field(ge=1, le=100)]] = Field(default=[10, 25, 50, 100], min_length=1)
    """Shares of the real training patients, in %."""

    steps: int = Field(default=2000, ge=1)
    """Steps of every segmenter, rounded to whole passes through its images, however many these are."""

    training_guides: bool = True
    """Synthetic images from the label maps of training patients as well as from those of the other datasets."""


class Evaluate(Section):
    """Metrics of the synthetic images."""

    features: Literal["auto", "inception", "efficientnet_lite0"] = "auto"
    """Features of the Frechet distance. `auto`: Inception if its weights are available, else EfficientNet-Lite0, and
    the distance is not named FID."""

    inception_weights: UserPath | None = None
    """File `weights-inception-2015-12-05-6726825d.pth` of torch-fidelity, for machines without a network."""

    download: bool = True
    """Download the Inception weights (96 MB) if they are neither in `inception_weights` nor in torch's cache."""

    download_timeout_s: float = Field(default=10.0, gt=0)
    """Longest wait in seconds for the network to answer."""

    batch_size: int = Field(default=4, ge=1)
    """Frames in one pass of the feature extractor; on a CPU small batches are the fastest."""

    polar: bool = True
    """Also compute distances in the polar frame, where all sectors have one outline; doubles the features' cost."""

    neighbours: bool = True
    """Also compute precision, recall, density and coverage."""

    trivial: bool = True
    """Add translators without a model to the tables: re-sector, histogram, nearest mask, painted labels."""

    memory: Memory = Memory()
    physics: Physics = Physics()
    diversity: Diversity = Diversity()
    segmentation: Segmentation = Segmentation()
    extreme: Extreme = Extreme()
    use: Use = Use()

    draws: int = Field(default=40, ge=0)
    """Number of subsamples for an interval and of random splits for a floor; 0: no intervals."""

    seed: int = Field(default=2024, ge=0)
    """Seed of subsamples, splits and the choice of another patient."""
