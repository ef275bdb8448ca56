"""Tracking frame by frame: what is returned is final, comes soon, and equals a batch by the rules.

`plain_tracks` is that batch: it sees the whole film before it decides anything.
"""

import tracemalloc
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.boxes import iou
from otio_speakerzoom.faces.association import extend_tracklets
from otio_speakerzoom.faces.same_head import SAME_HEAD_IOU
from otio_speakerzoom.faces.track import FaceTracker
from otio_speakerzoom.model import FrameFaces, FrameRange

MAX_GAP_S = 1.2
RATES = [Fraction(10), Fraction(24000, 1001), Fraction(25), Fraction(60)]


@dataclass
class Film:
    """What a detector gives for a film."""

    rate: Fraction
    within: FrameRange
    rows: list[FrameFaces]
    cuts: list[int]

    @property
    def step(self):
        return self.rows[1].frame - self.rows[0].frame


@st.composite
def films(draw):
    """Faces that walk, cross, jump and leave doubtful boxes behind, vanish and flicker."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rate = draw(st.sampled_from(RATES))
    every = draw(st.integers(1, 3))
    start = draw(st.sampled_from([0, 7]))
    end = start + draw(st.integers(20, 200))
    cuts = draw(st.sets(st.integers(start + 1, end - 1), max_size=2).map(sorted))
    people = [Walker(rng, every) for _ in range(draw(st.integers(1, 5)))]
    rows = []
    for frame in range(start, end, every):
        faces = [face for person in people for face in person.step()]
        array = np.array(faces, np.float32).reshape(-1, 5)
        rows.append(FrameFaces(frame, array[:, :4], array[:, 4]))
    return Film(rate, FrameRange(start, end), rows, cuts)


class Walker:
    """A person whose face jumps now and then, and is not always detected."""

    def __init__(self, rng, every):
        self.rng = rng
        self.left, self.size = rng.uniform(0, 300), rng.uniform(40, 90)
        self.pace = every * rng.choice([0, rng.uniform(-4, 4)])
        self.miss, self.jump = rng.choice([0, 0.1, 0.6]), rng.choice([0, 0.05])
        self.hidden, self.ghost, self.ghost_left = 0, 0.0, 0

    def step(self):
        rng = self.rng
        self.left += self.pace
        self.hidden = self.hidden - 1 if self.hidden > 0 else int(rng.integers(1, 40))
        if rng.random() > 0.02 and self.hidden > 0:
            self.hidden = 0
        if rng.random() < self.jump:
            self.ghost, self.ghost_left = self.left, int(rng.integers(1, 25))
            self.left += rng.choice([-1, 1]) * self.size * rng.uniform(0.4, 0.9)
        if self.ghost_left > 0:
            self.ghost_left -= 1
            yield self.face(self.ghost, rng.choice([0.4, 0.6]))
        if not self.hidden and rng.random() >= self.miss:
            yield self.face(self.left + rng.normal(0, 1), rng.uniform(0.45, 1))

    def face(self, left, confidence):
        return left, 50, left + self.size, 50 + self.size, confidence


@dataclass
class Joined:
    """Detections of one face: frames, and a box for each; and where the last box ends."""

    frames: list[int]
    boxes: list[list[float]]
    end: int

    def box_rows(self, start, end):
        span = np.arange(start, end)
        edges = np.array(self.boxes, np.float32).T
        return np.stack([np.interp(span, self.frames, e) for e in edges], 1).astype(np.float32)


def plain_tracks(film):
    """Return all tracks by the rules of the docstrings, with the whole film at hand."""
    max_gap = MAX_GAP_S * film.rate
    alive, ended, previous = [], [], film.within.start
    for row in film.rows:
        has_cut = any(previous < cut <= row.frame for cut in film.cuts)
        ended += [t for t in alive if has_cut or row.frame - t.last_frame > max_gap]
        alive = [t for t in alive if t not in ended]
        extend_tracklets(alive, row.frame, row.boxes, row.confidences, film.rate, 0.5)
        previous = row.frame
    tracks = []
    for tracklet in sorted([*ended, *alive], key=lambda t: (t.start, order_of_birth(t, film))):
        detections = tracklet.track.detections
        later = [row.frame for row in film.rows if row.frame > tracklet.last_frame]
        later += [cut for cut in film.cuts if cut > tracklet.last_frame] + [film.within.end]
        new = Joined(detections.frames.tolist(), detections.boxes.tolist(), min(later))
        earlier = next((t for t in tracks if takes_over(new, t, max_gap)), None)
        if earlier is None:
            tracks.append(new)
            continue
        count = sum(frame < new.frames[0] for frame in earlier.frames)
        earlier.frames[count:], earlier.boxes[count:] = new.frames, new.boxes
        earlier.end = new.end
    return tracks


def order_of_birth(tracklet, film):
    """Return the index of its first box among those of the frame."""
    row = next(row for row in film.rows if row.frame == tracklet.start)
    first = tracklet.track.detections.boxes[0]
    return int(np.flatnonzero((row.boxes == first).all(axis=1))[0])


def takes_over(new, earlier, max_gap):
    start, common = new.frames[0], earlier.end - new.frames[0]
    if not (earlier.frames[0] < start and 0 < common <= min(max_gap, new.end - start - 1)):
        return False
    overlaps = iou(new.box_rows(start, earlier.end), earlier.box_rows(start, earlier.end))
    return np.median(overlaps) >= SAME_HEAD_IOU


def push_all(film, *, early_cuts=True):
    """Push a film's rows; return the tracker, all growth, the tracks, their keys and the lags."""
    tracker = FaceTracker(film.rate, film.within, max_gap_s=MAX_GAP_S)
    growth, lags = [], []
    for row in film.rows:
        settled_end = tracker.settled_end
        cuts = film.cuts if early_cuts else [cut for cut in film.cuts if cut <= row.frame]
        grown = tracker.push(row, cuts)
        assert tracker.settled_end >= settled_end
        assert all(g.start + len(g.boxes) <= tracker.settled_end for g in grown)
        growth += grown
        lags.append(row.frame + 1 - tracker.settled_end)
    grown, tracks, keys = tracker.finish(film.cuts)
    return tracker, growth + grown, tracks, keys, lags


