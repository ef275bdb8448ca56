"""Who is alone in a wide: on screen it is a single of that person, and counts as one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Shot

MIN_SHARE_SEEN = 0.1
"""A talker is seen in a wide where more than this share of their face is in the crop, for more than
this share of the time: less is an ear, or a box too many."""


def lone_talkers(
    shots: Sequence[Shot], inside: NDArray[np.floating[Any]], camera_cuts: Sequence[int]
) -> NDArray[np.bool_]:
    """Return (P, T) who is alone in a wide of `shots`, over the frames of all shots.

    `inside` is (P, T) the share of each talker's face in the crop, NaN where it is not visible. A
    wide over several camera shots of the source is judged in each of them.
    """
    out = np.zeros(inside.shape, bool)
    first = shots[0].range.start
    visible = np.nan_to_num(inside) > MIN_SHARE_SEEN
    for shot in shots:
        if shot.subjects:
            continue
        for part in _camera_shots(shot.range, camera_cuts):
            at = slice(part.start - first, part.end - first)
            who = np.flatnonzero(visible[:, at].mean(axis=1) > MIN_SHARE_SEEN)
            if len(who) == 1:
                out[who[0], at] = visible[who[0], at]
    return out


def _camera_shots(span: FrameRange, camera_cuts: Sequence[int]) -> list[FrameRange]:
    """Return the parts of `span` between the source's own cuts."""
    inside = sorted({cut for cut in camera_cuts if span.start < cut < span.end})
    return [FrameRange(start, end) for start, end in pairwise([span.start, *inside, span.end])]
