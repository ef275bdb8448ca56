"""The process of one job: does its task, reports over a pipe, and ends with the service.

Messages to the service: ("progress", stage, done, total), ("message", level, text), and at last
("done", result or None) or ("failed", one line). If the pipe closes, the service is gone, and the
process ends with all that it has started.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import NoReturn

from otio_speakerzoom.service.tasks import Task
from otio_speakerzoom.store import find_folder

ErrorLine = Callable[[Exception, Callable[[], Path | None]], str]
"""Returns what a user reads of an error, in one line; also gets what returns the folder of the
results, where the log of a bug belongs."""


def message_of(error: Exception, folder: Callable[[], Path | None]) -> str:
    """Return the message of an error, and leave no log."""
    return str(error)


REPORT_INTERVAL_S = 0.2
"""Between two reports of the progress of a stage."""
MAX_END_S = 5
"""How long a process may take to end by itself, once it should."""


def run_job(task: Task, connection: Connection, error_line: ErrorLine) -> None:
    """Do the task; the last message is `done` or `failed`, unless the process is ended."""
    if hasattr(os, "setsid"):
        os.setsid()  # so that it is ended with its children, and Ctrl-C reaches the service only
    signal.signal(signal.SIGTERM, _end)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # stdout has the address of the page only
    reporter = _Reporter(connection)
    threading.Thread(target=_end_with_service, args=(connection,), daemon=True).start()
    _send_messages(reporter)
    try:
        from otio_speakerzoom.service.tasks import run_task

        reporter.send("done", run_task(task, reporter.on_stage))
    except Exception as error:
        reporter.send("failed", error_line(error, partial(find_folder, task.source, task.work)))


class _Reporter:
    """Sends messages to the service, from any thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, *message: object) -> None:
        """Send a message; end where the service is gone."""
        with self._lock:
            try:
                self._connection.send(message)
            except OSError:
                raise SystemExit(1) from None

    def on_stage(self, stage: str) -> Callable[[int, int], None]:
        """Return the progress callback of a stage."""
        last = 0.0

        def step(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if done >= total or now - last >= REPORT_INTERVAL_S:
                last = now
                self.send("progress", stage, done, total)

        return step


class _MessageHandler(logging.Handler):
    """Sends each message of the log to the service."""

    def __init__(self, reporter: _Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.send("message", record.levelno, record.getMessage())


def _send_messages(reporter: _Reporter) -> None:
    log = logging.getLogger("otio_speakerzoom")
    log.handlers[:] = [_MessageHandler(reporter)]
    log.setLevel(logging.INFO)
    log.propagate = False


def _end_with_service(connection: Connection) -> None:
    """Wait until the service closes the pipe, or is gone; then end everything here."""
    with suppress(EOFError, OSError):
        connection.recv()
    _signal_group(signal.SIGTERM)
    time.sleep(MAX_END_S)
    _signal_group(getattr(signal, "SIGKILL", signal.SIGTERM))
    os._exit(1)


def _signal_group(number: int) -> None:
    """Send a signal to this process, and to those that it has started."""
    if sys.platform == "win32":  # those end by themselves when their pipes close
        if number != signal.SIGTERM:
            os._exit(1)
        signal.raise_signal(number)
    else:
        os.killpg(os.getpgid(0), number)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End by an exception, so that temporary files are removed."""
    raise SystemExit(128 + number)
