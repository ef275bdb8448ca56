"""Camera cuts, tracks and people, on worlds made by hand; the detector has its own file."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from otio_speakerzoom.faces.camera_cuts import CameraCuts
from otio_speakerzoom.faces.detect import detect_faces, looked_at_size
from otio_speakerzoom.faces.people import group_people
from otio_speakerzoom.faces.track import overlaps, track_faces
from otio_speakerzoom.model import Detections, FaceTrack, FrameRange, Media

RATE = Fraction(25)


def seen(rows, *, looked_at=range(0, 100, 2), cuts=()):
    """Detections from (frame, left, top, size) rows."""
    rows = sorted(rows)
    boxes = [(left, top, left + size, top + size) for _, left, top, size in rows]
    return Detections(
        np.array([row[0] for row in rows], np.int32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(len(rows), np.float32),
        np.array(looked_at, np.int32),
        np.array(cuts, np.int32),
    )


def tracked(detections):
    return track_faces(detections, RATE, FrameRange(0, 100))


def test_two_faces_give_two_tracks_in_order_from_the_left():
    found = tracked(seen([(f, x, 50, 40) for f in range(0, 100, 2) for x in (300 - f, 100)]))

    assert [(t.id, t.start, len(t.boxes)) for t in found] == [(1, 0, 100), (2, 0, 100)]
    assert found[0].boxes[:, 0].tolist() == [100] * 100
    assert found[1].boxes[:99, 0] == pytest.approx(300 - np.arange(99))


def test_boxes_between_two_looks_are_interpolated_and_said_to_be():
    (track,) = tracked(seen([(f, f, 0, 80) for f in range(0, 100, 2)]))

    assert track.seen.tolist() == [True, False] * 50
    assert track.boxes[31].tolist() == [31, 0, 111, 80]


def test_a_face_missed_for_a_moment_stays_one_track_and_for_long_becomes_two():
    def with_a_hole(first, last):
        rows = [(f, 10, 10, 40) for f in range(0, 100, 2) if not first <= f < last]
        return [(t.start, t.range.end) for t in tracked(seen(rows))]

    assert with_a_hole(40, 50) == [(0, 100)]
    assert with_a_hole(40, 60) == [(0, 40), (60, 100)]


def test_tracks_end_at_camera_cuts_to_the_frame():
    rows = [(f, 10, 10, 40) for f in range(0, 100, 2)]
    found = tracked(seen(rows, cuts=[51]))

    assert [(t.start, t.range.end) for t in found] == [(0, 51), (52, 100)]


def test_crossing_close_by_does_not_swap_two_faces():
    left = [(f, 100 + f, 50, 40) for f in range(0, 100, 2)]
    right = [(f, 250 - f, 78, 40) for f in range(0, 100, 2)]
    found = tracked(seen([*left, *right]))

    assert len(found) == 2
    assert {float(t.boxes[98, 0]) for t in found} == {198.0, 152.0}
    assert all(abs(float(t.boxes[98, 1] - t.boxes[0, 1])) < 1 for t in found)


def test_a_flash_of_a_face_is_no_track():
    assert tracked(seen([(f, 10, 10, 40) for f in (10, 12, 14)])) == ()
    assert tracked(seen([])) == ()


def test_overlap_is_intersection_over_union():
    a = np.array([[0, 0, 10, 10]], np.float32)
    b = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 10, 10]], np.float32)

    assert overlaps(a, b).tolist() == pytest.approx(np.array([[1 / 3, 0, 1]]))


def track(number, start, left, length=50):
    box = np.array([left, 100, left + 80, 200], np.float32)
    return FaceTrack(number, start, np.tile(box, (length, 1)), np.ones(length, bool))


def members(tracks, cuts=()):
    return [p.track_ids for p in group_people(tracks, np.array(cuts, np.int32))]


def test_who_comes_back_to_the_same_place_is_the_same_person():
    assert members([track(1, 0, 100), track(2, 80, 130), track(3, 80, 600)]) == [(1, 2), (3,)]


def test_faces_seen_at_the_same_time_are_never_one_person():
    assert members([track(1, 0, 100), track(2, 49, 100)]) == [(1,), (2,)]


def test_across_a_camera_cut_only_the_same_angle_joins():
    assert members([track(1, 0, 100), track(2, 60, 140)], cuts=[55]) == [(1,), (2,)]
    assert members([track(1, 0, 100), track(2, 60, 104)], cuts=[55]) == [(1, 2)]


def test_a_cut_between_two_pictures_is_found_to_the_frame_and_a_pan_is_not():
    rng = np.random.default_rng(3)
    one, two = (rng.integers(0, 255, (18, 64, 3), np.uint8).repeat(5, 0).repeat(5, 1) for _ in "ab")
    cuts = CameraCuts(RATE)
    for frame in range(40):
        picture = np.roll(one, frame, axis=1) if frame < 23 else two
        cuts.see(frame, picture)

    assert cuts.finish().tolist() == [23]


def test_detection_looks_at_half_of_25_fps_and_speaks_in_source_pixels():
    media = Media(Path("/talk.mp4"), RATE, 10, (1920, 1080))
    picture = np.zeros((270, 480, 3), np.uint8)
    told = []

    def one_face(picture):
        return np.array([[10, 20, 30, 50]], np.float32), np.array([0.9], np.float32)

    found = detect_faces(
        ((n, picture) for n in range(10)), media, one_face, on_progress=lambda *p: told.append(p)
    )

    assert found.looked_at.tolist() == found.frames.tolist() == [0, 2, 4, 6, 8]
    assert found.boxes[0].tolist() == [40, 80, 120, 200]
    assert told[-1] == (10, 10)


@pytest.mark.parametrize(
    ("size", "looked_at"),
    [((3840, 2160), (960, 540)), ((1080, 1920), (540, 960)), ((320, 180), (320, 180))],
)
def test_the_detector_sees_a_fixed_size_and_never_an_enlarged_picture(size, looked_at):
    assert looked_at_size(Media(Path("/talk.mp4"), RATE, 10, size)) == looked_at
