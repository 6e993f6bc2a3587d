"""Feature extraction against torch-fidelity's own loop: the same images, the same network, one thread.

    python benchmarks/torch_fidelity_loop.py RESULTS/data/camus/images.h5 [--images-used 48] [--repeats 3]

Two networks: Inception of torch-fidelity with random weights in a file of its format (speed and equality do not depend
on what it has learned), and EfficientNet-Lite0 registered there as an extractor of the user's own. Both loops take
turns. CPU-seconds are user + system, worker processes included, medians over the repeats. Also prints what a second
metric costs once the features are there.
"""

import argparse
import resource
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch

from echodiff.devices.cpu import prepare_cpu
from echodiff.evaluate.extractors import load_efficientnet, load_inception
from echodiff.evaluate.features import Extraction, extract_features
from echodiff.evaluate.frechet import frechet_distance
from echodiff.evaluate.kernel import kernel_distance
from echodiff.evaluate.manifold import overlap
from echodiff.evaluate.torchvision_ops import import_torchvision
from echodiff.evaluate.weights import sha256_of
from echodiff.store.image_set import read_image_set

OURS = 4  # frames in one pass, the default of evaluate.batch_size


def cpu_seconds() -> float:
    """User and system time of this process and of the worker processes that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in used)


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = cpu_seconds()
    result = work()
    return result, cpu_seconds() - start


class Frames(torch.utils.data.Dataset):
    """Gray frames as torch-fidelity takes them: uint8 (3, H, W)."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> torch.Tensor:
        return torch.from_numpy(self.images[place])[None].repeat(3, 1, 1)


def random_inception(path: Path) -> None:
    """Write weights for torch-fidelity's Inception, scaled such that its features do not vanish."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Untrained(FeatureExtractorInceptionV3):
        def load_state_dict(self, state, *arguments, **options):
            for module in self.modules():
                if isinstance(module, torch.nn.Conv2d):
                    torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    torch.manual_seed(0)
    torch.save({}, path)
    network = Untrained("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    torch.save(network.state_dict(), path)


def register_efficientnet() -> str:
    """Make the same network known to torch-fidelity; the name it has there."""
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase
    from torch_fidelity.registry import register_feature_extractor

    extract = load_efficientnet("cpu")

    class Registered(FeatureExtractorBase):
        def __init__(self, name, features_list, **_):
            super().__init__(name, features_list)

        @staticmethod
        def get_provided_features_list():
            return ("1280",)

        @staticmethod
        def get_default_feature_layer_for_metric(metric):
            return "1280"

        @staticmethod
        def can_be_compiled():
            return False

        def forward(self, frames):
            return (extract(frames[:, 0].contiguous()),)

    register_feature_extractor("efficientnet-lite0", Registered)
    return "efficientnet-lite0"


def compare(name: str, ours: Callable, theirs: Callable[[int], Callable], repeats: int) -> None:
    """Print CPU-seconds of both loops and their ratio, after features that must agree."""
    batches = {batch: theirs(batch) for batch in (64, OURS)}  # 64 is torch-fidelity's default
    seconds: dict[object, list[float]] = {key: [] for key in ("ours", *batches)}
    for _ in range(repeats):
        found, spent = timed(ours)
        seconds["ours"].append(spent)
        for batch, loop in batches.items():
            expected, spent = timed(loop)
            seconds[batch].append(spent)
            np.testing.assert_allclose(found, expected, atol=1e-4 * expected.std())
    own, difference = median(seconds["ours"]), np.abs(found - expected).max() / expected.std()
    print(f"{name}, {len(found)} images: ours {own:.2f} CPU-s, largest difference {difference:.1e} of their SD")
    for batch in batches:
        other = median(seconds[batch])
        print(f"  torch-fidelity, batches of {batch}: {other:.2f} CPU-s, {other / own:.2f} times ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--images-used", type=int, default=48)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    prepare_cpu()
    torch.set_num_threads(1)
    import_torchvision()
    from torch_fidelity.utils import create_feature_extractor, get_featuresdict_from_dataset

    everything = read_image_set(arguments.images).images
    images = everything[: arguments.images_used]

    def loop(extractor: torch.nn.Module, layer: str) -> Callable[[int], Callable]:
        def of_size(batch: int) -> Callable:
            def run() -> np.ndarray:
                found = get_featuresdict_from_dataset(Frames(images), extractor, batch, False, False, False)
                return found[layer].numpy()

            return run

        return of_size

    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "inception.pth")
        random_inception(weights)
        path = str(weights)
        theirs = create_feature_extractor(
            "inception-v3-compat", ["2048"], cuda=False, verbose=False, feature_extractor_weights_path=path
        )
        ours = Extraction(load_inception(weights, "cpu", sha256=sha256_of(weights)), OURS, "cpu")
    compare("Inception", lambda: extract_features(images, ours), loop(theirs, "2048"), arguments.repeats)
    name = register_efficientnet()
    theirs = create_feature_extractor(name, ["1280"], cuda=False, verbose=False)
    ours = Extraction(load_efficientnet("cpu"), OURS, "cpu")
    compare("EfficientNet-Lite0", lambda: extract_features(images, ours), loop(theirs, "1280"), arguments.repeats)
    features, spent = timed(lambda: extract_features(everything, ours))
    print(f"all {len(everything)} images once: {spent:.2f} CPU-s")
    half = len(features) // 2
    print(f"{half} v. {len(features) - half} images:")
    for metric in (frechet_distance, kernel_distance, overlap):
        _, spent = timed(lambda metric=metric: metric(features[:half], features[half:]))
        print(f"  {metric.__name__}: {spent:.3f} CPU-s")


if __name__ == "__main__":
    main()