def whole(growth, key):
    """Return start, boxes and detections of all growth of one track, which must be seamless."""
    parts = [part for part in growth if part.key == key]
    ends = [part.start + len(part.boxes) for part in parts]
    assert [part.start for part in parts[1:]] == ends[:-1]
    assert [part.ended for part in parts] == [False] * (len(parts) - 1) + [True]
    boxes, has_detection = zip(*((part.boxes, part.has_detection) for part in parts), strict=True)
    return parts[0].start, np.concatenate(boxes), np.concatenate(has_detection)


@settings(deadline=None, max_examples=60)  # a busy machine is not a slow function
@given(films(), st.booleans())
def test_growth_equals_the_tracks_of_a_batch(film, early_cuts):
    _, growth, tracks, keys, _ = push_all(film, early_cuts=early_cuts)

    expected = plain_tracks(film)
    assert {part.key for part in growth} == set(range(len(expected)))
    for key, track in enumerate(expected):
        start, boxes, has_detection = whole(growth, key)
        assert (start, start + len(boxes)) == (track.frames[0], track.end)
        assert boxes.tobytes() == track.box_rows(start, track.end).tobytes()
        assert (np.flatnonzero(has_detection) + start).tolist() == track.frames
    assert len(set(keys)) == len(tracks)
    for track, key in zip(tracks, keys, strict=True):
        start, boxes, has_detection = whole(growth, key)
        assert start == track.start
        assert boxes.tobytes() == track.boxes.tobytes()
        assert has_detection.tolist() == track.has_detection.tolist()


@settings(deadline=None, max_examples=30)
@given(films())
def test_boxes_are_final_within_three_gaps_and_a_step(film):
    tracker, *_, lags = push_all(film)

    assert max(lags) <= 3 * MAX_GAP_S * film.rate + film.step
    assert tracker.settled_end == film.within.end


