"""Analyses the segments of a source in processes that share the cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, suppress
from math import ceil
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from otio_speakerzoom import source as source_file
from otio_speakerzoom.errors import SpeakerZoomError, ToolError
from otio_speakerzoom.faces.detectors.interface import FaceDetector
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.pipeline.segment import SegmentResult, SegmentTask, analyze_segment

OpenDetector = Callable[[], FaceDetector]

SegmentRunner = Callable[
    [Sequence[SegmentTask], OpenDetector], Generator[SegmentResult, None, None]
]
"""Yields the result of each task, in order."""

MAX_AHEAD_SHARE = 0.5
"""Segments that may be finished before an earlier one is, as a share of the processes: with fewer,
all wait for a slow one, and those that wait take memory."""
MIN_CORES = 4
"""On fewer, the threads of one process keep all of them busy, in less memory."""
MIN_SPLIT_S = 120
"""Below this, starting processes takes as long as they save."""
PROCESS_MEMORY_BYTES = 1 << 30
"""Of one process: 4K needs this much."""
MAX_END_S = 5
"""How long a process may take to end."""


def analyze_segments(
    tasks: Sequence[SegmentTask], open_detector: OpenDetector, processes: int
) -> Generator[SegmentResult, None, None]:
    """Yield the result of each task, in order, from so many processes side by side.

    Closing the generator ends the processes. Raise the error of a segment, or ToolError if a
    process dies.
    """
    with ExitStack() as stack:
        count = min(processes, len(tasks))
        threads = max(1, len(usable_cores()) // count)
        workers = [stack.enter_context(_Worker(open_detector, threads)) for _ in range(count)]
        results: dict[int, SegmentResult] = {}
        submitted = 0
        for number in range(len(tasks)):
            while number not in results:
                for worker in [worker for worker in workers if worker.number is None]:
                    if submitted < min(len(tasks), number + in_work(len(workers))):
                        worker.submit(submitted, tasks[submitted])
                        submitted += 1
                busy = {
                    worker.connection: worker for worker in workers if worker.number is not None
                }
                for connection in wait(list(busy)):
                    done, result = busy[connection].result()  # type: ignore[index]
                    results[done] = result
            yield results.pop(number)


def in_work(processes: int) -> int:
    """Return how many segments from the first unfinished one on may be in work or wait."""
    return processes + ceil(MAX_AHEAD_SHARE * processes)


class _Worker:
    """A process that analyses one segment after the other."""

    def __init__(self, open_detector: OpenDetector, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, self._remote = context.Pipe()
        self.number: int | None = None
        """Of the task that it works on."""
        self._task: SegmentTask | None = None
        self._process: SpawnProcess = context.Process(
            target=_work, args=(self._remote, open_detector, threads), daemon=True
        )

    def __enter__(self) -> _Worker:
        source_file.start_process(self._process)
        self._remote.close()
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        if self.number is not None:
            self._process.terminate()
        self._process.join(MAX_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def submit(self, number: int, task: SegmentTask) -> None:
        self.number, self._task = number, task
        with suppress(OSError):  # the process has died: `result` raises
            self.connection.send(task)

    def result(self) -> tuple[int, SegmentResult]:
        """Return what the process has sent, and the number of the task."""
        assert self.number is not None
        assert self._task
        try:
            result = self.connection.recv()
        except (EOFError, OSError) as error:
            span = self._task.span
            raise ToolError(
                f"{self._task.media.path}: the process for frames {span.start} to {span.end} ended "
                "unexpectedly, perhaps because memory ran out; try a smaller -j"
            ) from error
        if isinstance(result, BaseException):
            raise result
        number, self.number = self.number, None
        return number, result


def segment_processes(jobs: int, media: Media, within: FrameRange) -> int:
    """Return in how many processes to analyse a source: `jobs`, or 0 for what is useful."""
    if jobs:
        return jobs
    cores = len(usable_cores())
    if cores < MIN_CORES or within.duration < MIN_SPLIT_S * media.rate:
        return 1
    return min(cores, max(1, memory_bytes() // 2 // PROCESS_MEMORY_BYTES))


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def memory_bytes() -> int:
    """Return the memory of this machine; where it is unknown, enough for four processes."""
    with suppress(AttributeError, ValueError, OSError):  # as on Windows
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 8 * PROCESS_MEMORY_BYTES


def _work(connection: Connection, open_detector: OpenDetector, threads: int) -> None:
    """Analyse the segments that come over the connection until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _limit_threads(threads)
    source_file.share_heap()
    with suppress(EOFError, OSError):  # the parent is gone
        try:
            with open_detector() as detector:
                _serve(connection, detector)
        except SpeakerZoomError as error:  # no detector
            connection.send(error)


def _end_with_parent() -> None:
    """End this process where its parent was killed: a segment may take minutes more."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _limit_threads(count: int) -> None:
    """Let the libraries start so many threads: else each starts as many as there are cores.

    The process may run on any core: one that is tied to a core which it shares with the parent
    falls behind, and the others have to wait for it.
    """
    import cv2

    os.environ.setdefault("OMP_NUM_THREADS", str(count))  # torch, which is not loaded yet
    cv2.setNumThreads(count)
    source_file.limit_threads(count)


def _serve(connection: Connection, detector: FaceDetector) -> None:
    while True:
        task = connection.recv()
        try:
            result = analyze_segment(task, detector)
        except Exception as error:  # of any kind, for the parent
            result = _portable(error)
        connection.send(result)


def _portable(error: Exception) -> Exception:
    """Return an error for another process; that of a bug has its traceback as a note."""
    if isinstance(error, SpeakerZoomError | OSError | MemoryError):
        return error
    portable = RuntimeError(f"{type(error).__name__}: {error}")  # it may need arguments of its own
    portable.add_note("".join(traceback.format_exception(error)))
    return portable
