"""Detection and visual tracking between detections, on synthetic frames."""

import json
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from otio_speakerzoom import source as source_file
from otio_speakerzoom.boxes import iou, pairwise_iou
from otio_speakerzoom.errors import ToolError, WeightsError
from otio_speakerzoom.faces.detect import FaceDetection, detect_faces, read_search_frames
from otio_speakerzoom.faces.detectors.blazeface import BlazeFace
from otio_speakerzoom.faces.opencv_trackers import AVAILABLE_TRACKERS, track_boxes
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.weights import fetch

SAMPLES = Path(__file__).parents[2] / "samples"
VISUAL_TRACKERS = [name for name in AVAILABLE_TRACKERS if name != "iou"]
NO_FACE = np.empty((0, 4), np.float32)


def source(*, rate=25, duration=100, size=(1920, 1080)):
    return Media(Path("/talk.mp4"), Fraction(rate), duration, size)


def numbered(frames):
    """Frames whose pixels are their index."""
    return (SearchFrame.of_array(n, np.full((54, 96, 3), n, np.uint8)) for n in frames)


def face_at(left):
    return np.array([[left, 10, left + 20, 34]], np.float32)


def detector_of(boxes_in):
    """A detector of `boxes_in(index)` in a numbered frame; its confidence grows with the index."""

    def detect(frame):
        index = int(frame[0, 0, 0])
        boxes = boxes_in(index)
        return boxes, np.full(len(boxes), index / 255, np.float32)

    return detect


def detected_frames(boxes_in, *, frames=range(30), **options):
    detections = detect_faces(numbered(frames), source(), detector_of(boxes_in), **options)
    return detections.detected_frames.tolist()


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_the_detector_runs_on_every_nth_frame_of_the_range(every):
    within = FrameRange(11, 40)
    jumping = [face_at(left) for left in (0, 70)]

    indices = detected_frames(
        lambda frame: jumping[frame % 2], frames=range(11, 40), within=within, every=every
    )

    assert indices == list(range(11, 40, every))


def test_every_counts_from_one():
    with pytest.raises(ValueError, match="at least 1 frame, got 0"):
        detected_frames(lambda _: NO_FACE, every=0)


@pytest.mark.parametrize(
    ("rate", "step"), [("24000/1001", 2), (25, 2), ("30000/1001", 2), (50, 4), (4, 1)]
)
@pytest.mark.parametrize("boxes", [NO_FACE, face_at(10)])
def test_the_detector_runs_twelve_times_a_second(rate, step, boxes):
    detections = detect_faces(numbered(range(41)), source(rate=rate), detector_of(lambda _: boxes))

    assert detections.detected_frames.tolist() == list(range(0, 41, step))


def test_boxes_are_in_source_pixels_each_with_its_frame_and_confidence():
    detections = detect_faces(
        numbered(range(16)), source(), detector_of(lambda frame: face_at(0 if frame < 13 else 50))
    )

    assert detections.frames.tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert detections.boxes[:, 0].tolist() == [0] * 7 + [1000]
    assert detections.boxes[-1].tolist() == [1000, 200, 1400, 680]
    assert detections.confidences == pytest.approx(detections.frames / 255)


@pytest.mark.parametrize("tracker", ["iou", VISUAL_TRACKERS[0]])
def test_a_detector_that_runs_ahead_runs_as_often_and_finds_the_same(tracker):
    def results(ahead):
        runs = []

        def detect(frame):
            runs.append(int(frame[0, 0, 0]))
            return face_at(10 + runs[-1]), np.full(1, 0.9, np.float32)

        detection = FaceDetection(source(), detect, every=3, tracker=tracker)
        frames = list(numbered(range(20)))
        for n in (6, 7, 12):  # the source repeats the frames before
            frames[n].small = frames[n - 1].small
        frames[9].small = frames[6].small
        if ahead:
            for frame in frames:
                detection.detect_ahead(frame)
            assert runs == [0, 3, 6, 12, 15, 18]
        rows = [row for frame in frames for row in detection.push(frame)] + detection.finish()
        return runs, [(row.frame, row.boxes.tolist()) for row in rows]

    assert results(ahead=True) == results(ahead=False)


def test_no_frame_gives_no_face():
    assert (
        len(
            detect_faces(
                (), source(), detector_of(lambda _: NO_FACE), tracker="mil"
            ).detected_frames
        )
        == 0
    )


@pytest.mark.parametrize("size", [(960, 540), (540, 960), (300, 300), (101, 57), (513, 288)])
def test_a_cut_is_detected_to_the_frame_at_any_size(size):
    rng = np.random.default_rng(3)
    one, two = (
        cv2.resize(rng.integers(0, 255, (9, 16, 3), np.uint8), size, interpolation=cv2.INTER_AREA)
        for _ in "ab"
    )
    frames = (SearchFrame.of_array(n, one if n < 23 else two) for n in range(40))
    detections = detect_faces(frames, source(), lambda _: (NO_FACE, np.empty(0, np.float32)))

    assert detections.camera_cuts.tolist() == [23]


