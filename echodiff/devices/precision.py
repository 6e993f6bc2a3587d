"""The arithmetic that a device computes in."""

import contextlib
from typing import Literal

import torch

from echodiff.config.models import Speed
from echodiff.errors import ConfigError


def autocast(speed: Speed, device: torch.device) -> contextlib.AbstractContextManager:
    """The arithmetic of the networks' passes on a device; raises as `precision`."""
    if precision(speed, device) == "float32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def precision(speed: Speed, device: torch.device) -> Literal["float32", "bfloat16"]:
    """What convolutions are computed in on a device.

    Raises:
        ConfigError: bfloat16 is asked for, and the device has no units for it.
    """
    if speed.precision == "float32":
        return "float32"
    if has_bfloat16(device):
        return "bfloat16"
    if speed.precision == "bfloat16":
        raise ConfigError(
            f"speed.precision: expected a device that computes in bfloat16, found a {device.type} without units for "
            "it; choose auto, which then takes float32, or float32"
        )
    return "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; a CPU without AVX-512 BF16 or AMX would emulate it slowly."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return True
    units = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in units)
