"""What a call costs: time, memory, and the frames that it decodes."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source
from otio_speakerzoom.cli.main import let_waiting_threads_sleep
from otio_speakerzoom.source import frames as frames_module

T = TypeVar("T")

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
    """Of the frames that decoding passed on as arrays."""


class Meter:
    """Measures calls, and counts the frames that they decode."""

    def __init__(self) -> None:
        self._decoded = self._array_bytes = 0

    def measure(self, call: Callable[[], T]) -> tuple[T, Cost]:
        """Return the result of a call, and its cost."""
        self._decoded = self._array_bytes = 0
        decode, read = self._count_decoded, self._count_bytes
        with (
            patch.object(frames_module, "decode_frames", decode(frames_module.decode_frames)),
            patch.object(source, "read_frames", read(source.read_frames)),
        ):
            wall, cpu = time.perf_counter(), cpu_seconds()
            result = call()
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
        return result, Cost(wall, cpu, peak_mb(), self._decoded, self._array_bytes)

    def _count_decoded(self, decode: Callable[..., Iterable[T]]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Generator[T, None, None]:
            for item in decode(*arguments):
                self._decoded += 1
                yield item

        return counted

    def _count_bytes(
        self, read: Callable[..., Generator[tuple[int, NDArray[np.uint8]], None, None]]
    ) -> Callable[..., Any]:
        def counted(
            *arguments: Any, **options: Any
        ) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
            last = None
            with closing(read(*arguments, **options)) as frames:
                for number, frame in frames:
                    self._array_bytes += frame.nbytes if frame is not last else 0
                    last = frame
                    yield number, frame

        return counted


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its finished children."""
    usages = (resource.getrusage(who) for who in WHO)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak_mb() -> float:
    """Return the peak memory of this process, or of its largest finished child.

    Not the sum: a child that only starts another program counts with this process's own memory.
    """
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return max(resource.getrusage(who).ru_maxrss for who in WHO) / unit


def total(costs: Iterable[Cost]) -> Cost:
    """Return the cost of all stages of one process."""
    stages = list(costs)
    return Cost(
        sum(cost.wall_s for cost in stages), sum(cost.cpu_s for cost in stages),
        max(cost.peak_mb for cost in stages), sum(cost.decoded for cost in stages),
        sum(cost.array_bytes for cost in stages),
    )  # fmt: skip


def in_new_process(call: Callable[..., T], *arguments: object) -> T:
    """Return the result of a call in a process of its own, whose peak memory is that call's."""
    let_waiting_threads_sleep()  # as the command does
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(call, arguments)