def texture(seed, shape):
    """Blurred noise of full contrast, which a tracker can follow."""
    noise = np.random.default_rng(seed).integers(0, 255, (*shape, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


def square_at(frame):
    """Left, top, right, bottom of a square that moves by 3 and 1 pixels a frame."""
    return np.array([[40 + 3 * frame, 60 + frame, 120 + 3 * frame, 140 + frame]], np.float32)


def moving_square(frames, *, cut=None):
    """A square in front of a wall; from `cut` on, another wall without a square."""
    wall, other, square = texture(1, (240, 320)), texture(2, (240, 320)), texture(3, (80, 80))
    for frame in frames:
        left, top, right, bottom = map(int, square_at(frame)[0])
        image = (other if cut is not None and frame >= cut else wall).copy()
        if cut is None or frame < cut:
            image[top:bottom, left:right] = square
        yield SearchFrame.of_array(frame, image)


def square_detected_every_fifth(tracker, *, cut=None):
    """The square detected in frames 0, 5 and 10, and tracked in between."""
    indices = iter(range(0, 15, 5))

    def detect(_):
        frame = next(indices)
        return square_at(frame), np.array([0.9 - frame / 100], np.float32)

    media = source(size=(640, 480))
    frames = moving_square(range(14), cut=cut)
    return detect_faces(frames, media, detect, every=5, tracker=tracker)


@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_a_moving_square_is_tracked_in_every_frame_between_detections(tracker):
    detections = square_detected_every_fifth(tracker)
    truth = np.concatenate([square_at(frame) for frame in range(14)])

    assert detections.detected_frames.tolist() == detections.frames.tolist() == list(range(14))
    assert iou(detections.boxes / 2, truth).min() > 0.75
    assert detections.confidences == pytest.approx(0.9 - detections.frames // 5 / 20)


@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_a_tracker_never_crosses_a_camera_cut(tracker):
    detections = square_detected_every_fifth(tracker, cut=7)

    assert detections.camera_cuts.tolist() == [7]
    assert [n for n in detections.frames.tolist() if 5 <= n <= 10] == [5, 6, 10]
    assert [n for n in detections.detected_frames.tolist() if 5 <= n <= 10] == [5, 6, 10]


@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_tracking_twice_gives_the_same_boxes(tracker):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    frames = [np.roll(noise, 3 * n, axis=1) for n in range(4)]  # MIL's randomness shows in these
    boxes = np.array([[100, 50, 160, 120]], np.float32)
    once, again = (track_boxes(tracker, frames, boxes) for _ in "ab")

    assert np.array_equal(once, again)


def test_without_a_tracker_nothing_is_detected_in_between():
    assert square_detected_every_fifth("iou").detected_frames.tolist() == [0, 5, 10]


@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_the_part_of_a_face_outside_the_frame_moves_along(tracker):
    wall = texture(1, (240, 360))
    frames = [np.ascontiguousarray(wall[:, at : at + 320]) for at in (0, 4, 8)]
    boxes = track_boxes(tracker, frames, np.array([[260, -20, 350, 90]], np.float32))

    assert boxes.shape == (2, 1, 4)
    assert boxes[-1, 0] == pytest.approx([252, -20, 342, 90], abs=6)


@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_a_face_too_small_to_learn_from_is_lost(tracker):
    frames = [texture(1, (240, 320))] * 3
    boxes = np.array([[-50, 10, 4, 60], [100, 100, 160, 180]], np.float32)
    tracked = track_boxes(tracker, frames, boxes)

    assert np.isnan(tracked).all(axis=(0, 2)).tolist() == [True, False]


def test_a_tracker_that_this_opencv_lacks_is_refused_before_anything_is_read():
    def unread():
        raise AssertionError("a frame was read")
        yield

    with pytest.raises(ToolError) as error:
        detect_faces(unread(), source(), detector_of(lambda _: NO_FACE), tracker="nano")

    assert f"no tracker 'nano'; choose one of {', '.join(AVAILABLE_TRACKERS)}" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.weights
@pytest.mark.parametrize("tracker", VISUAL_TRACKERS)
def test_the_talkers_of_the_sample_are_tracked_between_detections(tracker):
    try:
        model = fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    truth = json.loads((SAMPLES / "two_talkers.json").read_text(encoding="utf-8"))
    labels = np.array([face["box"] for face in truth["faces"]], np.float32)
    media, within = source_file.probe(SAMPLES / "two_talkers.mp4"), FrameRange(0, 5)
    frames = read_search_frames(media, within)
    with BlazeFace(model) as detector, closing(frames):
        detections = detect_faces(frames, media, detector, within=within, every=4, tracker=tracker)

    assert detections.frames.tolist() == sorted([*range(5)] * 2)
    assert pairwise_iou(detections.boxes, labels).max(axis=1).min() > 0.7
