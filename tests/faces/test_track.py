"""Tracks from synthetic detections, and the frames that are searched."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import walks

from otio_speakerzoom.faces.detect import detector_size
from otio_speakerzoom.faces.detection_buffer import DetectionBuffer
from otio_speakerzoom.faces.resize import resize_fast
from otio_speakerzoom.faces.track import track_faces
from otio_speakerzoom.model import Detections, FrameRange, Media

RATE = Fraction(25)


def detections(rows, *, detected_frames=range(0, 100, 2), cuts=()):
    """Detections from (frame, left, top, size, confidence = 1) rows."""
    rows = sorted(rows)
    boxes = [(left, top, left + size, top + size) for _, left, top, size, *_ in rows]
    return Detections(
        np.array([row[0] for row in rows], np.int32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([row[4] if len(row) > 4 else 1 for row in rows], np.float32),
        np.array(detected_frames, np.int32),
        np.array(cuts, np.int32),
    )


def tracked(faces, end=100):
    return track_faces(faces, RATE, FrameRange(0, end))


def test_two_faces_give_two_tracks_in_order_from_the_left():
    tracks = tracked(detections([(f, x, 50, 40) for f in range(0, 100, 2) for x in (300 - f, 100)]))

    assert [(t.id, t.start, len(t.boxes)) for t in tracks] == [(1, 0, 100), (2, 0, 100)]
    assert tracks[0].boxes[:, 0].tolist() == [100] * 100
    assert tracks[1].boxes[:99, 0] == pytest.approx(300 - np.arange(99))


def test_boxes_between_detections_are_interpolated_and_marked():
    (track,) = tracked(detections([(f, f, 0, 80) for f in range(0, 100, 2)]))

    assert track.has_detection.tolist() == [True, False] * 50
    assert track.boxes[31].tolist() == [31, 0, 111, 80]


def test_a_short_gap_keeps_one_track_and_a_long_one_makes_two():
    def with_a_hole(first, last):
        rows = [(f, 10, 10, 40) for f in range(0, 100, 2) if not first <= f < last]
        return [(t.start, t.range.end) for t in tracked(detections(rows))]

    assert with_a_hole(40, 66) == [(0, 100)]
    assert with_a_hole(40, 72) == [(0, 40), (72, 100)]


def test_tracks_end_at_camera_cuts_to_the_frame():
    rows = [(f, 10, 10, 40) for f in range(0, 100, 2)]
    tracks = tracked(detections(rows, cuts=[51]))

    assert [(t.start, t.range.end) for t in tracks] == [(0, 51), (52, 100)]


def test_crossing_close_by_does_not_swap_two_faces():
    left = [(f, 100 + f, 50, 40) for f in range(0, 100, 2)]
    right = [(f, 250 - f, 78, 40) for f in range(0, 100, 2)]
    tracks = tracked(detections([*left, *right]))

    assert len(tracks) == 2
    assert {float(t.boxes[98, 0]) for t in tracks} == {198.0, 152.0}
    assert all(abs(float(t.boxes[98, 1] - t.boxes[0, 1])) < 1 for t in tracks)


def test_two_people_who_cross_keep_their_tracks_though_one_is_hidden():
    frames = range(0, 100, 2)
    front = [(f, 50 + 3 * f, 50, 40) for f in frames]
    behind = [(f, 350 - 3 * f, 54, 40) for f in frames]
    hidden = {f for f, x, *_ in behind if abs(50 + 3 * f - x) < 40}
    tracks = tracked(detections([*front, *(row for row in behind if row[0] not in hidden)]))

    assert len(hidden) >= 6
    assert [(t.start, t.range.end) for t in tracks] == [(0, 100)] * 2
    assert tracks[0].boxes[[0, 98], 0].tolist() == [50, 344]
    assert tracks[1].boxes[[0, 98], 0].tolist() == [350, 56]


def test_a_walker_hidden_for_a_second_keeps_the_track_along_the_way():
    def walk(back_at):
        rows = [(f, 100 + 2 * f, 50, 60) for f in range(0, 40, 2)]
        rows += [(f, back_at + 2 * (f - 66), 50, 60) for f in range(66, 100, 2)]
        return [(t.start, t.range.end) for t in tracked(detections(rows))]

    assert walk(100 + 2 * 66) == [(0, 100)]
    assert walk(100) == [(0, 40), (66, 100)]


def test_somebody_in_front_keeps_the_track_while_somebody_walks_past_behind():
    frames = range(0, 100, 2)
    sitting = [(f, 300 + (6 if f % 4 else -6), 50, 80) for f in frames]
    walking = [(f, 50 + 5 * f, 50, 80) for f in frames if abs(50 + 5 * f - 300) > 65]
    tracks = tracked(detections([*sitting, *walking]))

    assert [(t.start, t.range.end) for t in tracks] == [(0, 100)] * 2
    assert tracks[0].boxes[[0, 98], 0].tolist() == [50, 540]
    assert abs(tracks[1].boxes[:, 0] - 300).max() == 6


def test_touching_faces_that_vanish_in_turn_do_not_swap_tracks():
    frames = range(0, 100, 2)
    left = [(f, 100, 50, 80) for f in frames if not 30 <= f < 50]
    right = [(f, 175, 55, 80) for f in frames if not 50 <= f < 70]
    tracks = tracked(detections([*left, *right]))

    assert [(t.start, t.range.end) for t in tracks] == [(0, 100)] * 2
    assert [set(t.boxes[:, 0].tolist()) for t in tracks] == [{100.0}, {175.0}]


def test_a_profile_of_low_confidence_continues_a_track_and_begins_none():
    rows = [(f, 100, 50, 80, 0.3 if 50 <= f < 125 else 0.9) for f in range(0, 200, 2)]
    rows += [(f, 400, 50, 80, 0.45) for f in range(0, 200, 2)]
    (track,) = tracked(detections(rows, detected_frames=range(0, 200, 2)), end=200)

    assert (track.start, track.range.end) == (0, 200)
    assert track.has_detection[::2].all()


def test_a_track_begins_at_its_first_confident_detection():
    (track,) = tracked(
        detections([(f, 100, 50, 80, 0.9 if f >= 20 else 0.4) for f in range(0, 100, 2)])
    )

    assert (track.start, track.range.end) == (20, 100)


def test_confident_detections_are_assigned_first():
    rows = [(f, 100, 50, 80) for f in range(0, 50, 2)]
    rows += [(f, 125, 50, 80) for f in range(50, 100, 2)]
    rows += [(f, 100, 50, 80, 0.4) for f in range(50, 100, 2)]
    (track,) = tracked(detections(rows))

    assert track.boxes[60, 0] == 125


def test_a_profile_that_vanishes_for_3_seconds_ends_one_track_and_begins_another():
    rows = [(f, 100, 50, 80) for f in range(0, 200, 2) if not 50 <= f < 125]
    tracks = tracked(detections(rows, detected_frames=range(0, 200, 2)), end=200)

    assert [(t.start, t.range.end) for t in tracks] == [(0, 50), (126, 200)]


def test_a_box_that_jumps_in_size_is_ignored():
    frames = range(0, 100, 2)
    (track,) = tracked(detections([(f, 100, 50, 200 if f == 40 else 80) for f in frames]))

    assert (track.start, track.range.end) == (0, 100)
    assert track.boxes[40].tolist() == [100, 50, 180, 130]


def test_a_poster_is_dropped_and_a_small_listener_is_not():
    frames = range(0, 300, 2)
    large = [(f, 100, 50, 200) for f in frames]

    def beside(size, sway):
        rows = [*large, *((f, 600 + sway * size * np.sin(f / 40), 50, size) for f in frames)]
        return len(tracked(detections(rows, detected_frames=frames), end=300))

    assert beside(40, 0) == 1
    assert beside(40, 0.05) == 2
    assert beside(60, 0) == 2


def test_a_small_face_that_is_still_for_a_few_seconds_stays():
    frames = range(0, 100, 2)

    assert (
        len(tracked(detections([(f, x, 50, s) for f in frames for x, s in ((0, 200), (600, 40))])))
        == 2
    )


def test_an_occasional_second_box_on_a_more_confident_head_is_dropped():
    frames = range(0, 100, 2)
    head = [(f, 100, 50, 80) for f in frames]

    def beside(left, confidence, often):
        return len(
            tracked(
                detections(
                    [*head, *((f, left, 50, 80, confidence) for f in frames if f % often == 0)]
                )
            )
        )

    assert beside(150, 0.9, 6) == 1
    assert beside(150, 0.9, 4) == 1  # in every second look
    assert beside(150, 0.9, 2) == 2  # in every look, as somebody behind a shoulder is
    assert beside(170, 0.9, 4) == 2  # and beside it, cheek to cheek
    assert beside(200, 0.9, 6) == 2
    assert beside(150, 1.0, 6) == 2

    flicker = [(f, 100, 50, 80) for f in range(0, 300, 2) if f % 30 == 0]  # no face itself
    face = [(f, 150, 50, 80, 0.9) for f in range(120, 200, 2) if f % 6 == 0]
    tracks = tracked(detections([*flicker, *face], detected_frames=range(0, 300, 2)), end=300)
    assert [t.boxes[0, 0] for t in tracks] == [150]


def test_a_head_that_jumps_is_one_track_despite_doubtful_boxes_at_its_old_place():
    frames = range(0, 200, 2)
    rows = [(f, 100, 50, 80) for f in frames if f < 100]
    rows += [(f, 100, 50, 80, 0.4) for f in (100, 102)]
    rows += [(f, 152, 50, 80) for f in frames if f >= 100]
    (track,) = tracked(detections(rows, detected_frames=frames), end=200)

    assert (track.start, track.range.end) == (0, 200)
    assert track.boxes[[98, 100], 0].tolist() == [100, 152]


def test_the_work_grows_with_the_tracks_and_not_with_their_square(monkeypatch):
    cuts, end = range(20, 1200, 20), 1200
    rows = [(n, 100 + 200 * face, 100, 60) for n in range(0, end, 2) for face in range(2)]
    interpolate, frames = DetectionBuffer.interpolate, []

    def counted(detections, start, end):
        frames.append(end - start)
        return interpolate(detections, start, end)

    monkeypatch.setattr(DetectionBuffer, "interpolate", counted)

    tracks = tracked(detections(rows, detected_frames=range(0, end, 2), cuts=cuts), end)
    assert len(tracks) == 2 * (len(cuts) + 1)
    assert 2 * end <= sum(frames) <= 4 * 2 * end


def test_a_pattern_that_is_a_face_only_at_times_is_dropped():
    frames = range(0, 300, 2)
    flicker = [(f, 300, 50, 80) for f in frames if f % 28 == 0]
    mostly_doubtful = [(f, 600, 50, 80, 0.9 if f % 28 == 0 else 0.4) for f in frames]

    assert tracked(detections([*flicker, *mostly_doubtful], detected_frames=frames), end=300) == ()


@settings(deadline=None)  # a busy machine is not a slow function
@given(walks(), st.data())
def test_people_apart_have_one_track_each_despite_short_gaps(video_tracks, data):
    frames = range(0, 100, 2)
    rows = []
    for top, lefts in video_tracks:
        gap = data.draw(st.integers(4, 40).map(lambda first: range(first, first + 24)))
        rows += [(f, lefts[f], top, 60) for f in frames if f not in gap]
    tracks = tracked(detections(rows))

    assert sorted(float(t.boxes[0, 1]) for t in tracks) == [top for top, _ in video_tracks]
    assert all((t.start, t.range.end) == (0, 100) for t in tracks)
    assert all(np.ptp(t.boxes[:, 1]) == 0 for t in tracks)


@settings(deadline=None)  # a busy machine is not a slow function
@given(
    st.lists(
        st.tuples(
            st.integers(0, 49).map(lambda n: 2 * n),
            st.integers(0, 300), st.integers(0, 200), st.integers(10, 120), st.floats(0.3, 1),
        ),
        max_size=60,
    ),
    st.sets(st.integers(1, 99), max_size=3).map(sorted),
)  # fmt: skip
def test_no_track_crosses_a_cut_or_leaves_the_range_and_no_box_is_used_twice(rows, cuts):
    tracks = tracked(detections(rows, cuts=cuts))

    assert all(t.start >= 0 and t.range.end <= 100 and len(t.boxes) >= 10 for t in tracks)
    assert not any(t.start < cut < t.range.end for t in tracks for cut in cuts)
    assert all(t.has_detection[0] for t in tracks)
    assert sum(t.has_detection.sum() for t in tracks) <= len(rows)


def test_a_flash_of_a_face_is_no_track():
    assert tracked(detections([(f, 10, 10, 40) for f in (10, 12, 14)])) == ()
    assert tracked(detections([])) == ()


def test_fast_resizing_is_nearly_area_averaging():
    """Fine stripes turn grey; taking single pixels of them would leave stripes."""
    fine = np.zeros((540, 960, 3), np.uint8)
    fine[:, ::2] = 255
    small = resize_fast(fine, (256, 144))
    noise = np.random.default_rng(1).integers(0, 255, (288, 480, 3), np.uint8)
    last = resize_fast(noise, (256, 154)).astype(float)
    nearest = cv2.resize(noise, (256, 154), interpolation=cv2.INTER_NEAREST).astype(float)

    assert small.shape == (144, 256, 3)
    assert np.ptp(small[:, 4:-4]) <= 2
    assert last.std() < 0.8 * nearest.std()  # the last step mixes neighbours too


@pytest.mark.parametrize(
    ("size", "detector_input"),
    [((3840, 2160), (960, 540)), ((1080, 1920), (540, 960)), ((320, 180), (320, 180))],
)
def test_the_detector_gets_a_fixed_size_and_never_an_upscaled_frame(size, detector_input):
    assert detector_size(Media(Path("/talk.mp4"), RATE, 10, size)) == detector_input
