"""A generator whose next items are made in a thread while the last one is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


class _End:
    """What the thread sends last, with what went wrong, if anything did."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def prefetch(items: Generator[T, None, None], depth: int) -> Generator[T, None, None]:
    """Yield from `items`, of which at most `depth` wait; errors pass, and a close ends the thread.

    It helps where items are made by code that lets other threads run, as libav's does.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    closed = threading.Event()

    def put(item: T | _End) -> None:
        while not closed.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue  # look again whether anybody still reads
            break

    def work() -> None:
        error = None
        try:
            for item in items:
                put(item)
                if closed.is_set():
                    break
        except BaseException as caught:  # whatever it is, it belongs to the reader
            error = caught
        finally:
            items.close()
        put(_End(error))

    thread = threading.Thread(target=work, daemon=True, name="decode")
    thread.start()
    try:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        closed.set()
        thread.join()
