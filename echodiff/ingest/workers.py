"""Cases read in parallel by processes that may crash or hang without taking the run with them.

Results come in the order of the cases, whatever the number of processes. A file that brings its process down, or
holds it longer than the time limit, ends as a reject; its process is replaced. Only a few results wait in memory.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

Case = TypeVar("Case")
AHEAD = 4  # cases a process that may be finished before an earlier one is


@dataclass(frozen=True)
class Lost:
    """In place of a result: the process that read the case is gone."""

    reason: str


class _Worker:
    """A process that answers one case at a time."""

    def __init__(self, context, work: Callable[[Any], Any]):
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(work, other), daemon=True)
        self.process.start()
        other.close()
        self.index: int | None = None
        self.started = 0.0
        self.warm = False  # whether it has answered once: its first case also waits for libraries to load

    def give(self, index: int, case: Any) -> None:
        self.index, self.started = index, time.monotonic()
        self.pipe.send(case)

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """The loop of a worker process; ends when the pipe is closed."""
    while True:
        try:
            case = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(work(case))


class Workers(Generic[Case]):
    """`processes` processes that apply `work`, a function that can be pickled, to cases.

    `limit_s` is the longest time a case may take; `start_s` is added for the first one of each process.
    """

    def __init__(
        self, work: Callable[[Case], Any], processes: int, *, limit_s: float = 60.0, start_s: float = 120.0
    ):
        self._work, self._count = work, max(processes, 1)
        self._limit, self._start = limit_s, start_s
        self._context = multiprocessing.get_context("spawn")

    def results(self, cases: Iterable[Case]) -> Iterator[Any]:
        """The results in the order of `cases`; `Lost` where a process crashed or took too long."""
        waiting = iter(enumerate(cases))
        done: dict[int, Any] = {}
        following, handed, exhausted = 0, 0, False
        workers: list[_Worker] = []
        try:
            while True:
                for _ in range(self._count):
                    idle = next((worker for worker in workers if worker.index is None), None)
                    if exhausted or handed - following >= AHEAD * self._count:
                        break
                    if idle is None and len(workers) >= self._count:
                        break
                    index, case = next(waiting, (None, None))
                    if index is None:
                        exhausted = True
                        break
                    if idle is None:
                        idle = _Worker(self._context, self._work)
                        workers.append(idle)
                    idle.give(index, case)
                    handed += 1
                busy = [worker for worker in workers if worker.index is not None]
                if busy:
                    self._collect(busy, workers, done)
                while following in done:
                    yield done.pop(following)
                    following += 1
                if exhausted and following == handed:
                    return
        finally:
            for worker in workers:
                worker.end()

    def _collect(self, busy: list[_Worker], workers: list[_Worker], done: dict[int, Any]) -> None:
        """Take what is ready, and give up what is lost."""
        ready = set(wait([worker.pipe for worker in busy], timeout=0.5))
        now = time.monotonic()
        for worker in busy:
            index = worker.index
            if worker.pipe in ready:
                try:
                    done[index] = worker.pipe.recv()
                    worker.index, worker.warm = None, True
                    continue
                except (EOFError, OSError):
                    done[index] = Lost("expected a readable file, found that decoding it crashes the decoder")
            elif now - worker.started > self._limit + (0 if worker.warm else self._start):
                done[index] = Lost(f"expected to read the case within {self._limit:g} s, found no end to it")
            else:
                continue
            workers.remove(worker)
            worker.end()
