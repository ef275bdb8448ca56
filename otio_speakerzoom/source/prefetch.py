"""Runs a generator ahead in a thread, while its consumer works on earlier items.

Useful for items from code that releases the GIL, as libav does.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


class _End:
    """The last item from the thread, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(
    items: Generator[T, None, None], depth: int, name: str = "decode"
) -> Generator[T, None, None]:
    """Yield from `items`, at most `depth` ahead; errors are passed on, closing ends the thread."""
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: T | _End) -> None:
        while not closed.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue  # check again whether the consumer still reads
            break

    def work() -> None:
        error = None
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    break
        except BaseException as caught:  # of any kind, for the consumer
            error = caught
        finally:
            items.close()
        put(_End(error))

    thread = threading.Thread(target=work, daemon=True, name=name)
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        thread.join()
