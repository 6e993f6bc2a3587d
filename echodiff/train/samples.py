"""The sheet of validation samples, Figure 2 of the paper: guide, real image, sample, side by side."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from echodiff.config.models import Guide
from echodiff.diffusion.guides import draw_guide
from echodiff.diffusion.reverse import Reverse
from echodiff.diffusion.sampler import sample
from echodiff.diffusion.sampling_noise import SamplingNoise
from echodiff.report.guides import draw_guide as draw_gray
from echodiff.report.sheet import Row, draw_sheet
from echodiff.store.image_set import ImageSet
from echodiff.store.intensity import to_uint8
from echodiff.store.provenance import seed_of
from echodiff.train.data import Planes

SHEET_DPI = 120


def draw_samples(
    path: Path,
    network: torch.nn.Module,
    reverse: Reverse,
    guide: Guide,
    cases: ImageSet,
    *,
    seed: int,
    device: torch.device,
) -> None:
    """Write the sheet as PNG, with a sample of `network` (in evaluation mode) for each case.

    Raises:
        OutputError: the file cannot be written.
    """
    samples = sample_cases(network, reverse, guide, cases, seed=seed, device=device)
    rows = [
        Row("Guide", [draw_gray(mask) for mask in cases.masks]),
        Row("Real image", list(cases.images)),
        Row("Sample", samples),
    ]
    draw_sheet(path, rows, columns=cases.case_id, dpi=SHEET_DPI)


def sample_cases(
    network: torch.nn.Module,
    reverse: Reverse,
    guide: Guide,
    cases: ImageSet,
    *,
    seed: int,
    device: torch.device,
) -> list[NDArray[np.uint8]]:
    """A sample of `network` (in evaluation mode) for each case, uint8 (H, W).

    Each case's seed depends on its id, so that samples of different times differ by what was learned alone.
    """
    planes = Planes.of(cases, device)
    size, reverse = planes.images.shape[-1], reverse.to(device)
    seeds = [seed_of(seed, "sheet", case) for case in cases.case_id]
    samples = []
    for row, case_seed in enumerate(seeds):  # one by one: memory stays that of a single image
        noise = SamplingNoise([case_seed], size=size, latents=network.latent_shapes(size), device=device)
        own = planes[slice(row, row + 1)]
        guides = draw_guide(own.masks, own.sectors, style=guide.style, sector=guide.sector)
        samples.append(to_uint8(sample(network, reverse, guides, noise))[0, 0].cpu().numpy())
    return samples
