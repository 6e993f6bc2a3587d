"""The tissue sector that most images of a set share, in which a model draws that is not told any other."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from echodiff.store.image_set import ImageSet


def common_sector(images: ImageSet) -> NDArray[np.bool_]:
    """Where at least half of the images have tissue, (H, W)."""
    return images.sectors.mean(axis=0) >= 0.5


def in_sector(images: ImageSet, sector: NDArray[np.bool_]) -> ImageSet:
    """The image set with `sector` (H, W) as every image's own."""
    return replace(images, sectors=np.repeat(sector[None].astype(np.uint8), len(images), axis=0))
