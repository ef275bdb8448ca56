"""Face tracks to participants: tracks of the same person are joined, across gaps and camera cuts.

Nobody is identified: a person is a number until someone gives a name. Tracks that are at different
places at the same time are never one person; in one place they always are. Where `embed` could say
what the faces look like, tracks are joined by looks (average linkage: two groups are as alike as
their tracks are on average, so that one unlucky pair joins nothing). Elsewhere people are places in
the frame: loosely within one camera shot (someone turned away for a moment), strictly across the
source's own cuts (the camera came back to the same angle).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import pairwise_iou
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, are_on_same_head, common_iou
from otio_speakerzoom.model import FaceTrack, Person

SAME_SHOT_OVERLAP = 0.2
"""Least overlap of two places in one camera shot: a head that leans away and back."""

ACROSS_CUTS_OVERLAP = 0.5
"""Least overlap across a cut: the same angle again, not just somebody near that spot."""

ALIKE = 0.43
"""Least mean cosine of two groups of one person, for MobileFaceNet. It tells pairs of the corpus'
training tracks apart best, by balanced accuracy: it is right about 0.99 of 575 pairs of one person
and 0.99 of 122,185 of two. On its validation tracks that is 0.95 of 40 and 0.98 of 906."""

LIKELY = 0.3
"""The same where there are more groups than faces in the wide: then the surplus is one of them from
another side. Profiles and fronts of one woman had 0.37 on average. Of those training pairs of two
people 0.05 lie above it, so it holds only where `_in_the_wide` finds a wide."""

MOST_SHOTS = 50
"""Camera shots among which the wide is sought, those with the most faces: it is one of them."""

CERTAIN = 10.0
"""In place of the cosine of two tracks on one head: more than any, even on average with others."""

SAME_PLACE_BONUS = 0.14
"""What the same place in the same camera shot adds to the cosine of two tracks. Hardly ever does
somebody else sit down there, and a profile looks little like the front. Of those validation pairs,
all 40 of one person and 0.07 of two lie above `ALIKE` less this."""


def group_people(
    tracks: Sequence[FaceTrack],
    camera_cuts: NDArray[np.int32],
    embeddings: NDArray[np.float32] | None = None,
) -> tuple[Person, ...]:
    """Return the people of `tracks`, numbered from 1 in order of their first track.

    `embeddings` are (N, D), a row a track, of length 1, or 0 where the looks are not known: such a
    track is joined by place.
    """
    ordered = sorted(range(len(tracks)), key=lambda n: (tracks[n].start, tracks[n].boxes[0, 0]))
    looks = np.zeros((len(tracks), 1), np.float32) if embeddings is None else embeddings
    placed = [tracks[n] for n in ordered]
    groups = _by_looks(placed, looks[ordered], camera_cuts)
    _add_by_place(groups, placed, camera_cuts.tolist())
    groups = sorted(sorted(group) for group in groups)
    return tuple(Person(n, tuple(placed[i].id for i in g)) for n, g in enumerate(groups, 1))


def _by_looks(
    tracks: Sequence[FaceTrack], looks: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> list[list[int]]:
    """Return groups of the tracks whose row of `looks` is not 0, as numbers into `tracks`."""
    known = np.flatnonzero(looks.any(axis=1))
    groups = [[n] for n in known.tolist()]
    if len(groups) < 2:
        return groups
    likeness = _alike([tracks[n[0]] for n in groups], looks[known], camera_cuts)
    wide = _in_the_wide(tracks, looks, camera_cuts)
    for left in range(len(groups), 1, -1):
        surplus = left > wide > 1
        if likeness.max() < (LIKELY if surplus else ALIKE):
            break
        a, b = divmod(int(likeness.argmax()), len(groups))
        # The mean over all pairs of tracks; with one pair at -inf it stays there, so that what is
        # there at the same time is kept apart whatever it is joined with.
        sizes = len(groups[a]), len(groups[b])
        likeness[a] = likeness[:, a] = np.average(likeness[[a, b]], axis=0, weights=sizes)
        likeness[b] = likeness[:, b] = likeness[a, a] = -np.inf
        groups[a] += groups[b]
        groups[b] = []
    return [group for group in groups if group]


def _in_the_wide(
    tracks: Sequence[FaceTrack], looks: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> int:
    """Return the most faces that two camera shots both show at once, by their places or looks.

    A conversation comes back to the picture that shows everybody; a film that runs from place to
    place, where a crowd is seen once, or cameras on two pairs of people do not.
    """
    start = np.array([track.start for track in tracks])
    end = np.array([track.range.end for track in tracks])
    shot = np.searchsorted(camera_cuts, start, side="right")
    there = (start[:, None] <= start[None, :]) & (start[None, :] < end[:, None])  # when n begins
    fullest: dict[int, NDArray[np.intp]] = {}
    for n in np.argsort(there.sum(axis=0), kind="stable"):
        fullest[int(shot[n])] = np.flatnonzero(there[:, n])
    places = np.concatenate([_place(track) for track in tracks])
    same = (pairwise_iou(places, places) >= ACROSS_CUTS_OVERLAP) | (looks @ looks.T >= ALIKE)
    shots = sorted(fullest.values(), key=len, reverse=True)[:MOST_SHOTS]
    return max(
        (int(same[np.ix_(a, b)].any(axis=1).sum()) for a, b in combinations(shots, 2)), default=0
    )


def _alike(
    tracks: Sequence[FaceTrack], looks: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return (N, N) how alike the tracks are.

    `CERTAIN` where they are on one head at the same time, -inf where they are at two places.
    """
    start = np.array([track.start for track in tracks])
    end = np.array([track.range.end for track in tracks])
    shot = np.searchsorted(camera_cuts, start, side="right")
    places = np.concatenate([_place(track) for track in tracks])
    stayed = pairwise_iou(places, places) >= SAME_SHOT_OVERLAP
    stayed &= shot[:, None] == shot[None, :]
    likeness = looks @ looks.T + np.float32(SAME_PLACE_BONUS) * stayed
    together = (start[:, None] < end[None, :]) & (start[None, :] < end[:, None])
    likeness = np.where(together, np.float32(-np.inf), likeness)
    for a, b in np.argwhere(np.triu(together, 1)).tolist():
        if are_on_same_head(tracks[a], tracks[b]):
            likeness[a, b] = likeness[b, a] = CERTAIN
    return likeness