def film_of(rows, *, end=200, step=2):
    """Return a film at 25 fps from (frame, left, confidence) rows of faces 80 px wide."""
    faces = {frame: [] for frame in range(0, end, step)}
    for frame, left, confidence in rows:
        faces[frame].append((left, 50, left + 80, 130, confidence))
    arrays = {frame: np.array(row, np.float32).reshape(-1, 5) for frame, row in faces.items()}
    frames = [FrameFaces(frame, row[:, :4], row[:, 4]) for frame, row in arrays.items()]
    return Film(Fraction(25), FrameRange(0, end), frames, [])


def test_while_all_faces_are_detected_nothing_waits():
    *_, lags = push_all(film_of([(f, left, 1) for f in range(0, 200, 2) for left in (0, 300)]))

    assert max(lags) == 0


def test_a_missing_face_delays_until_it_returns_or_is_lost():
    film = film_of([(f, 0, 1) for f in range(0, 200, 2) if not (20 < f < 40 or f > 100)])
    *_, lags = push_all(film)

    by_frame = dict(zip(range(0, 200, 2), lags, strict=True))
    assert (by_frame[20], by_frame[38], by_frame[40]) == (0, 18, 0)
    assert (by_frame[100], by_frame[130], by_frame[132]) == (0, 30, 0)


def test_a_new_face_apart_from_the_others_delays_by_half_a_gap():
    rows = [(f, 0, 1) for f in range(0, 200, 2)] + [(f, 300, 1) for f in range(100, 200, 2)]
    *_, lags = push_all(film_of(rows))

    assert (max(lags), np.count_nonzero(lags)) == (16, 8)


def test_a_head_that_jumps_is_decided_once_its_old_box_is_lost():
    rows = [(f, 100, 1) for f in range(0, 100, 2)] + [(f, 100, 0.4) for f in (100, 102)]
    rows += [(f, 152, 1) for f in range(100, 200, 2)]
    _, growth, (track,), _, lags = push_all(film_of(rows))

    assert track.boxes[[98, 99, 100], 0].tolist() == [100, 126, 152]
    assert {part.key for part in growth} == {0}
    assert max(lags) == 133 - 99  # frame 134 is the first more than 30 after 102
    assert lags[-1] == 0


def test_the_longest_delay():
    """A face is missing for as long as can be, returns for as long, and is missing again."""
    rows = [(f, 100, 1) for f in range(0, 102, 2)] + [(f, 100, 0.4) for f in range(130, 160, 2)]
    film = film_of(rows, end=300)
    twice_as_large = np.array([[60, 10, 220, 170]], np.float32)
    for row, faces in enumerate(film.rows):
        if faces.frame >= 130:
            boxes = np.concatenate([faces.boxes, twice_as_large])
            confidences = np.append(faces.confidences, np.float32(1))
            film.rows[row] = FrameFaces(faces.frame, boxes, confidences)
    _, _, (track,), _, lags = push_all(film)

    assert track.boxes[[100, 115, 130], 0].tolist() == [100, 80, 60]
    assert max(lags) == 189 - 101  # frame 190 is the first more than 30 after 158


def test_a_detection_takes_few_bytes():
    boxes = np.array([[left, 50, left + 80, 130] for left in (0, 300)], np.float32)
    tracemalloc.start()
    tracker = FaceTracker(Fraction(25), FrameRange(0, 6000))
    for frame in range(0, 6000, 2):
        tracker.push(FrameFaces(frame, boxes, np.ones(2, np.float32)), [])
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 32 * 6000  # 24 each, and what a buffer grows ahead


def test_frames_must_ascend():
    tracker = FaceTracker(Fraction(25), FrameRange(0, 100))
    row = FrameFaces(2, np.empty((0, 4), np.float32), np.empty(0, np.float32))
    tracker.push(row, [])

    with pytest.raises(ValueError, match="frames must ascend, got 2 after 2"):
        tracker.push(row, [])
