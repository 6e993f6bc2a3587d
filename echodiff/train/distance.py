"""The Frechet distance of validation samples to the training images, while a model learns.

In the features of EfficientNet-Lite0, which come with an installed package. Few images give a value that is biased
upwards (`echodiff.evaluate.frechet`): one training's values compare among themselves, and with those of other models
that were drawn for as many cases.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from echodiff.evaluate.extractors import load_efficientnet
from echodiff.evaluate.frechet import frechet_distance
from echodiff.train.drawing import Drawing
from echodiff.train.job import Job
from echodiff.train.samples import sample_cases

BATCH = 16  # images in one pass of the extractor


class ValidationDistance:
    """Holds the extractor, and the training images' features, from one measurement to the next.

    Raises:
        InputError: the installed weights of the extractor are others.
    """

    def __init__(self, job: Job, device: torch.device):
        self.job, self.device = job, device
        self.cases = job.distance_cases()
        self._extract = load_efficientnet(str(device))
        self._training = self._features(job.training.images)

    @property
    def described(self) -> str:
        """What is compared with what, in numbers."""
        return f"{len(self.cases)} samples against {len(self.job.training)} training images"

    def measure(self, network: torch.nn.Module) -> float:
        """`fd_efficientnet_lite0` of a sample of `network` (in evaluation mode) for each case, always from one seed."""
        samples = sample_cases(Drawing(network, self.job.model, self.device), self.cases)
        return frechet_distance(self._features(np.stack(samples)), self._training)

    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, H, W) -> (N, D)."""
        parts = []
        with torch.inference_mode():
            for start in range(0, len(images), BATCH):
                batch = torch.from_numpy(images[start : start + BATCH].copy()).to(self.device)
                parts.append(self._extract(batch).cpu().numpy())
        return np.concatenate(parts).astype(np.float64)
