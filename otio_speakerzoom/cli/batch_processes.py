"""Runs the recordings of a batch side by side, in processes that take one after another.

If a process dies, for example because memory ran out, only its recording fails. A process whose
memory grows from one recording to the next is replaced.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from otio_speakerzoom.cli.batch_worker import (
    MAX_CLEANUP_S,
    PROCESS_MEMORY_BYTES,
    Event,
    Message,
    Outcome,
    Ready,
    Started,
    work,
)
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.source import start_process

CORES_PER_PROCESS = 2
"""Decoding and detection overlap on two cores, and with half as many processes half the memory is
used."""


@dataclass(slots=True)
class _Worker:
    """A running process, and the recording that it works on."""

    process: SpawnProcess
    connection: Connection
    cores: tuple[int, ...]
    number: int | None = None
    """Of the recording; None between two of them."""
    recordings: int = 0
    """How many it was given."""


def default_processes() -> int:
    """Return how many recordings this machine can work on at a time."""
    processes = max(1, len(_cores()) // CORES_PER_PROCESS)
    with suppress(AttributeError, ValueError, OSError):  # Windows does not tell its memory so
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        processes = min(processes, max(1, memory // PROCESS_MEMORY_BYTES))
    return processes


def run_side_by_side(
    requests: Sequence[Request], processes: int
) -> Generator[tuple[int, Event], None, None]:
    """Work on all requests, `processes` at a time; yield events, each with its request's index.

    The last event of each request is an Outcome. Closing the iterator ends the processes.
    """
    pool = _Pool(requests, processes)
    try:
        while not pool.is_done:
            yield from pool.begin()
            yield from pool.receive()
    finally:
        pool.end_at_once()


class _Pool:
    """The processes of a batch, and the recordings that wait for one."""

    def __init__(self, requests: Sequence[Request], processes: int) -> None:
        self._requests = requests
        self._waiting = deque(range(len(requests)))
        self._repeated: set[int] = set()
        """Recordings that were lost with a process that had worked on others before."""
        self._free_cores = _share_cores(min(processes, len(requests)))
        self._workers: dict[Connection, _Worker] = {}

    @property
    def is_done(self) -> bool:
        """Whether every recording has its Outcome, and no process is left."""
        return not self._waiting and not self._workers

    def begin(self) -> Iterator[tuple[int, Event]]:
        """Start processes for the recordings that wait, as many as there are cores for."""
        while self._waiting and self._free_cores:
            yield from self._give(self._start(self._free_cores.pop()))

    def receive(self) -> Iterator[tuple[int, Event]]:
        """Wait for events, and yield them."""
        for connection in wait(list(self._workers)):
            assert isinstance(connection, Connection)
            worker = self._workers[connection]
            try:
                event = connection.recv()
            except (EOFError, OSError):
                yield from self._lose(worker)
                continue
            if isinstance(event, Ready):
                yield from self._give(worker)
                continue
            assert worker.number is not None
            yield worker.number, event
            if isinstance(event, Outcome):
                worker.number = None

    def end_at_once(self) -> None:
        """Interrupt all processes, so that they clean up, and wait until they have ended."""
        processes = [w.process for w in self._workers.values() if w.process.pid is not None]
        try:
            for process in processes:
                process.terminate()
            for process in processes:
                process.join(MAX_CLEANUP_S)
        finally:
            for worker in list(self._workers.values()):
                self._end(worker, 0)

    def _start(self, cores: tuple[int, ...]) -> _Worker:
        """Start a process; it is known before, so that a signal meanwhile ends it."""
        context = multiprocessing.get_context("spawn")  # as threads and GPUs do not survive a fork
        here, there = context.Pipe()
        process = context.Process(target=work, args=(cores, there), daemon=True)
        worker = self._workers[here] = _Worker(process, here, cores)
        start_process(process)
        there.close()  # so that the end of the process ends the pipe
        return worker

    def _give(self, worker: _Worker) -> Iterator[tuple[int, Event]]:
        """Give a process the next recording; end it if there is none."""
        if not self._waiting:
            self._end(worker)
            return
        worker.number, worker.recordings = self._waiting.popleft(), worker.recordings + 1
        with suppress(OSError):  # it has ended, which is noticed when we wait for its events
            worker.connection.send(self._requests[worker.number])
        if worker.number not in self._repeated:
            yield worker.number, Started()

    def _lose(self, worker: _Worker) -> Iterator[tuple[int, Event]]:
        """Forget a process that has ended; if it was at work, say why its recording failed.

        If that was not its first one, an earlier one may be the cause: it gets a new process.
        """
        number = worker.number
        self._end(worker)
        if number is None:
            return
        cause, remedy = _cause_of_death(worker.process.exitcode)
        if worker.recordings > 1:
            self._repeated.add(number)
            self._waiting.appendleft(number)
            yield number, Message(logging.WARNING, f"{cause}; it is tried again in a new one")
        else:
            source = self._requests[number].source
            yield number, Outcome("failed", f"{source}: {cause}; {remedy}")

    def _end(self, worker: _Worker, wait_s: float = MAX_CLEANUP_S) -> None:
        """Wait until a process that has nothing to do has ended, and free its cores."""
        del self._workers[worker.connection]
        self._free_cores.append(worker.cores)
        worker.connection.close()  # which ends a process that waits
        if worker.process.pid is None:
            return
        try:
            worker.process.join(wait_s)
        finally:
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


def _cause_of_death(exit_code: int | None) -> tuple[str, str]:
    """Return why a process ended without an Outcome, and what to do."""
    if exit_code == -getattr(signal, "SIGKILL", 9):
        cause = "its process was killed, perhaps because memory ran out"
        return cause, "run fewer at a time (-j)"
    if exit_code is not None and exit_code < 0:
        return f"its process was ended by signal {-exit_code}", "run it again with --resume"
    return f"its process ended with exit code {exit_code}", "run it again with --resume"


def _cores() -> list[int]:
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _share_cores(processes: int) -> list[tuple[int, ...]]:
    """Return the cores of each process; one process alone has no limit."""
    cores = _cores()
    if processes == 1:
        return [()]
    share = max(1, len(cores) // processes)
    return [
        tuple(cores[(n * share + k) % len(cores)] for k in range(share)) for n in range(processes)
    ]
