"""How many threads the decoder and the filters may use, and the memory that threads share."""

from __future__ import annotations

import ctypes
import os
import sys

_M_ARENA_MAX = -8  # malloc.h of glibc
_M_MMAP_THRESHOLD = -3

MIN_MAPPED_BYTES = 6 << 20
"""From this size on, memory is the system's again as soon as it is freed: more than a picture of
1080p, 6.2 MB, since mapping one for each frame costs time, and less than what networks work on,
7 to 22 MB. Encoding with LR-ASD took 210 MB with 16 MB, and 165 MB with 8; with 4 MB it took no
less, and more CPU time."""

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


def share_heap() -> None:
    """Let all threads of this process allocate from one heap, where the C library is glibc.

    By default it has one for each thread, and each holds on to what it once used: an analysis of
    1080p took 830 MB so, and 700 to 760 MB with one heap, in the same time. It also holds on to
    large blocks, once the first of them is freed: 27 s of film with LR-ASD took 980 MB so, and
    810 MB without, for 9 % more CPU time in one run; with Sync-ASD there is no difference. Call it
    while there are few threads.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, 1)
            mallopt(_M_MMAP_THRESHOLD, MIN_MAPPED_BYTES)
