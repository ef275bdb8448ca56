"""Grouping many tracks is fast, and gives the same groups as the plain search that it replaces."""

import time
from bisect import bisect_right

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.faces import people
from otio_speakerzoom.faces.people import group_people
from otio_speakerzoom.faces.place import MIN_ACROSS_CUTS_IOU, MIN_SAME_SHOT_IOU
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU, common_iou
from otio_speakerzoom.model import FaceTrack


def still_track(number, start, left, length=50):
    box = np.array([left, 100, left + 80, 200], np.float32)
    return FaceTrack(number, start, np.tile(box, (length, 1)), np.ones(length, bool))


def plain_groups(tracks, cuts):
    """Compare every track with every one of every group, one after the other."""
    ordered = sorted(tracks, key=lambda track: (track.start, track.boxes[0, 0]))
    groups = []
    for track in ordered:
        fits = [(plain_fit(track, group, cuts), n) for n, group in enumerate(groups)]
        fit, best = max(fits, default=(0.0, 0))
        if fit > 0:
            groups[best].append(track)
        else:
            groups.append([track])
    return [tuple(track.id for track in group) for group in groups]


def plain_fit(track, group, cuts):
    """Return how well a track continues a group, 0 for not at all."""
    best = 0.0
    for other in group:
        common = common_iou(track, other)
        if common is not None:
            if common < SAME_HEAD_IOU:
                return 0.0
            best = max(best, 1 + common)
            continue
        overlap = float(iou(np.median(track.boxes, axis=0), np.median(other.boxes, axis=0)))
        same_shot = bisect_right(cuts, track.start) == bisect_right(cuts, other.start)
        if overlap >= (MIN_SAME_SHOT_IOU if same_shot else MIN_ACROSS_CUTS_IOU):
            best = max(best, overlap)
    return best


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 500), st.integers(1, 90)), max_size=25),
    st.sets(st.integers(1, 340), max_size=4).map(sorted),
)
def test_groups_by_place_equal_those_of_a_plain_search(faces, cuts):
    tracks = [still_track(n, *face) for n, face in enumerate(faces, 1)]

    groups = [person.track_ids for person in group_people(tracks, np.array(cuts, np.int32))]

    assert groups == plain_groups(tracks, cuts)


@given(st.integers(0, 1000), st.integers(2, 25))
def test_the_nearest_column_of_each_row_is_the_first_highest_after_every_join(seed, count):
    rng = np.random.default_rng(seed)
    similarities = rng.integers(0, 6, (count, count)).astype(np.float32)  # with many ties
    similarities = np.maximum(similarities, similarities.T)
    nearest = similarities.argmax(axis=1)
    for _ in range(count - 1):
        a, b = (int(n) for n in rng.choice(count, 2, replace=False))
        similarities[a] = similarities[:, a] = np.average(similarities[[a, b]], axis=0)
        similarities[b] = similarities[:, b] = similarities[a, a] = -np.inf
        people._update_nearest(nearest, similarities, a, b)

        assert nearest.tolist() == similarities.argmax(axis=1).tolist()


def test_two_thousand_tracks_are_grouped_by_place_within_two_seconds():
    faces, length = 3, 250
    tracks = [
        still_track(n + 1, n // faces * length, 400 * (n % faces), length) for n in range(2000)
    ]
    cuts = np.arange(length, 2000 // faces * length, length, dtype=np.int32)

    start = time.process_time()
    groups = group_people(tracks, cuts)

    assert time.process_time() - start < 2
    assert [len(person.track_ids) for person in groups] == [667, 667, 666]
