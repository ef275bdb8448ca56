"""Groups face tracks by person, across gaps and camera cuts.

Nobody is identified: a person is a number until someone gives a name. Tracks at different positions
at the same time are never one person; at the same position they always are. Tracks with embeddings
are grouped by these (average linkage: two groups are as similar as their tracks are on average, so
that one unlucky pair joins nothing). The others are grouped by their position in the frame: loosely
within one camera shot (someone turned away for a moment), strictly across the source's own cuts
(the camera came back to the same angle).
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

MIN_SAME_SHOT_IOU = 0.2
"""Least IoU of the positions of one person in one camera shot: a head that leans away and back."""

MIN_ACROSS_CUTS_IOU = 0.5
"""Least IoU across a cut: the same angle again, not just somebody near that spot."""

MIN_SIMILARITY = 0.43
"""Least mean cosine of two groups of one person, for MobileFaceNet. It separates pairs of the
corpus' training tracks best, by balanced accuracy: it is right about 0.99 of 575 pairs of one
person and 0.99 of 122,185 of two. On its validation tracks that is 0.95 of 40 and 0.98 of 906."""

MIN_SURPLUS_SIMILARITY = 0.3
"""The same while there are more groups than faces in the wide: then the surplus is one of them from
another side. Profiles and fronts of one woman had 0.37 on average. Of those training pairs of two
people 0.05 are above it, so it applies only where `_count_in_wide` finds a wide."""

MAX_WIDE_SHOTS = 50
"""Number of camera shots that are searched for the wide, those with the most faces."""

SAME_HEAD_SIMILARITY = 10.0
"""Replaces the cosine of two tracks on the same head: above any, even averaged with others."""

SAME_POSITION_BONUS = 0.14
"""Added to the cosine of two tracks at the same position in the same camera shot. Hardly ever does
somebody else sit down there, and a profile does not resemble the front. Of those validation pairs,
all 40 of one person and 0.07 of two are above `MIN_SIMILARITY` less this."""


def group_people(
    tracks: Sequence[FaceTrack],
    camera_cuts: NDArray[np.int32],
    embeddings: NDArray[np.float32] | None = None,
) -> tuple[Person, ...]:
    """Return the people of `tracks`, numbered from 1 in order of their first track.

    `embeddings` are (N, D), a row per track, of length 1, or 0 where unknown: such a track is
    grouped by position.
    """
    order = sorted(range(len(tracks)), key=lambda n: (tracks[n].start, tracks[n].boxes[0, 0]))
    vectors = np.zeros((len(tracks), 1), np.float32) if embeddings is None else embeddings
    ordered = [tracks[n] for n in order]
    groups = _group_by_embedding(ordered, vectors[order], camera_cuts)
    _add_by_position(groups, ordered, camera_cuts.tolist())
    groups = sorted(sorted(group) for group in groups)
    return tuple(Person(n, tuple(ordered[i].id for i in g)) for n, g in enumerate(groups, 1))


def _group_by_embedding(
    tracks: Sequence[FaceTrack], embeddings: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> list[list[int]]:
    """Return groups of the tracks whose embedding is not 0, as indices into `tracks`."""
    embedded = np.flatnonzero(embeddings.any(axis=1))
    groups = [[n] for n in embedded.tolist()]
    if len(groups) < 2:
        return groups
    similarities = _similarities([tracks[n[0]] for n in groups], embeddings[embedded], camera_cuts)
    in_wide = _count_in_wide(tracks, embeddings, camera_cuts)
    for count in range(len(groups), 1, -1):
        has_surplus = count > in_wide > 1
        if similarities.max() < (MIN_SURPLUS_SIMILARITY if has_surplus else MIN_SIMILARITY):
            break
        a, b = divmod(int(similarities.argmax()), len(groups))
        # The mean over all pairs of tracks; with one pair at -inf it stays there, so tracks at the
        # same time stay apart whatever they are joined with.
        sizes = len(groups[a]), len(groups[b])
        mean = np.average(similarities[[a, b]], axis=0, weights=sizes)
        similarities[a] = similarities[:, a] = mean
        similarities[b] = similarities[:, b] = similarities[a, a] = -np.inf
        groups[a] += groups[b]
        groups[b] = []
    return [group for group in groups if group]


def _count_in_wide(
    tracks: Sequence[FaceTrack], embeddings: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> int:
    """Return the largest number of faces that two camera shots both show at once.

    Faces are matched by position or embedding. A conversation returns to the framing that shows
    everybody; a film that runs from place to place, where a crowd appears once, or cameras on two
    pairs of people do not.
    """
    starts, ends, shots = _intervals(tracks, camera_cuts)
    at_start = (starts[:, None] <= starts) & (starts < ends[:, None])  # when track n begins
    fullest: dict[int, NDArray[np.intp]] = {}
    for n in np.argsort(at_start.sum(axis=0), kind="stable"):
        fullest[int(shots[n])] = np.flatnonzero(at_start[:, n])
    positions = np.concatenate([_position(track) for track in tracks])
    same = pairwise_iou(positions, positions) >= MIN_ACROSS_CUTS_IOU
    same |= embeddings @ embeddings.T >= MIN_SIMILARITY
    largest = sorted(fullest.values(), key=len, reverse=True)[:MAX_WIDE_SHOTS]
    pairs = combinations(largest, 2)
    return max((int(same[np.ix_(a, b)].any(axis=1).sum()) for a, b in pairs), default=0)


def _similarities(
    tracks: Sequence[FaceTrack], embeddings: NDArray[np.float32], camera_cuts: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return the (N, N) similarities of the tracks.

    `SAME_HEAD_SIMILARITY` for tracks on the same head at the same time, -inf for tracks at two
    positions at the same time.
    """
    starts, ends, shots = _intervals(tracks, camera_cuts)
    positions = np.concatenate([_position(track) for track in tracks])
    same_position = pairwise_iou(positions, positions) >= MIN_SAME_SHOT_IOU
    same_position &= shots[:, None] == shots
    similarities = embeddings @ embeddings.T + np.float32(SAME_POSITION_BONUS) * same_position
    at_same_time = (starts[:, None] < ends) & (starts < ends[:, None])
    similarities = np.where(at_same_time, np.float32(-np.inf), similarities)
    for a, b in np.argwhere(np.triu(at_same_time, 1)).tolist():
        if are_on_same_head(tracks[a], tracks[b]):
            similarities[a, b] = similarities[b, a] = SAME_HEAD_SIMILARITY
    return similarities


