"""Commands in processes that are forked from one that has imported torch, pandas and Snakemake: seconds less for each.

Each command has a process, standard streams, environment and exit status of its own all the same, and imports the
package itself. In the small run (tests/workflow) every job of the workflow starts anew, as a user's does.
"""

import multiprocessing
import os
import resource
import runpy
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing.connection import Connection
from pathlib import Path

IMPORTED = [
    *("pytest", "echodiff.config", "torch", "h5py", "pandas", "pyarrow.parquet", "matplotlib.pyplot", "great_tables"),
    *("cv2", "pydicom", "SimpleITK", "PIL.Image", "scipy.ndimage", "scipy.optimize", "scipy.stats", "skimage.measure"),
    *("snakemake.cli", "snakemake.report.html_reporter", "snakemake.executors.dryrun", "snakemake.executors.local"),
]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(IMPORTED)
# Two threads that look whether processes have ended take the exit status from each other.
_one_at_a_time = threading.Lock()


def run_module(
    module: str,
    *arguments: object,
    timeout: float = 300,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    file_bytes: int | None = None,
) -> subprocess.CompletedProcess:
    """Run `python -m MODULE ARGUMENTS`; file_bytes: the most that it may write into one file.

    Raises:
        subprocess.TimeoutExpired: it did not end within `timeout` seconds, and was killed.
    """
    words = [module, *map(str, arguments)]
    readers, writers = zip(*(_context.Pipe(duplex=False) for _ in range(2)), strict=True)
    place = (dict(os.environ if env is None else env), cwd or Path.cwd(), file_bytes)
    process = _context.Process(target=_become, args=(words, writers, *place))
    with _one_at_a_time:
        process.start()
    for writer in writers:
        writer.close()
    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(_read, reader) for reader in readers]
        late = wait(said, timeout).not_done
        if late:
            os.killpg(process.pid, signal.SIGKILL)
    with _one_at_a_time:
        process.join()
    if late:
        raise subprocess.TimeoutExpired(words, timeout)
    return subprocess.CompletedProcess(words, process.exitcode, *(text.result() for text in said))


def _read(pipe: Connection) -> str:
    with open(os.dup(pipe.fileno()), encoding="utf-8") as stream:
        text = stream.read()
    pipe.close()
    return text


def _become(words: list[str], streams: tuple[Connection, Connection], environment: dict, folder: Path, limit) -> None:
    os.setsid()  # what it starts is killed with it
    for stream, number in zip(streams, (1, 2), strict=True):
        os.dup2(stream.fileno(), number)
        stream.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    sys.argv = words
    try:
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    finally:  # as at the end of any Python; multiprocessing would close the queues of a pool first, which then waits
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()
