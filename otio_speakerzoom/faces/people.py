"""Groups face tracks by person, across gaps and camera cuts.

Nobody is identified: a person is a number until someone gives a name. Tracks at different positions
at the same time are never one person; at the same position they always are. Tracks with embeddings
are grouped by these (average linkage: two groups are as similar as their tracks are on average, so
that one unlucky pair joins nothing). The others are grouped by their position in the frame: loosely
within one camera shot (someone turned away for a moment), strictly across the source's own cuts
(the camera came back to the same angle).
"""

from __future__ import annotations

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
    _add_by_position(groups, ordered, camera_cuts)
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
    nearest = similarities.argmax(axis=1)
    for count in range(len(groups), 1, -1):
        has_surplus = count > in_wide > 1
        highest = similarities[np.arange(len(groups)), nearest]
        a = int(highest.argmax())
        b = int(nearest[a])
        if highest[a] < (MIN_SURPLUS_SIMILARITY if has_surplus else MIN_SIMILARITY):
            break
        # The mean over all pairs of tracks; with one pair at -inf it stays there, so tracks at the
        # same time stay apart whatever they are joined with.
        sizes = len(groups[a]), len(groups[b])
        mean = np.average(similarities[[a, b]], axis=0, weights=sizes)
        similarities[a] = similarities[:, a] = mean
        similarities[b] = similarities[:, b] = similarities[a, a] = -np.inf
        _update_nearest(nearest, similarities, a, b)
        groups[a] += groups[b]
        groups[b] = []
    return [group for group in groups if group]


def _update_nearest(
    nearest: NDArray[np.intp], similarities: NDArray[np.float32], a: int, b: int
) -> None:
    """Update `nearest`, (N,), the first highest column of each row, after `b` was joined to `a`.

    Only the columns `a` and `b` have changed, so most rows need no search. To search all of them
    after each join takes several seconds for 2,000 tracks.
    """
    stale = (nearest == a) | (nearest == b)
    stale[[a, b]] = True
    highest = similarities[np.arange(len(nearest)), nearest]
    is_higher = similarities[:, a] > highest
    is_first = (similarities[:, a] == highest) & (a < nearest)
    nearest[is_higher | is_first] = a
    nearest[stale] = similarities[stale].argmax(axis=1)


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


def _add_by_position(
    groups: list[list[int]], tracks: Sequence[FaceTrack], camera_cuts: NDArray[np.int32]
) -> None:
    """Add each ungrouped track to the group whose position it continues, or as a new group."""
    group_of = np.full(len(tracks), -1)
    for g, group in enumerate(groups):
        group_of[group] = g
    if (group_of >= 0).all():
        return
    positions = np.concatenate([_position(track) for track in tracks])
    starts, ends, shots = _intervals(tracks, camera_cuts)
    for n in np.flatnonzero(group_of < 0).tolist():
        overlaps = pairwise_iou(positions[n : n + 1], positions)[0].astype(np.float64)
        overlaps[overlaps < np.where(shots == shots[n], MIN_SAME_SHOT_IOU, MIN_ACROSS_CUTS_IOU)] = 0
        at_same_time = (starts < ends[n]) & (starts[n] < ends)
        scores = _continuity(n, tracks, overlaps, at_same_time, group_of, len(groups))
        best = len(groups)
        if scores.size and scores.max() > 0:
            best = int(np.flatnonzero(scores == scores.max())[-1])
            groups[best].append(n)
        else:
            groups.append([n])
        group_of[n] = best


def _continuity(
    n: int,
    tracks: Sequence[FaceTrack],
    overlaps: NDArray[np.float64],
    at_same_time: NDArray[np.bool_],
    group_of: NDArray[np.intp],
    group_count: int,
) -> NDArray[np.float64]:
    """Return for each group how well track `n` continues it: the best IoU of positions.

    0 or less for not at all, as when a track of the group is elsewhere at the same time.
    `overlaps`, (N,), is the IoU of the positions of track `n` and each track, 0 if it is too small;
    `at_same_time`, (N,), whether they have frames in common; `group_of`, (N,), the group of each
    track, -1 for none.
    """
    scores = np.zeros(group_count)
    apart = (group_of >= 0) & ~at_same_time
    np.maximum.at(scores, group_of[apart], overlaps[apart])
    for other in np.flatnonzero((group_of >= 0) & at_same_time).tolist():
        group = group_of[other]
        if scores[group] < 0:
            continue
        common = common_iou(tracks[n], tracks[other])
        assert common is not None
        scores[group] = -1 if common < SAME_HEAD_IOU else max(scores[group], 1 + common)
    return scores


def _position(track: FaceTrack) -> NDArray[np.float32]:
    """Return the (1, 4) median box of a track."""
    return np.median(track.boxes, axis=0, keepdims=True)
