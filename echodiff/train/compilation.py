"""Networks compiled by torch.compile, where the options ask for it."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn

from echodiff.config.models import Speed
from echodiff.errors import ConfigError


def compiled(network: nn.Module | None, speed: Speed) -> nn.Module | None:
    """The network as it is run; what it compiles to is found out by its first passes."""
    return torch.compile(network) if speed.compile and network is not None else network


@contextlib.contextmanager
def compiler_explained() -> Iterator[None]:
    """Within the block a compiler that fails is an error of the configuration.

    Raises:
        ConfigError: there is no compiler on this machine, or it refuses the networks.
    """
    try:
        yield
    except RuntimeError as error:
        # What all refusals of a compiler are, a missing Triton too; a name that takes seconds to import.
        if not isinstance(error, torch._dynamo.exc.ShortenTraceback):
            raise
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"speed.compile: expected a machine that compiles the networks, found {reason}; install a C++ compiler (on "
            "a GPU Triton too), or set speed.compile: false"
        ) from error
