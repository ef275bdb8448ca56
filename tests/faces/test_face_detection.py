"""Faces that are detected frame by frame, interrupted or in parts, equal those of one run."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from otio_speakerzoom.faces import face_search
from otio_speakerzoom.faces.detect import (
    DetectionColumns,
    FaceDetection,
    detect_faces,
    detection_step,
)
from otio_speakerzoom.faces.face_search import FaceSearch
from otio_speakerzoom.faces.opencv_trackers import AVAILABLE_TRACKERS, track_boxes
from otio_speakerzoom.faces.search_frame import SearchFrame, small_size
from otio_speakerzoom.model import FrameRange, Media

START, END = 6, 46
CUTS = [13, 26, 31]
WITHIN = FrameRange(START, END)
STEPS = [("24000/1001", None), ("25", None), ("30000/1001", None), ("50", None), ("10", None),
         ("25", 7), ("25", 5)]  # fmt: skip
TRACKERS = ["iou", "mil"]


def track_fast(_, frames, boxes):
    """Follow the square at once, in place of a real tracker; lose the second face in odd frames."""
    numbers = [int(frame[0, 0, 0]) for frame in frames]
    rows = np.array([boxes + np.array([n - numbers[0], 0] * 2) for n in numbers[1:]])
    rows[np.array(numbers[1:]) % 2 == 1, 1:] = np.nan
    return rows.astype(np.float32)


@pytest.fixture(autouse=True)
def fast_tracker(monkeypatch):
    monkeypatch.setattr(face_search, "track_boxes", track_fast)


def source(rate):
    return Media(Path("/talk.mp4"), Fraction(rate), 60, (320, 240))


@cache
def film():
    """A square that moves in front of walls, another one after each cut."""
    walls = [cv2.resize(np.random.default_rng(n).integers(0, 255, (6, 8, 3), np.uint8), (160, 120))
             for n in range(4)]  # fmt: skip
    square = cv2.resize(np.random.default_rng(9).integers(0, 255, (9, 9, 3), np.uint8), (36, 36))
    frames = {}
    for number in range(60):
        frame = walls[sum(cut <= number for cut in CUTS)].copy()
        frame[40:76, number : number + 36] = square
        frame[0, 0] = number
        frames[number] = SearchFrame.of_array(number, frame)
    return frames


def detect(frame):
    """The square, and now and then a second face or none at all."""
    number = int(frame[0, 0, 0])
    boxes = np.array([[number, 40, number + 36, 76], [90, 10, 110, 31]], np.float32)
    boxes = boxes[: (2, 1, 1, 0, 2)[number % 5]]
    return boxes, np.float32([0.9, 0.6])[: len(boxes)] - np.float32(number / 500)


def new(rate, every, tracker):
    return FaceDetection(source(rate), detect, within=WITHIN, every=every, tracker=tracker)


def push(detection, numbers):
    return [row for number in numbers for row in detection.push(film()[number])]


def plain(faces):
    return [(row.frame, row.boxes.tolist(), row.confidences.tolist()) for row in faces]


def same_columns(a, b):
    names = ("frames", "boxes", "confidences", "detected_frames", "camera_cuts")
    columns = [(getattr(a, name), getattr(b, name)) for name in names]
    return all(np.array_equal(*pair) and pair[0].dtype == pair[1].dtype for pair in columns)


@cache
def uninterrupted(rate, every, tracker):
    detection = new(rate, every, tracker)
    faces = push(detection, range(START, END))
    return detection, [*faces, *detection.finish()]


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize(("rate", "every"), STEPS)
def test_pushed_frames_give_what_all_frames_give(rate, every, tracker):
    detection, faces = uninterrupted(rate, every, tracker)
    columns = DetectionColumns()
    columns.add(faces)
    frames = (film()[number] for number in range(START, END))
    whole = detect_faces(frames, source(rate), detect, within=WITHIN, every=every, tracker=tracker)

    assert same_columns(columns.detections(detection.cuts), whole)
    assert list(detection.cuts) == CUTS
    assert len(detection.changes) == END - START
    numbers = [row.frame for row in faces]
    assert numbers == sorted(set(numbers))
    step = detection_step(source(rate), every)
    assert set(range(START, END, step)) <= set(numbers)
    between = {n for n in numbers if (n - START) % step}
    assert bool(between) == (tracker != "iou" and step > 1)


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize(("rate", "every"), STEPS)
def test_faces_are_final_once_the_cuts_up_to_them_are_complete(rate, every, tracker):
    _, whole = uninterrupted(rate, every, tracker)
    detection, step = new(rate, every, tracker), detection_step(source(rate), every)
    faces = []
    for number in range(START, END):
        new_faces = detection.push(film()[number])
        for row in new_faces:
            assert [c for c in detection.cuts if c <= row.frame] == [
                c for c in CUTS if c <= row.frame
            ]
        faces += new_faces
        assert plain(faces) == plain(whole[: len(faces)])
        due = [row for row in whole if row.frame <= number - max(3, step)]
        assert len(faces) >= len(due)  # no later than they can be known


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize(("rate", "every"), STEPS)
def test_a_detection_that_was_interrupted_anywhere_goes_on_as_if_it_had_not_been(
    rate, every, tracker
):
    whole, faces = uninterrupted(rate, every, tracker)
    for at in range(START, END, detection_step(source(rate), every)):
        detection = new(rate, every, tracker)
        earlier = [row for row in faces if row.frame < at]
        resumed = detection.extend(
            earlier, whole.changes[: at - START], whole.thumbnails(START, at)
        )
        resumed += push(detection, range(max(START, at - 1), END))
        resumed += detection.finish()

        assert plain(resumed) == plain(faces), at
        assert detection.changes == whole.changes
        assert list(detection.cuts) == CUTS


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize(("rate", "every"), STEPS)
def test_parts_that_are_searched_apart_give_the_faces_of_one_run(rate, every, tracker):
    whole, faces = uninterrupted(rate, every, tracker)
    step = detection_step(source(rate), every)
    for at in range(START + step, END, step):
        detection, joined = new(rate, every, tracker), []
        for start, end in ((START, at), (at, END)):
            search = FaceSearch(source(rate), detect, start, step, tracker)
            part, changes = [], []
            for number in range(max(START, start - 1), end):
                new_faces, change = search.push(film()[number])
                part += new_faces
                changes += [change] if number >= start else []
            joined += detection.extend([*part, *search.finish()], changes)
        joined += detection.finish()

        assert plain(joined) == plain(faces), at
        assert list(detection.cuts) == CUTS
        assert detection.changes == whole.changes


@pytest.mark.parametrize("tracker", AVAILABLE_TRACKERS)
def test_an_interrupted_detection_with_a_real_tracker_goes_on_as_if_it_had_not_been(
    tracker, monkeypatch
):
    monkeypatch.setattr(face_search, "track_boxes", track_boxes)
    numbers, at = range(START, 18), 12
    whole = new("25", 3, tracker)
    faces = [*push(whole, numbers), *whole.finish()]
    detection = new("25", 3, tracker)
    resumed = detection.extend([r for r in faces if r.frame < at], whole.changes[: at - START])
    resumed += push(detection, range(at - 1, 18))
    resumed += detection.finish()

    assert plain(resumed) == plain(faces)
    assert [row.frame for row in faces] == (
        [6, 9, 12, 15] if tracker == "iou" else [6, 7, 8, 9, 10, 11, 12, 15, 16, 17]
    )


def test_a_detection_can_only_go_on_where_the_detector_runs():
    detection = new("25", None, "iou")
    detection.extend((), [0.0] * 5)

    with pytest.raises(ValueError, match="the detector does not run on frame 11"):
        detection.push(film()[10])


@pytest.mark.parametrize(("earlier", "number", "expected"), [(0, 7, 6), (4, 10, 9), (4, 8, 9)])
def test_a_frame_that_does_not_come_next_is_refused(earlier, number, expected):
    detection = new("25", None, "iou")
    detection.extend((), [0.0] * earlier)

    with pytest.raises(ValueError, match=f"expected frame {expected}, got {number}"):
        detection.push(film()[number])


def test_the_whole_source_is_the_default():
    media = replace(source("25"), duration=20)
    detection = FaceDetection(media, detect)
    faces = [*push(detection, range(20)), *detection.finish()]

    assert [row.frame for row in faces] == list(range(0, 20, 2))


def test_a_frame_that_the_source_repeats_is_searched_once():
    """As a screen recording repeats a still picture, and a file without some of its frames."""
    shown = [film()[number - number % 5] for number in range(START, END)]
    frames = [SearchFrame(n, frame.small, frame.rgb) for n, frame in enumerate(shown, START)]
    copies = [SearchFrame(f.number, f.small.copy(), f.rgb) for f in frames]
    searched = []

    def counted(frame):
        searched.append(int(frame[0, 0, 0]))
        return detect(frame)

    once = detect_faces(frames, source("25"), counted, within=WITHIN)
    count, searched = len(searched), []
    again = detect_faces(copies, source("25"), counted, within=WITHIN)

    assert same_columns(once, again)
    assert once.camera_cuts.tolist() == [15, 30, 35]
    assert count == 8 < len(searched) == 20


@pytest.mark.parametrize(
    ("size", "small"),
    [((1920, 1080), (256, 144)), ((1080, 1920), (256, 455)), ((3, 2000), (256, 1024)),
     ((2000, 3), (256, 1))],
)  # fmt: skip
def test_the_small_picture_of_a_narrow_frame_is_not_large(size, small):
    assert small_size(*size) == small
