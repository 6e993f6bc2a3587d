"""A process that ends with the one that started it."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> None:
    """Let the kernel send SIGTERM to this process when its parent ends, however it ends.

    A launcher that is killed cannot stop its processes: they would train on, side by side with the run that takes
    the killed one's place. On other systems than Linux nothing is set.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it ended just before
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_main_process() -> None:
    """End this process of a pool with the one that the pool is of, as the first thing that it does.

    A fork server has started it, so that the kernel tells nothing; and it waits for work at a queue that it holds open
    itself.
    """
    threading.Thread(target=_wait_and_end, args=(multiprocessing.parent_process(),), daemon=True).start()


def _wait_and_end(main_process: multiprocessing.process.BaseProcess) -> None:
    main_process.join()
    os._exit(1)
