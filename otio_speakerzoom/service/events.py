"""Server-sent events of an open source: the page learns at once what somebody else changed."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool

POLL_S = 1.0
"""Between two looks at the files, which the command line may change."""
CLOSING_POLL_S = 0.25
"""Between two looks whether the service ends: a connection must not hold it up."""
KEEP_ALIVE_S = 15.0
"""After this long without an event a comment shows that the connection is alive."""

Event = tuple[str, Any]
"""Its name, and a JSON value."""


class EventHub:
    """Passes events from any thread to every listening page."""

    def __init__(self, is_closing: Callable[[], bool]) -> None:
        self._is_closing = is_closing
        self._lock = threading.Lock()
        self._queues: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]] = set()

    def publish(self, name: str, value: object) -> None:
        """Send an event to every page that listens."""
        with self._lock:
            for loop, queue in self._queues:
                with suppress(RuntimeError):  # the loop has ended with the service
                    loop.call_soon_threadsafe(queue.put_nowait, (name, value))

    async def stream(self, revision: Callable[[], str]) -> AsyncIterator[str]:
        """Yield the events for one page as text, until the service ends.

        While it listens, `revision` is polled, and each change is an event `state`.
        """
        entry = asyncio.get_running_loop(), asyncio.Queue[Event]()
        with self._lock:
            self._queues.add(entry)
        try:
            async for name, value in self._events(entry[1], revision):
                yield f"event: {name}\ndata: {json.dumps(value)}\n\n" if name else ": alive\n\n"
        finally:
            with self._lock:
                self._queues.discard(entry)

    async def _events(
        self, queue: asyncio.Queue[Event], revision: Callable[[], str]
    ) -> AsyncIterator[Event]:
        last, polled, sent = None, 0.0, time.monotonic()
        while not self._is_closing():
            now = time.monotonic()
            if now - polled >= POLL_S:
                latest = await run_in_threadpool(revision)
                polled = time.monotonic()
                if latest != last:
                    last, sent = latest, now
                    yield "state", {"revision": latest}
            try:
                name, value = await asyncio.wait_for(queue.get(), CLOSING_POLL_S)
            except TimeoutError:
                if now - sent >= KEEP_ALIVE_S:
                    sent = now
                    yield "", None
                continue
            if name == "state":
                if value["revision"] == last:
                    continue
                last = value["revision"]
            sent = now
            yield name, value
