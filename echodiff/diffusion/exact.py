"""Arithmetic in float32 where the rest of a pass may be in bfloat16."""

import contextlib

import torch


def exact(device: torch.device) -> contextlib.AbstractContextManager:
    """Within the block float32: for differences and logarithms of numbers that bfloat16 would round to the same."""
    if device.type == "meta":  # has no arithmetic, and no autocast
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)
