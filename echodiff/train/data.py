"""The training images on the device, and the order in which they are seen."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from echodiff.store.image_set import ImageSet
from echodiff.store.provenance import seed_of


@dataclass(frozen=True)
class Planes:
    """Frames, label maps and sectors, uint8 (N, 1, H, W), on one device."""

    images: Tensor
    masks: Tensor
    sectors: Tensor

    @classmethod
    def of(cls, images: ImageSet, device: torch.device) -> "Planes":
        """All cases of an image set; 405 cases of 256 x 256 take 80 MB, so no loader is needed."""
        planes = (images.images, images.masks, images.sectors)
        return cls(*(torch.from_numpy(np.ascontiguousarray(p))[:, None].to(device) for p in planes))

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> "Planes":
        """The same cases on another device."""
        return Planes(self.images.to(device), self.masks.to(device), self.sectors.to(device))

    def __getitem__(self, rows: Tensor | slice) -> "Planes":
        return Planes(self.images[rows], self.masks[rows], self.sectors[rows])


@lru_cache(maxsize=2)
def epoch_order(seed: int, epoch: int, cases: int) -> Tensor:
    """The cases 0..N-1 in the order of one epoch, (N,) int64, a function of seed and epoch alone."""
    random = torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    return torch.randperm(cases, generator=random)


def batch_cases(seed: int, step: int, batch_size: int, cases: int) -> Tensor:
    """The cases of the global batch of one step, (B,) int64.

    Epochs follow one another without a gap: a batch may hold the end of one and the beginning of the next, so that
    each case is seen exactly once an epoch whatever the batch size is.
    """
    places = range(step * batch_size, (step + 1) * batch_size)
    return torch.stack([epoch_order(seed, place // cases, cases)[place % cases] for place in places])


def total_steps(epochs: int, steps: int | None, batch_size: int, cases: int) -> int:
    """Steps of a whole training; `steps` counts where it is given."""
    return steps if steps is not None else -(-epochs * cases // batch_size)
