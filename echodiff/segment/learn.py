"""Training of the segmenter, on frames and label maps of real training patients."""

from dataclasses import dataclass

import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet

from echodiff.progress import Progress
from echodiff.segment.augment import as_other_scanners, augment
from echodiff.segment.network import build_network, resized, resized_labels
from echodiff.store.image_set import ImageSet


@dataclass(frozen=True)
class Training:
    """size: pixels that the network works on; vary_scanner: frames as other scanners may show them; the rest as
    everywhere.
    """

    size: int
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    vary_scanner: bool = False


def train_segmenter(images: ImageSet, training: Training, *, device: str) -> UNet:
    """Train on all frames and label maps of `images`, with random gamma, rotation, scale and shift."""
    torch.manual_seed(training.seed)
    network = build_network().to(device).train()
    frames = resized(torch.from_numpy(images.images), training.size)
    masks = resized_labels(torch.from_numpy(images.masks), training.size)
    steps = training.epochs * -(-len(frames) // training.batch_size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, total_steps=steps)
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    generator = torch.Generator().manual_seed(training.seed)
    progress = Progress(steps, description="segmenter", unit="steps")
    for _ in range(training.epochs):
        for rows in torch.randperm(len(frames), generator=generator).split(training.batch_size):
            x, y = augment(frames[rows], masks[rows], generator)
            x = as_other_scanners(x, generator) if training.vary_scanner else x
            loss = loss_of(network(x.to(device)), y.to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.advance(note=f"loss {loss.item():.3f}")
    progress.close()
    return network.eval()
