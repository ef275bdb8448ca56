"""Faces at rest: the pauses of a talker and the silence of a listener, played back and forth."""

from __future__ import annotations

import cv2
import numpy as np
from corpus import QUIET, Track
from numpy.typing import NDArray

REST_TICKS = 150
"""Length of a resting face: a pause played back and forth."""
FADE_TICKS = 3
"""Ticks in which a frame turns into that of the same face at rest, and back."""

Random = np.random.Generator
Frames = NDArray[np.uint8]


def longest_pause(ticks: NDArray[np.intp], shortest: int = 8) -> NDArray[np.intp] | None:
    """Return 150 ticks back and forth through the longest run of `ticks`, without its edges.

    None if fewer than `shortest` are left of it; with its edges, 8 are half a second.
    """
    if not len(ticks):
        return None
    run = max(np.split(ticks, np.flatnonzero(np.diff(ticks) > 1) + 1), key=len)[3:-3]
    if len(run) < shortest:
        return None
    return np.resize(np.concatenate([run, run[::-1]]), REST_TICKS)


def resting_frames(track: Track) -> Frames | None:
    """(150, 192, 192) the track's longest pause back and forth, if one lasts half a second."""
    ticks = longest_pause(np.flatnonzero((track.voice < QUIET) | track.listens))
    return None if ticks is None else track.frames[ticks]


def slow_rest(rest: Frames, ticks: int, rng: Random) -> Frames:
    """(ticks, 192, 192) of a resting face, slowed: at full speed a short pause repeats too soon."""
    start, pace = rng.integers(REST_TICKS - ticks + 1), rng.uniform(0.4, 1)
    return rest[start + (pace * np.arange(ticks)).astype(int)]


def fade_to_rest(frames: Frames, rest: Frames) -> None:
    """Turn `frames`, in place, into those of `rest`, and back at the end."""
    frames[FADE_TICKS:-FADE_TICKS] = rest[FADE_TICKS:-FADE_TICKS]
    for n in range(FADE_TICKS):
        share = (n + 1) / (FADE_TICKS + 1)
        for at in (n, len(rest) - 1 - n):
            frames[at] = cv2.addWeighted(rest[at], share, frames[at], 1 - share, 0)
