"""A GPU whose memory runs out."""

import contextlib
from collections.abc import Iterator

import torch

from echodiff.errors import ConfigError

LIBRARIES_SAY = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")


@contextlib.contextmanager
def full_memory_explained(device: torch.device, *, images: int, option: str, group: int = 1) -> Iterator[None]:
    """Within the block a device that has no memory left is an error of the configuration.

    What a network needs is estimated before it is run; other programs on the card, or a compiler, may still take more.

    Args:
        device: that the block computes on.
        images: computed at once.
        option: of the configuration, that says how many these are.
        group: images that cannot be parted.

    Raises:
        ConfigError: with half as many images, in whole groups, or the advice to use a smaller model.
    """
    try:
        yield
    except RuntimeError as error:
        if not memory_ran_out(error):
            raise
        fewer = images // 2 // group * group
        advice = f"set {option}: {fewer}" if fewer else "use a smaller model or image.size, or a larger card"
        raise ConfigError(
            f"{device}: expected memory for {images} images at once, found none left ({_first_sentence(error)}); "
            f"{advice}, or end other programs on it"
        ) from error


def memory_ran_out(error: RuntimeError) -> bool:
    """Whether an error says so: of torch's own memory, or of what CUDA and its libraries take beside it."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in LIBRARIES_SAY)


def _first_sentence(error: Exception) -> str:
    return str(error).splitlines()[0].split(". ")[0].strip()
