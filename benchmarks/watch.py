"""Watches a process while it works: memory with its children, files, and each thread's CPU time.

Reads /proc, so only Linux tells all of it; elsewhere only the kernel's own peak is known.
"""

from __future__ import annotations

import os
import re
import resource
import sys
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Self

PERIOD_S = 0.5
"""Between two looks; a look takes some milliseconds."""
PROC = Path("/proc")
PAGE_BYTES = resource.getpagesize()
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MB = 1e6


class Watch:
    """While it is open, a thread looks at this process and its children every `PERIOD_S`."""

    def __init__(self, temporary: Path, store: Path) -> None:
        """`temporary` is the folder for temporary files, `store` that of the results."""
        self.temporary_bytes = self.store_bytes = 0
        """Largest size of all temporary files, deleted ones that are open included, and of all
        files in the store."""
        self._tree_bytes = 0
        self._names: dict[int, str] = {}
        """Of Python's threads, by native id; a native id is rarely used again."""
        self._thread_s: dict[int, tuple[str, float]] = {}
        self._temporary, self._store = temporary, store
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    @property
    def peak_mb(self) -> float:
        """Largest resident memory: of this process as the kernel counts it, or with its children.

        A page that two processes share counts twice.
        """
        return max(self._tree_bytes, peak_bytes(resource.RUSAGE_SELF)) / MB

    @property
    def thread_cpu_s(self) -> dict[str, float]:
        """CPU seconds by name of thread, without the numbers in it, the busiest first.

        A thread that ends between two looks is counted up to the last one.
        """
        seconds = defaultdict[str, float](float)
        for name, used in self._thread_s.values():
            seconds[re.sub(r"[-_:/]?\d+", "", name)] += used
        return dict(sorted(seconds.items(), key=lambda item: -item[1]))

    def _run(self) -> None:
        while not self._ended.wait(PERIOD_S):
            self._look()

    def _look(self) -> None:
        if not PROC.is_dir():
            return
        processes = [os.getpid(), *_descendants(os.getpid())]
        self._tree_bytes = max(self._tree_bytes, sum(map(_resident_bytes, processes)))
        unlinked = sum(map(_unlinked_bytes, processes))
        self.temporary_bytes = max(self.temporary_bytes, unlinked + _folder_bytes(self._temporary))
        self.store_bytes = max(self.store_bytes, _folder_bytes(self._store))
        self._look_at_threads()

    def _look_at_threads(self) -> None:
        for thread in threading.enumerate():
            self._names[thread.native_id or 0] = thread.name
        for task in (PROC / "self" / "task").iterdir():
            with suppress(OSError):  # a thread that has just ended
                name, fields = _stat(task)
                thread, used = int(task.name), int(fields[11]) + int(fields[12])
                self._thread_s[thread] = self._names.get(thread, name), used / TICKS_PER_S


def peak_bytes(who: int) -> int:
    """Return the peak memory of this process, or of its largest finished child."""
    return resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _stat(task: Path) -> tuple[str, list[str]]:
    """Return the name of a process or thread, and the fields after it (proc(5))."""
    before, _, after = (task / "stat").read_text().rpartition(")")
    return before.partition("(")[2], after.split()


def _descendants(process: int) -> set[int]:
    """Return the processes that a process started, and those that they started."""
    parents: dict[int, int] = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # ended since
            _, fields = _stat(folder)
            parents[int(folder.name)] = int(fields[1])
    family = {process}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return family - {process}


def _resident_bytes(process: int) -> int:
    with suppress(OSError):
        return int((PROC / str(process) / "statm").read_text().split()[1]) * PAGE_BYTES
    return 0


def _unlinked_bytes(process: int) -> int:
    """Return the size of the files that a process has open and that have no name any more."""
    size = 0
    with suppress(OSError):
        for descriptor in (PROC / str(process) / "fd").iterdir():
            with suppress(OSError):  # closed since
                target = str(descriptor.readlink())
                if target.endswith(" (deleted)") and not target.startswith(("/dev/", "/memfd:")):
                    size += descriptor.stat().st_size
    return size


def _folder_bytes(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # removed since
            size += path.stat().st_size if path.is_file() else 0
    return size
