"""Cases read in parallel by processes that may crash or hang without taking the run with them.

Results come in the order of the cases, whatever the number of processes. A file that brings its process down, or
holds it longer than the time limit, ends as `Lost`; its process is replaced. Only a few results wait in memory.
"""

import multiprocessing
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from echodiff.errors import EchodiffError

Case = TypeVar("Case")
AHEAD = 4  # cases a process that may be finished before an earlier one is
LOOK_EVERY_S = 0.5
READY = "ready"
NONE_STARTS = "the processes that read cases end when they start; run it with one"


@dataclass(frozen=True)
class Lost:
    """In place of a result: the process that read the case is gone."""

    reason: str


class Workers(Generic[Case]):
    """`processes` processes that apply `work`, which can be pickled, to cases.

    `limit_s` is the longest time a case may take. Where `work` has a method `prepare`, it is called once in each
    process before its first case, and does not count.
    """

    def __init__(self, work: Callable[[Case], Any], processes: int, *, limit_s: float):
        self._work, self._processes, self._limit = work, max(processes, 1), limit_s
        self._workers: list[_Worker] = []

    def results(self, cases: Iterable[Case]) -> Iterator[Any]:
        """The results in the order of `cases`; `Lost` where a process crashed or took too long.

        Raises:
            EchodiffError: a process ends before its first case.
        """
        waiting = enumerate(cases)
        done: dict[int, Any] = {}
        following = handed = 0
        try:
            while True:
                handed += self._hand_out(waiting, following + AHEAD * self._processes - handed)
                if following == handed:
                    return
                self._collect(done)
                while following in done:
                    yield done.pop(following)
                    following += 1
        finally:
            for worker in self._workers:
                worker.end()
            self._workers.clear()

    def _hand_out(self, waiting: Iterator[tuple[int, Case]], most: int) -> int:
        """Give each idle process, and new ones up to the number allowed, a case; returns how many were given."""
        given = 0
        while given < most:
            idle = next((worker for worker in self._workers if worker.index is None), None)
            if idle is None and len(self._workers) == self._processes:
                break
            index, case = next(waiting, (None, None))
            if index is None:
                break
            if idle is None:
                idle = _Worker(self._work)
                self._workers.append(idle)
            idle.give(index, case)
            given += 1
        return given

    def _collect(self, done: dict[int, Any]) -> None:
        """Wait for results a little, take what is there, and give up what is lost."""
        busy = [worker for worker in self._workers if worker.index is not None]
        ready = set(wait([worker.pipe for worker in busy], timeout=LOOK_EVERY_S))
        for worker in busy:
            index = worker.index
            try:
                if worker.pipe in ready:
                    worker.take(done)
                    continue
                if worker.seconds() <= self._limit:
                    continue
                done[index] = Lost(f"expected to read the case within {self._limit:g} s, found no end to it")
            except (EOFError, OSError):
                if not worker.prepared:
                    raise EchodiffError(NONE_STARTS) from None
                done[index] = Lost("expected a readable file, found that decoding it crashes the decoder")
            self._workers.remove(worker)
            worker.end()


def results_of(
    work: Callable[[Case], Any], cases: Sequence[Case], processes: int, *, limit_s: float
) -> Generator[Any, None, None]:
    """The results of `work` in the order of `cases`, by `Workers`; with 0 processes by this one, without a limit.

    To be closed by whoever may leave it before its end: it ends the processes.
    """
    if processes:
        yield from Workers(work, min(processes, len(cases)), limit_s=limit_s).results(cases)
    else:
        yield from map(work, cases)


class _Worker:
    """A process that answers one case at a time."""

    def __init__(self, work: Callable[[Any], Any]):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([work.__module__])  # imported once, not by every process anew
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(work, other), daemon=True)
        try:
            self.process.start()
        except (EOFError, ConnectionError):  # the process that was to start it is gone
            raise EchodiffError(NONE_STARTS) from None
        other.close()
        self.index: int | None = None
        self.prepared = False
        self._since = 0.0

    def give(self, index: int, case: Any) -> None:
        self.index, self._since = index, time.monotonic()
        self.pipe.send(case)

    def take(self, done: dict[int, Any]) -> None:
        """Take the process's answer: first that it is prepared, then results."""
        answer = self.pipe.recv()
        if not self.prepared:
            self.prepared, self._since = True, time.monotonic()
            return
        done[self.index] = answer
        self.index = None

    def seconds(self) -> float:
        """Time spent on the case; 0 while the process prepares itself."""
        return time.monotonic() - self._since if self.prepared else 0.0

    def end(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(1)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """The loop of a worker process; ends when the pipe is closed."""
    if hasattr(work, "prepare"):
        work.prepare()
    pipe.send(READY)
    while True:
        try:
            case = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(work(case))
