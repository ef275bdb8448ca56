"""Hands items to a function that works on them in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, Self, TypeVar

T = TypeVar("T")

WAIT_S = 0.1
"""Between two checks for an error of the thread while its queue is full."""


class WorkerThread(Generic[T]):
    """Calls `work` with every item in order; at most `depth` items wait.

    An error of `work` ends the thread; the next `put` raises it, or else `finish`. Leaving the
    context without `finish`, because of another error, drops the items that wait.
    """

    def __init__(self, work: Callable[[T], None], depth: int, name: str) -> None:
        self._work = work
        self._waiting: queue.Queue[T | None] = queue.Queue(depth)
        self._error: BaseException | None = None
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def put(self, item: T) -> None:
        """Hand over the next item; wait while `depth` of them are waiting."""
        self._put(item)

    def finish(self) -> None:
        """Wait until all items are done."""
        self._put(None)
        self._thread.join()
        self._raise_error()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._cancelled.set()
        self._thread.join()

    def _put(self, item: T | None) -> None:
        while True:
            self._raise_error()
            try:
                return self._waiting.put(item, timeout=WAIT_S)
            except queue.Full:
                continue

    def _run(self) -> None:
        while not self._cancelled.is_set():
            try:
                item = self._waiting.get(timeout=WAIT_S)
            except queue.Empty:
                continue
            if item is None:
                return
            try:
                self._work(item)
            except BaseException as error:  # of any kind, for the thread that puts
                self._error = error
                return

    def _raise_error(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error
