"""Groups face tracks by person, across gaps and camera cuts.

Nobody is identified: a person is a number until someone gives a name. Tracks at different positions
at the same time are never one person; at the same position they always are. Tracks with embeddings
are grouped by these (average linkage: two groups are as alike as their tracks are on average, so
that one unlucky pair joins nothing). The others are grouped by their place in the picture: loosely
within one camera shot (someone turned away for a moment), strictly across the source's own cuts
(the camera came back to the same angle).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.embed import Looks, stack_looks
from otio_speakerzoom.faces.likeness import REQUIREMENTS, Requirement, likeness
from otio_speakerzoom.faces.place import MIN_ACROSS_CUTS_IOU, Places
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, are_on_same_head, common_iou
from otio_speakerzoom.model import FaceTrack, Person
from otio_speakerzoom.weights.names import EMBEDDERS

MAX_WIDE_SHOTS = 50
"""Number of camera shots that are searched for the wide, those with the most faces."""

SAME_HEAD_LIKENESS = 10.0
"""Replaces the likeness of two tracks on the same head: above any, even averaged with others."""


def group_people(
    tracks: Sequence[FaceTrack],
    camera_cuts: NDArray[np.int32],
    looks: Looks | None = None,
    embedder: str = EMBEDDERS[0],
) -> tuple[Person, ...]:
    """Return the people of `tracks`, numbered from 1 in order of their first track.

    `looks` are those of `embed_tracks` with `embedder`. A track without an embedding is grouped by
    place.
    """
    looks = looks or stack_looks([None] * len(tracks))
    order = sorted(range(len(tracks)), key=lambda n: (tracks[n].start, tracks[n].boxes[0, 0]))
    ordered = [tracks[n] for n in order]
    places = Places(ordered, camera_cuts)
    own = Looks(looks.embeddings[order], looks.sides[order])
    groups = _group_by_looks(ordered, own, embedder, places)
    _add_by_place(groups, ordered, places)
    groups = sorted(sorted(group) for group in groups)
    return tuple(Person(n, tuple(ordered[i].id for i in g)) for n, g in enumerate(groups, 1))


def _group_by_looks(
    tracks: Sequence[FaceTrack], looks: Looks, embedder: str, places: Places
) -> list[list[int]]:
    """Return groups of the tracks whose embedding is not 0, as indices into `tracks`."""
    embedded = np.flatnonzero(looks.embeddings.any(axis=1))
    groups = [[n] for n in embedded.tolist()]
    if len(groups) < 2:
        return groups
    required = REQUIREMENTS[embedder]
    alike = likeness(looks.embeddings, looks.sides, required)
    in_wide = _count_in_wide(places, alike)
    alike = _with_places(tracks, alike, places, required)[np.ix_(embedded, embedded)]
    nearest = alike.argmax(axis=1)
    for count in range(len(groups), 1, -1):
        has_surplus = count > in_wide > 1
        highest = alike[np.arange(len(groups)), nearest]
        a = int(highest.argmax())
        b = int(nearest[a])
        if highest[a] < (required.surplus - required.large if has_surplus else 0):
            break
        # The mean over all pairs of tracks; with one pair at -inf it stays there, so tracks at the
        # same time stay apart whatever they are joined with.
        sizes = len(groups[a]), len(groups[b])
        mean = np.average(alike[[a, b]], axis=0, weights=sizes)
        alike[a] = alike[:, a] = mean
        alike[b] = alike[:, b] = alike[a, a] = -np.inf
        _update_nearest(nearest, alike, a, b)
        groups[a] += groups[b]
        groups[b] = []
    return [group for group in groups if group]


def _update_nearest(nearest: NDArray[np.intp], alike: NDArray[np.float32], a: int, b: int) -> None:
    """Update `nearest`, (N,), the first highest column of each row, after `b` was joined to `a`.

    Only the columns `a` and `b` have changed, so most rows need no search. To search all of them
    after each join takes several seconds for 2,000 tracks.
    """
    stale = (nearest == a) | (nearest == b)
    stale[[a, b]] = True
    highest = alike[np.arange(len(nearest)), nearest]
    is_higher = alike[:, a] > highest
    is_first = (alike[:, a] == highest) & (a < nearest)
    nearest[is_higher | is_first] = a
    nearest[stale] = alike[stale].argmax(axis=1)


def _count_in_wide(places: Places, alike: NDArray[np.float32]) -> int:
    """Return the largest number of faces that two camera shots both show at once.

    Faces are matched by place or embedding. A conversation returns to the framing that shows
    everybody; a film that runs from place to place, where a crowd appears once, or cameras on two
    pairs of people do not.
    """
    starts, ends = places.starts, places.ends
    at_start = (starts[:, None] <= starts) & (starts < ends[:, None])  # when track n begins
    fullest: dict[int, NDArray[np.intp]] = {}
    for n in np.argsort(at_start.sum(axis=0), kind="stable"):
        fullest[int(places.shots[n])] = np.flatnonzero(at_start[:, n])
    largest = sorted(fullest.values(), key=len, reverse=True)[:MAX_WIDE_SHOTS]
    same = (places.overlaps() >= MIN_ACROSS_CUTS_IOU) | (alike >= 0)
    pairs = combinations(largest, 2)
    return max((int(same[np.ix_(a, b)].any(axis=1).sum()) for a, b in pairs), default=0)


def _with_places(
    tracks: Sequence[FaceTrack],
    alike: NDArray[np.float32],
    places: Places,
    required: Requirement,
) -> NDArray[np.float32]:
    """Return the (N, N) likenesses, with what places and times say.

    `SAME_HEAD_LIKENESS` for tracks on the same head at the same time, -inf for tracks in two places
    at the same time.
    """
    starts, ends = places.starts, places.ends
    same_shot = places.shots[:, None] == places.shots
    at_same_place = same_shot & (places.overlaps() > 0)
    are_different = (starts[:, None] < ends) & (starts < ends[:, None])
    on_same_head = np.eye(len(tracks), dtype=bool)
    for a, b in np.argwhere(np.triu(are_different, 1)).tolist():
        if are_on_same_head(tracks[a], tracks[b]):
            on_same_head[a, b] = on_same_head[b, a] = True
    are_different &= ~on_same_head
    alike = alike + np.where(
        at_same_place, np.float32(required.large - required.same_place), np.float32(0)
    )
    alike[on_same_head] = SAME_HEAD_LIKENESS
    alike[are_different] = -np.inf
    np.fill_diagonal(alike, -np.inf)
    return alike


def _add_by_place(groups: list[list[int]], tracks: Sequence[FaceTrack], places: Places) -> None:
    """Add each ungrouped track to the group whose place it continues, or as a new group."""
    group_of = np.full(len(tracks), -1)
    for g, group in enumerate(groups):
        group_of[group] = g
    starts, ends = places.starts, places.ends
    for n in np.flatnonzero(group_of < 0).tolist():
        overlaps = places.overlaps(n)[0].astype(np.float64)
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
