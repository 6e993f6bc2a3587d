"""Settings of glibc's malloc for training on a CPU."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # malloc.h
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let malloc keep freed memory for the next tensor; true where the C library took the settings.

    By default glibc gives every large tensor a mapping of its own and unmaps it when it is freed, so that the
    kernel zeroes the same pages again at each layer of each step. The peak of memory does not change.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, musl
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_ARENA_MAX, 1))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)