def _add_by_place(groups: list[list[int]], tracks: Sequence[FaceTrack], cuts: list[int]) -> None:
    """Give each track that is in no group to the one whose place it continues, or to a new one."""
    grouped = {n for group in groups for n in group}
    if len(grouped) == len(tracks):
        return
    places = np.concatenate([_place(track) for track in tracks])
    same_place = pairwise_iou(places, places)
    shots = [bisect_right(cuts, track.start) for track in tracks]
    for n in (n for n in range(len(tracks)) if n not in grouped):
        fits = [
            (_continues(n, group, tracks, same_place, shots), g) for g, group in enumerate(groups)
        ]
        likeness, best = max(fits, default=(0.0, 0))
        if likeness > 0:
            groups[best].append(n)
        else:
            groups.append([n])


def _continues(
    n: int,
    group: Sequence[int],
    tracks: Sequence[FaceTrack],
    same_place: NDArray[np.float32],
    shots: Sequence[int],
) -> float:
    """Return how well track `n` continues `group`: the best overlap of places, 0 for not at all.

    `same_place` is the (N, N) overlap of the places of N `tracks`, `shots` in which of the source's
    own each begins.
    """
    best = 0.0
    for other in group:
        if (common := common_iou(tracks[n], tracks[other])) is not None:
            if common < SAME_HEAD_IOU:
                return 0.0
            best = max(best, 1 + common)
            continue
        overlap = float(same_place[other, n])
        if overlap >= (SAME_SHOT_OVERLAP if shots[other] == shots[n] else ACROSS_CUTS_OVERLAP):
            best = max(best, overlap)
    return best


def _place(track: FaceTrack) -> NDArray[np.float32]:
    """Return the (1, 4) median box of a track."""
    return np.median(track.boxes, axis=0, keepdims=True)