def _intervals(
    tracks: Sequence[FaceTrack], camera_cuts: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.intp]]:
    """Return the (N,) first frames, ends, and numbers of the camera shots of the tracks."""
    starts = np.array([track.start for track in tracks])
    ends = np.array([track.range.end for track in tracks])
    return starts, ends, np.searchsorted(camera_cuts, starts, side="right")


def _add_by_position(groups: list[list[int]], tracks: Sequence[FaceTrack], cuts: list[int]) -> None:
    """Add each ungrouped track to the group whose position it continues, or as a new group."""
    grouped = {n for group in groups for n in group}
    if len(grouped) == len(tracks):
        return
    positions = np.concatenate([_position(track) for track in tracks])
    overlaps = pairwise_iou(positions, positions)
    shots = [bisect_right(cuts, track.start) for track in tracks]
    for n in (n for n in range(len(tracks)) if n not in grouped):
        scores = [
            (_continuity(n, group, tracks, overlaps, shots), g) for g, group in enumerate(groups)
        ]
        score, best = max(scores, default=(0.0, 0))
        if score > 0:
            groups[best].append(n)
        else:
            groups.append([n])


def _continuity(
    n: int,
    group: Sequence[int],
    tracks: Sequence[FaceTrack],
    overlaps: NDArray[np.float32],
    shots: Sequence[int],
) -> float:
    """Return how well track `n` continues `group`: the best IoU of positions, 0 for not at all.

    `overlaps` is the (N, N) IoU of the positions of the tracks, `shots` the number of the camera
    shot in which each begins.
    """
    best = 0.0
    for other in group:
        if (common := common_iou(tracks[n], tracks[other])) is not None:
            if common < SAME_HEAD_IOU:
                return 0.0
            best = max(best, 1 + common)
            continue
        overlap = float(overlaps[other, n])
        if overlap >= (MIN_SAME_SHOT_IOU if shots[other] == shots[n] else MIN_ACROSS_CUTS_IOU):
            best = max(best, overlap)
    return best


def _position(track: FaceTrack) -> NDArray[np.float32]:
    """Return the (1, 4) median box of a track."""
    return np.median(track.boxes, axis=0, keepdims=True)
