"""Settings of the process for training and sampling on a CPU; to be called before torch is imported."""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # malloc.h
NEVER = 2**31 - 1


def prepare_cpu() -> None:
    """Let memory be kept and waiting threads sleep."""
    keep_freed_memory()
    let_waiting_threads_sleep()


def keep_freed_memory() -> bool:
    """Let glibc's malloc keep freed memory for the next tensor; true where the C library took the settings.

    By default it gives every large tensor a mapping of its own and unmaps it when it is freed, so that the kernel
    zeroes the same pages again at each layer of each step. The peak of memory does not change.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:  # another C library, musl
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_ARENA_MAX, 1))
    return all(mallopt(parameter, value) == 1 for parameter, value in settings)


def let_waiting_threads_sleep() -> None:
    """Let OpenMP threads that wait for one another give up the core, unless the user decides otherwise.

    By default they spin. Where other programs want the cores too, the thread that is waited for then gets none,
    and small layers take a hundred times as long.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
