"""The jobs of an open source: each runs in a process, and starts again after the service has ended.

jobs.json in the work folder lists them. It names a result by its file name only, which is looked
for where that kind of job writes, so that whoever changes the list cannot have another file served.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otio_speakerzoom.errors import SpeakerZoomError
from otio_speakerzoom.pipeline import Job
from otio_speakerzoom.service.job_list import LABELS, JobRow, load_jobs, save_jobs
from otio_speakerzoom.service.job_process import ErrorLine
from otio_speakerzoom.service.job_runner import run_in_process
from otio_speakerzoom.service.tasks import Task

log = logging.getLogger(__name__)

MAX_JOBS = 50
"""In the list; the oldest finished ones are dropped."""
MAX_UNFINISHED = 20
"""Jobs that wait or run: more than a person asks for, and each has a thread."""
WAIT_S = 0.2
"""Between two looks whether a job that waits for its turn should still run."""


class TooManyJobsError(SpeakerZoomError):
    """No further job is taken until one has ended; the message says so to a person."""


class Turns:
    """How many jobs of the service run at a time: one that uses all cores, one export, one send."""

    def __init__(self) -> None:
        self._heavy = threading.Semaphore(1)
        self._light = {kind: threading.Semaphore(1) for kind in ("export", "send")}

    @contextmanager
    def turn(self, kind: str, is_over: Callable[[], bool]) -> Iterator[bool]:
        """Wait for a turn; give whether the job has it, and should still run."""
        semaphore = self._light.get(kind, self._heavy)
        while not (has_turn := semaphore.acquire(timeout=WAIT_S)) and not is_over():
            pass
        try:
            yield has_turn and not is_over()
        finally:
            if has_turn:
                semaphore.release()


@dataclass(frozen=True, slots=True)
class JobContext:
    """What the jobs of every source share."""

    turns: Turns
    error_line: ErrorLine
    is_closing: Callable[[], bool]


class JobTable:
    """The jobs of one source. For any thread."""

    def __init__(
        self, job: Job, context: JobContext, on_change: Callable[[dict[str, Any]], None]
    ) -> None:
        """`on_change` gets the JSON of each job that has changed."""
        self._job, self._context, self._on_change = job, context, on_change
        self._lock = threading.RLock()
        self._cancelled: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._rows: dict[str, JobRow] = {row.id: row for row in load_jobs(job)}
        unfinished = [row for row in self._rows.values() if row.is_unfinished]
        for number, row in enumerate(unfinished):
            if row.task.kind == "send" or number >= MAX_UNFINISHED:
                row.state = "cancelled"  # nothing is built later by surprise
            else:
                row.state, row.stage, row.done, row.total = "waiting", "", 0, 0
                self._start(row)

    def submit(self, task: Task) -> dict[str, Any]:
        """Add a job, unless the same one is unfinished; return its JSON.

        TooManyJobsError where as many are unfinished as may be.
        """
        with self._lock:
            unfinished = [row for row in self._rows.values() if row.is_unfinished]
            for row in unfinished:
                if row.task == task:
                    return row.as_json()
            if len(unfinished) >= MAX_UNFINISHED:
                raise TooManyJobsError(
                    f"{len(unfinished)} jobs wait or run already; wait for one of them, or cancel "
                    "one"
                )
            row = JobRow(secrets.token_hex(4), task)
            self._rows[row.id] = row
            finished = [other for other in self._rows.values() if not other.is_unfinished]
            for old in finished[: max(0, len(self._rows) - MAX_JOBS)]:
                del self._rows[old.id]
            self._start(row)
        self._changed(row)
        return row.as_json()

    def cancel(self, id_: str) -> dict[str, Any] | None:
        """End a job and all its processes soon; return its JSON, None where there is none."""
        with self._lock:
            row = self._rows.get(id_)
            if row is None:
                return None
            if row.is_unfinished:
                self._cancelled.add(id_)
            return row.as_json()

    def as_json(self) -> list[dict[str, Any]]:
        """Return all jobs, the latest last."""
        with self._lock:
            return [row.as_json() for row in self._rows.values()]

    def is_unfinished(self, kind: str) -> bool:
        """Whether a job of that kind waits or runs."""
        with self._lock:
            return any(r.is_unfinished and r.task.kind == kind for r in self._rows.values())

    def result(self, id_: str) -> Path | None:
        """Return the file that a job wrote; None where there is none, or it is gone."""
        with self._lock:
            row = self._rows.get(id_)
        return row.result_path(self._job) if row else None

    def wait(self) -> None:
        """Wait until no process of a job runs any more; the service must be ending."""
        for thread in list(self._threads):
            thread.join()

    def _start(self, row: JobRow) -> None:
        thread = threading.Thread(target=self._run, args=(row,), name=f"job {row.id}", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()

    def _run(self, row: JobRow) -> None:
        def is_over() -> bool:
            return row.id in self._cancelled or self._context.is_closing()

        with self._context.turns.turn(row.task.kind, is_over) as has_turn:
            if has_turn:
                row.state = "running"
                self._changed(row)
                try:
                    self._report(row, is_over)
                except Exception as error:  # no process can be started, for example
                    row.state, row.error = (
                        "failed",
                        self._context.error_line(error, lambda: self._job.folder),
                    )
                    self._changed(row)
        if row.is_unfinished and row.id in self._cancelled:
            row.state = "cancelled"
            self._changed(row)
        # a job that the end of the service has ended stays unfinished, and starts again

    def _report(self, row: JobRow, is_over: Callable[[], bool]) -> None:
        """Run a job, and note what its process reports."""
        with self._lock:
            digests = tuple(other.digest for other in self._rows.values() if other.digest)
        task = replace(row.task, may_replace=digests)
        for message in run_in_process(task, self._context.error_line, is_over):
            if message[0] == "progress":
                _, row.stage, row.done, row.total = message
                self._on_change(row.as_json())
            elif message[0] == "message":
                log.log(message[1], "%s: %s", LABELS[row.task.kind], message[2])
            elif message[0] == "failed":
                row.state, row.error = "failed", " ".join(message[1].split())
                log.error("%s", row.error)
            else:
                row.state = "done"
                if message[1] is not None:
                    row.file, row.digest = message[1].name, message[1].digest
        if not row.is_unfinished:
            self._changed(row)

    def _changed(self, row: JobRow) -> None:
        """Store the list, and tell the page."""
        with self._lock:
            try:
                save_jobs(self._job, list(self._rows.values()))
            except SpeakerZoomError as error:  # the job itself goes on
                log.warning("%s", error)
        self._on_change(row.as_json())
