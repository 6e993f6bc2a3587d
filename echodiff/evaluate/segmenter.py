"""A segmenter trained on real training patients only, to judge whether synthetic images show what their
guides say.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from numpy.typing import NDArray
from torch.nn import functional

from echodiff.errors import InputError
from echodiff.progress import Progress
from echodiff.store.image_set import ImageSet
from echodiff.store.intensity import to_model
from echodiff.store.torch_file import load_file, save_file

SCHEMA_VERSION = 1
KIND = "echodiff evaluate segmenter"
CLASSES = 4
CHANNELS = (16, 32, 64, 128, 128)
MAX_ROTATION = 0.2  # radians
MAX_SCALE = 0.15
MAX_SHIFT = 0.08  # of half the frame
MAX_GAMMA = 0.4  # of the logarithm


@dataclass(frozen=True)
class Training:
    """size: pixels that the network works on; the rest as everywhere."""

    size: int
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


def build_network() -> UNet:
    """MONAI's residual U-Net: (B, 1, S, S) in [-1, 1] to (B, 4, S, S) logits."""
    return UNet(
        spatial_dims=2, in_channels=1, out_channels=CLASSES, channels=CHANNELS, strides=(2, 2, 2, 2), num_res_units=1
    )


def train_segmenter(images: ImageSet, training: Training, *, device: str) -> UNet:
    """Train on all frames and label maps of `images`, with random gain, rotation, scale and shift."""
    torch.manual_seed(training.seed)
    network = build_network().to(device).train()
    frames = _resized(torch.from_numpy(images.images), training.size)
    masks = torch.from_numpy(images.masks)[:, None].float()
    masks = functional.interpolate(masks, (training.size, training.size), mode="nearest")
    steps = training.epochs * -(-len(frames) // training.batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, total_steps=steps)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    generator = torch.Generator().manual_seed(training.seed)
    progress = Progress(steps, description="segmenter", unit="steps")
    for _ in range(training.epochs):
        for rows in torch.randperm(len(frames), generator=generator).split(training.batch_size):
            x, y = augment(frames[rows], masks[rows], generator)
            loss = loss_of(network(x.to(device)), y.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.advance(note=f"loss {loss.item():.3f}")
    progress.close()
    return network.eval()


def augment(frames: torch.Tensor, masks: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random gamma, rotation, scale and shift, one a frame, the same for frame and label map (B, 1, S, S)."""
    count = len(frames)
    draw = torch.rand(count, 5, generator=generator) * 2 - 1
    gamma = torch.exp(MAX_GAMMA * draw[:, 0]).view(-1, 1, 1, 1)
    angle, scale = MAX_ROTATION * draw[:, 1], 1 + MAX_SCALE * draw[:, 2]
    shift = MAX_SHIFT * draw[:, 3:]
    cosine, sine = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(frames.shape), align_corners=False)
    unit = ((frames + 1) / 2).clamp(0, 1) ** gamma
    moved = functional.grid_sample(unit, grid, padding_mode="zeros", align_corners=False)
    return moved * 2 - 1, functional.grid_sample(masks, grid, mode="nearest", align_corners=False)


def segment(
    network: torch.nn.Module, images: NDArray[np.uint8], *, size: int, device: str, batch_size: int = 8
) -> NDArray[np.uint8]:
    """Label maps (N, H, W) of uint8 frames (N, H, W)."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), batch_size):
            frames = torch.from_numpy(images[start : start + batch_size].copy())
            logits = network(_resized(frames, size).to(device))
            full = functional.interpolate(logits, frames.shape[1:], mode="bilinear", align_corners=False)
            parts.append(full.argmax(dim=1).to(torch.uint8).cpu().numpy())
    return np.concatenate(parts)


def _resized(frames: torch.Tensor, size: int) -> torch.Tensor:
    """uint8 (N, H, W) to float32 (N, 1, S, S) in [-1, 1], antialiased."""
    frames = to_model(frames)[:, None]
    return functional.interpolate(frames, (size, size), mode="bilinear", antialias=True, align_corners=False)


def save_segmenter(network: UNet, training: Training, path: Path) -> None:
    """Write weights and options, readable with weights_only.

    Raises:
        OutputError: the file cannot be written.
    """
    content = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "weights": {key: value.cpu() for key, value in network.state_dict().items()},
        "training": json.dumps(asdict(training)),
    }
    save_file(content, path)


def load_segmenter(path: Path, device: str) -> tuple[UNet, Training]:
    """Read what `save_segmenter` wrote.

    Raises:
        InputError: missing, damaged, of another kind or version, or its weights do not fit.
    """
    content = load_file(path, kind=KIND, schema_version=SCHEMA_VERSION, device="cpu")
    try:
        network = build_network()
        network.load_state_dict(content["weights"])
        training = Training(**json.loads(content["training"]))
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InputError(
            f"{path}: expected options and weights of a segmenter that fit, found {reason}; run `{KIND}`"
        ) from error
    return network.to(device).eval(), training
