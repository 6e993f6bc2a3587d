"""What the two networks minimise, each term a pure function of logits or images.

Logits are (B, K): one judgement an image, or K of its patches. Every term is a mean over the batch, so that a
batch that is divided among devices or into parts has the mean of the parts' losses and gradients.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from echodiff.diffusion.exact import exact
from echodiff.diffusion.networks.penalised import penalised

Discriminator = Callable[[Tensor, Tensor, Tensor], Tensor]

FINITE_STEP = 1e-2  # of the finite difference, in the image's units


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over (B, ...) of `values`, each image's share multiplied by its weight (B,)."""
    each = values.flatten(1).mean(dim=1)
    return (each if weights is None else each * weights).mean()


def discriminator_loss(real: Tensor, fake: Tensor, *, pairing: str, weights: Tensor | None = None) -> Tensor:
    """What D minimises, from the logits (B, K) of real and of fake steps.

    pairing: "independent", softplus(-D(real)) + softplus(D(fake)) (Goodfellow et al. 2014); "relativistic",
    softplus(D(fake) - D(real)) of a real and a fake step back from the same x_{t+1}
    (Jolicoeur-Martineau 2019).
    """
    if pairing == "relativistic":
        return weighted_mean(F.softplus(fake - real), weights)
    return weighted_mean(F.softplus(-real), weights) + weighted_mean(F.softplus(fake), weights)


def generator_loss(fake: Tensor, real: Tensor | None, *, pairing: str, weights: Tensor | None = None) -> Tensor:
    """What G minimises, non-saturating: softplus(-D(fake)), or softplus(D(real) - D(fake)) where paired."""
    if pairing == "relativistic":
        return weighted_mean(F.softplus(real - fake), weights)
    return weighted_mean(F.softplus(-fake), weights)


def r1_penalty(discriminator: Discriminator, x_t: Tensor, x_tp1: Tensor, t: Tensor) -> Tensor:
    """Half the squared gradient of the image's mean logit with respect to x_t, averaged over the batch.

    Mescheder et al. 2018, eq. 9, with gamma 1. The graph stays, for the gradient of the penalty itself.
    """
    x_t = x_t.detach().requires_grad_(True)
    with penalised():
        logit = discriminator(x_t, x_tp1, t).float().mean(dim=1)
        with exact(x_t.device):  # a pass backwards takes the types of the one forwards, and is cast no more
            (gradient,) = torch.autograd.grad(logit.sum(), x_t, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean() / 2


def r1_penalty_finite(discriminator: Discriminator, x_t: Tensor, x_tp1: Tensor, t: Tensor, direction: Tensor) -> Tensor:
    """An unbiased estimate of `r1_penalty` without second derivatives, which compiled networks lack.

    direction ~ N(0, I), (B, 1, H, W): the squared slope along it has the squared gradient as its mean. In float32
    at least: bfloat16 would round the step, and most of the difference, away.
    """
    x_t, x_tp1 = (x.to(torch.promote_types(x.dtype, torch.float32)) for x in (x_t, x_tp1))
    with exact(x_t.device):
        ahead = discriminator(x_t + FINITE_STEP * direction, x_tp1, t).mean(dim=1)
        behind = discriminator(x_t - FINITE_STEP * direction, x_tp1, t).mean(dim=1)
    return ((ahead - behind) / (2 * FINITE_STEP)).square().mean() / 2


def reconstruction_loss(x0_hat: Tensor, x_0: Tensor, *, pool: int = 1, weights: Tensor | None = None) -> Tensor:
    """L1 distance of images (B, 1, H, W), or of their means over `pool` x `pool` pixels: texture is free."""
    if pool > 1:
        x0_hat, x_0 = F.avg_pool2d(x0_hat, pool), F.avg_pool2d(x_0, pool)
    return weighted_mean((x0_hat - x_0).abs(), weights)


def velocity_loss(x0_hat: Tensor, x_0: Tensor, noise: Tensor, weights: Tensor | None = None) -> Tensor:
    """Squared distance of the velocities of x_{t+1} that belong to an estimated and to the true image.

    noise: (B, 1, 1, 1), deviation of the noise in x_{t+1}, so that it is the distance of the images over it
    (Salimans and Ho 2022, Section 4, "SNR + 1" weighting).
    """
    return weighted_mean(((x0_hat - x_0) / noise).square(), weights)


def choose_transitions(uniform: Tensor, probabilities: Tensor) -> Tensor:
    """Transitions t (B,) int64 in 0..T-1 from uniform numbers (B,) in [0, 1), with `probabilities` (T,)."""
    edges = torch.cumsum(probabilities, 0)
    chosen = torch.searchsorted(edges / edges[-1], uniform.to(edges.dtype), right=True)
    return chosen.clamp_(max=len(probabilities) - 1)
