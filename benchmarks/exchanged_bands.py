"""At which size of structures translations differ from real frames: bands exchanged between the two.

    python benchmarks/exchanged_bands.py DRAWN.h5 --data RESULTS/data/camus/images.h5
        --split RESULTS/split/camus.parquet

DRAWN.h5: images of validation cases, as `compare_models.py` and `echodiff translate --subset validation` write it.

Each frame is divided by a Gaussian blur into larger and smaller structures. A row has the Frechet distance to the
training images, in features of EfficientNet-Lite0, either of the drawn images with the real frames' smaller structures
or of the real frames with the drawn images' smaller structures. The worse of the two names the side on which drawn
images are wrong. In brackets is the part of the distance that comes from the mean of the features, as a systematic
fault does; the rest comes from their covariance.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from echodiff.devices.cpu import prepare_cpu
from echodiff.split.files import read_subset
from echodiff.store.image_set import read_image_set

SIGMAS = (1, 2, 4, 8, 16)


class Distance:
    """The Frechet distance to the training images, and the part of it that their mean has."""

    def __init__(self, training: NDArray[np.uint8]):
        from echodiff.evaluate.extractors import load_efficientnet
        from echodiff.evaluate.features import Extraction, extract_features

        extraction = Extraction(load_efficientnet("cpu"), batch_size=4, device="cpu")
        self._features = lambda images: extract_features(images, extraction)
        self._training = self._features(training)

    def described(self, images: NDArray[np.uint8]) -> str:
        """As the cell of a table."""
        from echodiff.evaluate.frechet import frechet_distance

        found = self._features(images)
        of_mean = np.square(found.mean(axis=0) - self._training.mean(axis=0)).sum()
        return f"{frechet_distance(found, self._training):.1f} ({of_mean:.1f} of the mean)"


def blurred(images: NDArray[np.uint8], sigma: float) -> NDArray[np.float64]:
    """Frames (N, H, W) without what is smaller than about `sigma` pixels."""
    return gaussian_filter(images.astype(np.float64), (0, sigma, sigma))


def as_image(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drawn", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", type=Path, required=True)
    arguments = parser.parse_args()
    prepare_cpu()
    images, drawn = read_image_set(arguments.data), read_image_set(arguments.drawn)
    real = images.select(drawn.case_id)
    distance = Distance(images.select(read_subset(arguments.split, "train")).images)
    print("| larger structures | smaller structures | divided at sigma, pixels | FD |\n|---|---|---|---|")
    for name, whole in (("real", real.images), ("drawn", drawn.images)):
        print(f"| {name} | {name} | | {distance.described(whole)} |", flush=True)
    for sigma in SIGMAS:
        sides = {"real": real.images, "drawn": drawn.images}
        large = {name: blurred(own, sigma) for name, own in sides.items()}
        for coarse, fine in (("drawn", "real"), ("real", "drawn")):
            mixed = as_image(large[coarse] + sides[fine] - large[fine])
            print(f"| {coarse} | {fine} | {sigma} | {distance.described(mixed)} |", flush=True)


if __name__ == "__main__":
    main()
