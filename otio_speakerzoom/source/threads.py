"""How many threads the decoder and the filters may use."""

from __future__ import annotations

import os

_limit: int | None = None  # of this process


def limit_threads(count: int) -> None:
    """Let what is opened from now on use at most `count` threads.

    For a process that shares the cores with others like it: libav counts all of them itself, and
    the threads of all processes together would keep each other waiting.
    """
    global _limit
    _limit = count


def usable_cores() -> int:
    """Return how many cores this process may keep busy."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS and Windows
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(cores, _limit or cores)


def filter_threads() -> int:
    """Return how many threads a graph of filters may use; 0 for as many as there are cores."""
    return _limit or 0
