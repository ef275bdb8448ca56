"""What a call costs: time, memory, and the frames that it decodes."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from watch import MB, PROC, peak_bytes

from otio_speakerzoom.cli.main import let_waiting_threads_sleep
from otio_speakerzoom.source import SourceFrame
from otio_speakerzoom.source import frames as frames_module

T = TypeVar("T")
Pixels = NDArray[np.uint8]
Region = tuple[int, int, int, int]

WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


@dataclass(frozen=True)
class Cost:
    """What a step costs."""

    wall_s: float
    cpu_s: float
    """Of this process and its children."""
    peak_mb: float
    """Peak memory of this process, or of its largest child, since its start."""
    decoded: int
    """Frames."""
    array_bytes: int
    """Of the frames, or parts of frames, that were converted to arrays."""
    read_bytes: int
    """From files, libraries and weights included; 0 where the system does not count them."""

    def scaled(self, factor: float) -> Cost:
        """Return the cost of so many times as much work, in the same memory."""
        return replace(
            self, wall_s=self.wall_s * factor, cpu_s=self.cpu_s * factor,
            decoded=round(self.decoded * factor), array_bytes=round(self.array_bytes * factor),
            read_bytes=round(self.read_bytes * factor),
        )  # fmt: skip


class Meter:
    """Measures calls, and counts the frames that they decode."""

    def __init__(self) -> None:
        self._decoded = self._array_bytes = 0

    def measure(self, call: Callable[[], T]) -> tuple[T, Cost]:
        """Return the result of a call, and its cost."""
        self._decoded = self._array_bytes = 0
        decode, convert = self._count_decoded, self._count_bytes
        with (
            patch.object(frames_module, "decode_frames", decode(frames_module.decode_frames)),
            patch.object(SourceFrame, "rgb", convert(SourceFrame.rgb)),
            patch.object(SourceFrame, "rgb_fast", convert(SourceFrame.rgb_fast)),
            patch.object(SourceFrame, "luma", convert(SourceFrame.luma)),
            patch.object(SourceFrame, "luma_within", self._count_region(SourceFrame.luma_within)),
        ):
            wall, cpu, read = time.perf_counter(), cpu_seconds(), read_bytes()
            result = call()
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            read = read_bytes() - read
        return result, Cost(wall, cpu, peak_mb(), self._decoded, self._array_bytes, read)

    def _count_decoded(self, decode: Callable[..., Iterable[T]]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Generator[T, None, None]:
            for item in decode(*arguments, **named):
                self._decoded += 1
                yield item

        return counted

    def _count_bytes(self, convert: Callable[..., Pixels]) -> Callable[..., Pixels]:
        last: Pixels | None = None

        def counted(frame: SourceFrame, *size: tuple[int, int] | None) -> Pixels:
            nonlocal last
            array = convert(frame, *size)
            self._array_bytes += array.nbytes if array is not last else 0
            last = array
            return array

        return counted

    def _count_region(self, convert: Callable[..., Pixels]) -> Callable[..., Pixels]:
        last: Pixels | None = None

        def counted(frame: SourceFrame, region: Region) -> Pixels:
            nonlocal last
            array = convert(frame, region)
            left, top, right, bottom = region
            pixels = array[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
            self._array_bytes += pixels.size if array is not last else 0
            last = array
            return array

        return counted


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its finished children."""
    usages = (resource.getrusage(who) for who in WHO)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def read_bytes() -> int:
    """Return what this process and its finished children have read from files (proc_pid_io(5))."""
    try:
        counts = (PROC / "self" / "io").read_text().split()
    except OSError:
        return 0
    return int(counts[counts.index("rchar:") + 1])


def peak_mb() -> float:
    """Return the peak memory of this process, or of its largest finished child.

    Not the sum: a child that only starts another program counts with this process's own memory.
    """
    return max(map(peak_bytes, WHO)) / MB


def total(costs: Iterable[Cost]) -> Cost:
    """Return the cost of all stages of one process."""
    stages = list(costs)
    return Cost(
        sum(cost.wall_s for cost in stages), sum(cost.cpu_s for cost in stages),
        max(cost.peak_mb for cost in stages), sum(cost.decoded for cost in stages),
        sum(cost.array_bytes for cost in stages), sum(cost.read_bytes for cost in stages),
    )  # fmt: skip


def in_new_process(call: Callable[..., T], *arguments: object) -> T:
    """Return the result of a call in a process of its own, whose peak memory is that call's."""
    let_waiting_threads_sleep()  # as the command does
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # unlike Pool's, its process may start others
        return pool.submit(call, *arguments).result()
