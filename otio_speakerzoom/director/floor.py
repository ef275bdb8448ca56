"""Who holds the floor: from one person's scores to the stretches in which they speak.

Two thresholds, so that a score hovering near one of them does not flicker (hysteresis; Gelly and
Gauvain, Interspeech 2015). Pauses are bridged before bursts are dropped: a hesitant sentence is
one stretch, a cough is none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def speaking(
    scores: NDArray[np.float32],
    *,
    enter: float,
    leave: float,
    min_pause: int,
    min_speech: int,
) -> NDArray[np.bool_]:
    """Return (T,) whether the person of `scores`, (T,) log odds, speaks in each frame.

    Speech starts where a score exceeds `enter` and ends where one falls below `leave`; gaps
    shorter than `min_pause` frames are then filled and stretches shorter than `min_speech` left
    out. NaN stands for a frame without a face: nobody is seen to speak there.
    """
    if leave > enter:
        raise ValueError(f"leave ({leave}) must not be above enter ({enter})")
    told = np.nan_to_num(scores, nan=-np.inf)
    on, off = told > enter, told < leave
    told_last = np.maximum.accumulate(np.where(on | off, np.arange(len(told)), -1))
    speech = (told_last >= 0) & on[told_last]
    for start, end in runs(~speech):
        if start > 0 and end < len(speech) and end - start < min_pause:
            speech[start:end] = True
    for start, end in runs(speech):
        if end - start < min_speech:
            speech[start:end] = False
    return speech


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def smoothed(scores: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return (T,) means over `width` frames around each, over what is there; NaN stays NaN."""
    there = ~np.isnan(scores)
    kernel = np.ones(max(1, width) | 1)
    total = np.convolve(np.where(there, scores, 0), kernel, "full")
    count = np.convolve(there, kernel, "full")
    middle = slice(len(kernel) // 2, len(kernel) // 2 + len(scores))
    mean = total[middle] / np.maximum(count[middle], 1)
    return np.where(there, mean, np.nan).astype(np.float32)
