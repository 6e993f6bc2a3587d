"""What a training changes step by step: networks, their running mean, optimisers, history."""

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from echodiff.config.models import Model, Optimiser
from echodiff.store.intensity import to_model
from echodiff.store.provenance import seed_of
from echodiff.store.source_code import code_fingerprint
from echodiff.train.checkpoint import KIND, LEARNING, SCHEMA_VERSION
from echodiff.train.generator_file import discriminator_of, generator_of, schedule_of
from echodiff.train.history import History


@dataclass
class State:
    """A training after `step` steps, which took `seconds`.

    ema: the generator whose weights are the running mean; it is what is sampled from.
    """

    generator: nn.Module
    ema: nn.Module
    discriminator: nn.Module | None
    optimiser_g: torch.optim.Optimizer
    optimiser_d: torch.optim.Optimizer | None
    history: History = field(default_factory=History)
    step: int = 0
    seconds: float = 0.0

    def checkpoint(self, model: Model, data_fingerprint: str) -> dict[str, Any]:
        """Everything that a continued run needs."""
        return {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "model": model.learned_from(),
            "data_fingerprint": data_fingerprint,
            "code": code_fingerprint(*LEARNING),
            "step": self.step,
            "seconds": self.seconds,
            "history": self.history.state_dict(),
            **{name: part.state_dict() for name, part in self._parts().items()},
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Take over the content of a checkpoint."""
        for name, part in self._parts().items():
            part.load_state_dict(content[name])
        for optimiser in (self.optimiser_g, self.optimiser_d):
            if optimiser is not None:
                lay_out_moments(optimiser)
        self.history = History.from_state(content["history"])
        self.step, self.seconds = content["step"], content["seconds"]

    def _parts(self) -> dict[str, Any]:
        names = ("generator", "ema", "discriminator", "optimiser_g", "optimiser_d")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def new_state(model: Model, images: Tensor, device: torch.device) -> State:
    """A training that has not begun; the first weights depend on the model's seed alone.

    images: uint8 (N, 1, H, W), the training images, to which networks may calibrate themselves.
    """
    size = images.shape[-1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(model.seed, "weights"))
        generator = generator_of(model, size)
        discriminator = discriminator_of(model, size)
    networks = [generator] if discriminator is None else [generator, discriminator]
    layout = torch.channels_last if model.speed.channels_last else torch.contiguous_format
    for network in networks:
        network.calibrate(to_model(images.cpu()), schedule_of(model))
        network.to(device, memory_format=layout)
    ema = copy.deepcopy(generator).eval().requires_grad_(False)
    options = model.optimiser
    return State(
        generator,
        ema,
        discriminator,
        adam(generator, options.generator_rate, options),
        None if discriminator is None else adam(discriminator, options.discriminator_rate, options),
    )


def adam(network: nn.Module, rate: float, options: Optimiser) -> torch.optim.Optimizer:
    """Adam over a network's weights, in one fused pass."""
    return torch.optim.Adam(network.parameters(), lr=rate, betas=options.betas, fused=True)


def lay_out_moments(optimiser: torch.optim.Optimizer) -> None:
    """Give Adam's moments their weights' layout in memory, which its fused pass takes for granted.

    Loaded ones have that of the training that saved them, where `speed.channels_last` may have been another.
    """
    for weight, kept in optimiser.state.items():
        for name, value in kept.items():
            if value.dim() and value.stride() != weight.stride():
                kept[name] = torch.empty_like(weight).copy_(value)


def cosine_rate(first: float, final: float, step: int, steps: int) -> float:
    """Learning rate of step 0..steps-1: from `first` to `final` along half a cosine."""
    return final + (first - final) * (1 + math.cos(math.pi * step / steps)) / 2


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give all weights the rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the running mean towards the weights: mean = decay mean + (1 - decay) weight; buffers are copied."""
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - decay)
    for mean, buffer in zip(ema.buffers(), network.buffers(), strict=True):
        mean.copy_(buffer)


def ema_decay(options: Optimiser, step: int) -> float:
    """Decay of the running mean at a step."""
    return min(options.ema, (1 + step) / (10 + step)) if options.ema_warmup else options.ema


def gradients(network: nn.Module) -> list[Tensor]:
    """The gradients of a network's weights, zeros where a weight had no part in the loss."""
    for weight in network.parameters():
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    return [weight.grad for weight in network.parameters()]


def gradient_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Euclidean norm over all gradients together."""
    return torch.nn.utils.get_total_norm(list(tensors), foreach=True)
