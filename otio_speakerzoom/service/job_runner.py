"""Runs one job in a process of its own, and ends it with all that it has started."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from multiprocessing.context import SpawnProcess
from typing import Any

from otio_speakerzoom.service.job_process import MAX_END_S, ErrorLine, run_job
from otio_speakerzoom.service.tasks import Task
from otio_speakerzoom.source import start_process

POLL_S = 0.2
"""Between two looks whether the job should end."""

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

NO_RESULT = (
    "its process ended unexpectedly, perhaps because memory ran out; close other programs, and "
    "start it again"
)


def run_in_process(
    task: Task, error_line: ErrorLine, is_over: Callable[[], bool]
) -> Generator[tuple[Any, ...], None, None]:
    """Yield the messages of the job's process; end it where `is_over` says so.

    The last message is `done` or `failed`, but for a job that was ended.
    """
    context = multiprocessing.get_context("spawn")
    own, remote = context.Pipe()
    process = context.Process(target=run_job, args=(task, remote, error_line))
    start_process(process)
    remote.close()
    try:
        while not is_over():
            if not own.poll(POLL_S):
                continue
            try:
                message = own.recv()
            except (EOFError, OSError):
                yield "failed", NO_RESULT
                return
            yield message
            if message[0] in ("done", "failed"):
                process.join(MAX_END_S)
                return
    finally:
        _end(process)
        own.close()


def _end(process: SpawnProcess) -> None:
    """End a process and those that it has started: first so that it clears up, then at once."""
    if process.is_alive():
        _signal(process, signal.SIGTERM)
        process.join(MAX_END_S)
    _signal(process, KILL)  # and what it has left behind
    process.join()
    process.close()


def _signal(process: SpawnProcess, number: int) -> None:
    """Send a signal to a process and to its group, which it makes as soon as it has begun."""
    if sys.platform == "win32":
        process.terminate()
        return
    assert process.pid
    with suppress(OSError):  # the group has ended, or is not there yet
        os.killpg(process.pid, number)
    if process.is_alive():
        os.kill(process.pid, number)
