"""Who is alone in a wide: on screen it is a single of that person, and counts as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.model import FrameRange, Shot

MIN_SHARE_SEEN = 0.1
"""A talker is seen in a wide where more than this share of their face is in the crop: less is an
ear."""

MIN_LONE_S = 2.0
"""Nobody else must be seen for this time, the shortest shot of the standard style, or all through a
camera shot of the source: somebody who turns away for a moment is still there."""


def lone_talkers(
    shots: Sequence[Shot],
    inside: NDArray[np.floating[Any]],
    camera_cuts: Sequence[int],
    rate: float,
) -> NDArray[np.bool_]:
    """Return (P, T) who is alone in a wide of `shots`, over the frames of all shots.

    `inside` is (P, T) the share of each talker's face in the crop, NaN where it is not visible.
    """
    out = np.zeros(inside.shape, bool)
    visible = np.nan_to_num(inside) > MIN_SHARE_SEEN
    others = visible.sum(axis=0) - visible  # (P, T) how many others are seen
    for first, last in _wides(shots, camera_cuts):
        shortest = min(last - first, MIN_LONE_S * rate)
        for row, others_of, alone in zip(visible, others, out, strict=True):
            for start, end in runs(others_of[first:last] == 0):
                if end - start >= shortest:
                    at = slice(first + start, first + end)
                    alone[at] = row[at]
    return out


def _wides(shots: Sequence[Shot], camera_cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last column of each camera shot's part in each wide."""
    for shot in shots:
        if not shot.subjects:
            for part in _camera_shots(shot.range, camera_cuts):
                yield part.start - shots[0].range.start, part.end - shots[0].range.start


def _camera_shots(span: FrameRange, camera_cuts: Sequence[int]) -> list[FrameRange]:
    """Return the parts of `span` between the source's own cuts."""
    inside = sorted({cut for cut in camera_cuts if span.start < cut < span.end})
    return [FrameRange(start, end) for start, end in pairwise([span.start, *inside, span.end])]
