"""Face tracks to participants: people are places in the frame until someone names them.

Nobody is recognised by looks. Two tracks are one person when they are never there at the same
time and lie in the same place: loosely within one camera shot (someone turned away for a moment),
strictly across the source's own cuts (the camera came back to the same angle).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.track import overlaps
from otio_speakerzoom.model import FaceTrack, Person

SAME_SHOT_OVERLAP = 0.2
"""Least overlap of two places in one camera shot: a head that leans away and back."""

ACROSS_CUTS_OVERLAP = 0.5
"""Least overlap across a cut: the same angle again, not just somebody near that spot."""


def group_people(tracks: Sequence[FaceTrack], camera_cuts: NDArray[np.int32]) -> tuple[Person, ...]:
    """Return the people of `tracks`, numbered from 1 in order of their first track."""
    cuts = camera_cuts.tolist()
    groups: list[list[FaceTrack]] = []
    for track in sorted(tracks, key=lambda t: (t.start, float(t.boxes[0, 0]))):
        fits = [(_likeness(track, group, cuts), n) for n, group in enumerate(groups)]
        likeness, best = max(fits, default=(0.0, 0))
        if likeness > 0:
            groups[best].append(track)
        else:
            groups.append([track])
    return tuple(Person(n, tuple(t.id for t in group)) for n, group in enumerate(groups, 1))


def _likeness(track: FaceTrack, group: list[FaceTrack], cuts: list[int]) -> float:
    """Return how well `track` continues `group`: the best overlap of places, 0 for not at all."""
    if any(t.start < track.range.end and track.start < t.range.end for t in group):
        return 0.0
    best = 0.0
    for other in group:
        same_shot = bisect_right(cuts, other.start) == bisect_right(cuts, track.start)
        overlap = float(overlaps(_place(other), _place(track))[0, 0])
        if overlap >= (SAME_SHOT_OVERLAP if same_shot else ACROSS_CUTS_OVERLAP):
            best = max(best, overlap)
    return best


def _place(track: FaceTrack) -> NDArray[np.float32]:
    """Return the (1, 4) median box of a track."""
    return np.median(track.boxes, axis=0, keepdims=True)
