"""A process of `batch`: analyses and cuts one recording after another, and reports over a pipe.

It does the same work as the verbs `analyze` and `cut`, so that the results are the same.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from otio_speakerzoom.cli import streams
from otio_speakerzoom.cli.error_lines import error_line, results_folder
from otio_speakerzoom.cli.files import check_files
from otio_speakerzoom.cli.request import Request
from otio_speakerzoom.cli.signals import raise_if_interrupted, raise_on_signals

if TYPE_CHECKING:
    from otio_speakerzoom.model import Progress
    from otio_speakerzoom.pipeline.segment_processes import SegmentRunner

THREAD_LIMITS = (
    "OMP_NUM_THREADS",  # torch
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
"""Environment variables that libraries read when they are loaded."""

PROCESS_MEMORY_BYTES = 2 << 30
"""Of one process, with room to spare: 4K needs 1.6 GB."""
MAX_RECORDINGS = 50
"""Of one process, so that whatever a library fails to free does not add up. A start costs three
seconds of CPU time, of which 0.06 are left for each recording."""
MAX_GROWTH_BYTES = PROCESS_MEMORY_BYTES // 4
"""By which the memory of a process may grow after its first recording."""
MAX_CLEANUP_S = 10
"""How long a process may take to end before it is killed."""
REPORT_INTERVAL_S = 0.2
"""Between two reports of the progress of a stage."""


@dataclass(frozen=True, slots=True)
class Started:
    """The work on a recording begins."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """How far a stage is, in its own units."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the log."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work on a recording ended."""

    state: Literal["done", "up to date", "failed"]
    detail: str
    """The file or the folder that holds the result, or why there is none, in one line."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The process waits for another recording."""


Event = Started | StageProgress | Message | Outcome


def work(cores: Sequence[int], connection: Connection) -> None:
    """Analyse and cut the recordings that come over the pipe on these cores, until it is closed.

    Sends the events of each, the last of which is an Outcome, and then Ready if it takes another
    one. If a signal ends it, there is no Outcome, and the exit code is that of the command.
    """

    def send(event: Event | Ready) -> None:
        try:
            connection.send(event)
        except OSError:  # the batch is gone
            raise SystemExit(1) from None

    try:
        with raise_on_signals():
            _limit_threads(cores)
            streams.discard_stdout()  # which belongs to the table of the batch
            _run_each(connection, send)
    except KeyboardInterrupt as error:
        raise SystemExit(128 + getattr(error, "number", 2)) from None


def _run_each(connection: Connection, send: Callable[[Event | Ready], None]) -> None:
    """Run the requests that come over the pipe, as long as this process may take another one."""
    memory: list[int] = []
    while True:
        try:
            request: Request = connection.recv()
        except (EOFError, OSError):  # there are no more
            return
        if not memory and not request.verbose:
            streams.silence_native_stderr()
        run_request(request, send)
        gc.collect()  # what is left of one recording would be held during the next
        memory.append(_memory_bytes())
        if len(memory) == MAX_RECORDINGS or memory[-1] - memory[0] > MAX_GROWTH_BYTES:
            return
        send(Ready())


def _memory_bytes() -> int:
    """Return how much memory this process has, 0 where the system does not say so by a file."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):  # Windows has no sysconf
        return 0


def run_request(
    request: Request,
    send: Callable[[Event], None],
    run_segments: SegmentRunner | None = None,
) -> None:
    """Run the verb of the request, `analyze` or `cut`; the last event sent is an Outcome.

    `run_segments` analyses the segments of a long recording elsewhere.
    """
    reporter = _Reporter(send)
    _send_messages(reporter, 10 * (2 + request.quiet - request.verbose))
    try:
        outcome = _run(request, reporter, run_segments)
    except Exception as error:
        line = error_line(error, partial(results_folder, request))
        outcome = Outcome("failed", streams.one_line(line))
    reporter.send(outcome)


class _Reporter:
    """Sends events to the batch, from any thread."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self.computed = False
        """Whether a stage had anything to do."""
        self._send, self._lock = send, threading.Lock()

    def send(self, event: Event) -> None:
        """Send an event."""
        with self._lock:
            self._send(event)

    def on_stage(self, stage: str) -> Progress:
        """Return the progress callback of a stage."""
        last = 0.0

        def step(done: int, total: int) -> None:
            nonlocal last
            raise_if_interrupted()
            self.computed = True
            now = time.monotonic()
            if done >= total or now - last >= REPORT_INTERVAL_S:
                last = now
                self.send(StageProgress(stage, done, total))

        return step


class _MessageHandler(logging.Handler):
    """Sends each message of the log to the batch."""

    def __init__(self, reporter: _Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.send(Message(record.levelno, streams.one_line(record.getMessage())))


def _send_messages(reporter: _Reporter, level: int) -> None:
    log = logging.getLogger("otio_speakerzoom")
    log.handlers[:] = [_MessageHandler(reporter)]
    log.setLevel(level)
    log.propagate = False


def _limit_threads(cores: Sequence[int]) -> None:
    """Use as many threads as there are cores, so that the processes do not slow each other down.

    An empty list sets no limit. This must come before the first of the libraries is loaded; what
    counts the cores by itself, as decoders do, counts those that the process may run on.
    """
    if not cores:
        return
    for name in THREAD_LIMITS:
        os.environ.setdefault(name, str(len(cores)))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _run(request: Request, reporter: _Reporter, run_segments: SegmentRunner | None) -> Outcome:
    """Run the verb of the request, `analyze` or `cut`."""
    check_files(request)
    from otio_speakerzoom import store  # the limits hold for what this loads
    from otio_speakerzoom.cli.jobs import (
        analyze_recording,
        build_job,
        cut_recording,
        requested_timeline,
    )

    job = replace(build_job(request, reporter.on_stage), run_segments=run_segments)
    if request.verb == "analyze":
        folder = analyze_recording(request, job)
        up_to_date = request.resume and not reporter.computed
        return Outcome("up to date" if up_to_date else "done", str(folder))
    text = requested_timeline(request, cut_recording(request, job))
    if request.resume and not reporter.computed and _has(request.output, text.encode()):
        return Outcome("up to date", str(request.output))
    store.write_text(request.output, text)
    return Outcome("done", str(request.output))


def _has(path: Path, content: bytes) -> bool:
    """Whether a file has exactly this content."""
    from otio_speakerzoom.store.bounded import read_bytes

    try:
        return read_bytes(path, len(content)) == content
    except OSError:
        return False
