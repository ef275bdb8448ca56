"""Arrays with one value per frame: their runs of True, medians, and part in a range."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange

Float = TypeVar("Float", bound=np.floating[Any])


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open (start, end) of each run of True."""
    edges: list[int] = np.flatnonzero(np.diff(mask, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def median(values: NDArray[Float]) -> NDArray[Float]:
    """Return the median of each column of (T, ...) values: that of `np.median`, which is slower."""
    ordered = np.sort(values, axis=0)
    return (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2


def moving_average(scores: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return (T,) means over the `width` frames around each, without NaN; NaN stays NaN."""
    present = ~np.isnan(scores)
    kernel = np.ones(max(1, width) | 1)
    total = np.convolve(np.where(present, scores, 0), kernel, "full")
    count = np.convolve(present, kernel, "full")
    middle = slice(len(kernel) // 2, len(kernel) // 2 + len(scores))
    mean = total[middle] / np.maximum(count[middle], 1)
    return np.where(present, mean, np.nan).astype(np.float32)


def slices_in(span: FrameRange, start: int, count: int) -> tuple[slice, slice]:
    """Return where `count` values from source frame `start` on overlap `span`.

    The first slice is of those values, the second of an array with a value per frame of `span`.
    Both are empty where nothing overlaps.
    """
    first = max(start, span.start)
    last = max(first, min(start + count, span.end))
    return slice(first - start, last - start), slice(first - span.start, last - span.start)
