"""Runs the recordings of a batch side by side, each in a process of its own.

If a process dies, for example because memory ran out, only its recording fails. Memory is
returned to the system after each recording.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

from otio_speakerzoom.cli.batch_worker import (
    MAX_CLEANUP_S,
    PROCESS_MEMORY_BYTES,
    Event,
    Outcome,
    Started,
    work,
)
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.source import start_process

CORES_PER_PROCESS = 2
"""Decoding and detection overlap on two cores, and with half as many processes half the memory is
used."""


@dataclass(frozen=True, slots=True)
class _Worker:
    """A running process, and the recording that it works on."""

    number: int
    source: Path
    process: SpawnProcess
    cores: tuple[int, ...]


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
    waiting = deque(enumerate(requests))
    shares = _share_cores(min(processes, len(requests)))
    running: dict[Connection, _Worker] = {}
    try:
        while waiting or running:
            while waiting and shares:
                number, request = waiting.popleft()
                _start(running, number, request, shares.pop())
                yield number, Started()
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                worker = running[connection]
                event = _receive(connection, worker)
                if isinstance(event, Outcome):
                    _end({connection: running.pop(connection)}, at_once=False)
                    shares.append(worker.cores)
                yield worker.number, event
    finally:
        _end(running, at_once=True)


def _start(
    running: dict[Connection, _Worker], number: int, request: Request, cores: tuple[int, ...]
) -> None:
    """Start a process for a request, and add it to `running`."""
    context = multiprocessing.get_context("spawn")  # as threads and GPUs do not survive a fork
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(request, cores, there), daemon=True)
    running[here] = _Worker(number, request.source, process, cores)
    start_process(process)
    there.close()  # so that the end of the process ends the pipe


def _receive(connection: Connection, worker: _Worker) -> Event:
    """Return the next event of a process; if it has ended without an Outcome, the reason."""
    try:
        return connection.recv()
    except (EOFError, OSError):
        worker.process.join(MAX_CLEANUP_S)
        return Outcome("failed", f"{worker.source}: {_cause_of_death(worker.process.exitcode)}")


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code == -getattr(signal, "SIGKILL", 9):
        return "its process was killed, perhaps because memory ran out; run fewer at a time (-j)"
    if exit_code is not None and exit_code < 0:
        return f"its process was ended by signal {-exit_code}; run it again with --resume"
    return f"its process ended with exit code {exit_code}; run it again with --resume"


def _end(running: dict[Connection, _Worker], *, at_once: bool) -> None:
    """Wait until processes have ended; `at_once` interrupts them, so that they clean up."""
    processes = [w.process for w in running.values() if w.process.pid is not None]
    try:
        if at_once:
            for process in processes:
                process.terminate()
        for process in processes:
            process.join(MAX_CLEANUP_S)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
                process.join()
        for connection in running:
            connection.close()


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
