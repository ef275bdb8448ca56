"""Arrays with one value per frame: their runs of True, and their part in a range of the source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def slices_in(span: FrameRange, start: int, count: int) -> tuple[slice, slice]:
    """Return where `count` values from source frame `start` on overlap `span`.

    The first slice is of those values, the second of an array with a value per frame of `span`.
    Both are empty where nothing overlaps.
    """
    first = max(start, span.start)
    last = max(first, min(start + count, span.end))
    return slice(first - start, last - start), slice(first - span.start, last - span.start)
