"""Where the detector looks, and what follows faces between looks, on pictures made by hand."""

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
from otio_speakerzoom.faces.detect import detect_faces, detector_size
from otio_speakerzoom.faces.detectors.blazeface import BlazeFace
from otio_speakerzoom.faces.opencv_trackers import AVAILABLE_TRACKERS, track_boxes
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.weights import fetch

SAMPLES = Path(__file__).parents[2] / "samples"
FOLLOWING = [name for name in AVAILABLE_TRACKERS if name != "iou"]
NO_FACE = np.empty((0, 4), np.float32)


def source(*, rate=25, duration=100, size=(1920, 1080)):
    return Media(Path("/talk.mp4"), Fraction(rate), duration, size)


def numbered(frames):
    """Pictures that say in every pixel which frame they are."""
    return ((n, np.full((54, 96, 3), n, np.uint8)) for n in frames)


def face_at(left):
    return np.array([[left, 10, left + 20, 34]], np.float32)


def seeing(boxes_in):
    """A detector that sees `boxes_in(frame)` in a numbered picture, as surely as it says."""

    def look(picture):
        frame = int(picture[0, 0, 0])
        boxes = boxes_in(frame)
        return boxes, np.full(len(boxes), frame / 255, np.float32)

    return look


def detected_frames(boxes_in, *, frames=range(30), **options):
    found = detect_faces(numbered(frames), source(), seeing(boxes_in), **options)
    return found.detected_frames.tolist()


@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_every_nth_frame_of_the_range_is_looked_at(every):
    within = FrameRange(11, 40)
    jumping = [face_at(left) for left in (0, 70)]

    looks = detected_frames(
        lambda frame: jumping[frame % 2], frames=range(11, 40), within=within, every=every
    )

    assert looks == list(range(11, 40, every))


def test_every_counts_from_one():
    with pytest.raises(ValueError, match="at least 1 frame, got 0"):
        detected_frames(lambda _: NO_FACE, every=0)


@pytest.mark.parametrize(
    ("rate", "step"), [("24000/1001", 2), (25, 2), ("30000/1001", 2), (50, 4), (4, 1)]
)
@pytest.mark.parametrize("boxes", [NO_FACE, face_at(10)])
def test_faces_are_looked_at_twelve_times_a_second(rate, step, boxes):
    found = detect_faces(numbered(range(41)), source(rate=rate), seeing(lambda _: boxes))

    assert found.detected_frames.tolist() == list(range(0, 41, step))


def test_boxes_are_in_source_pixels_each_with_its_frame_and_confidence():
    found = detect_faces(
        numbered(range(16)), source(), seeing(lambda frame: face_at(0 if frame < 13 else 50))
    )

    assert found.frames.tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert found.boxes[:, 0].tolist() == [0] * 7 + [1000]
    assert found.boxes[-1].tolist() == [1000, 200, 1400, 680]
    assert found.confidences == pytest.approx(found.frames / 255)


def test_no_picture_gives_no_face():
    assert (
        len(detect_faces((), source(), seeing(lambda _: NO_FACE), tracker="mil").detected_frames)
        == 0
    )


@pytest.mark.parametrize("size", [(960, 540), (540, 960), (300, 300), (101, 57), (513, 288)])
def test_a_cut_is_found_to_the_frame_at_any_size(size):
    rng = np.random.default_rng(3)
    one, two = (
        cv2.resize(rng.integers(0, 255, (9, 16, 3), np.uint8), size, interpolation=cv2.INTER_AREA)
        for _ in "ab"
    )
    pictures = ((n, one if n < 23 else two) for n in range(40))
    found = detect_faces(pictures, source(), lambda _: (NO_FACE, np.empty(0, np.float32)))

    assert found.camera_cuts.tolist() == [23]


def texture(seed, shape):
    """Blurred noise over the whole range, in which a tracker finds its way."""
    noise = np.random.default_rng(seed).integers(0, 255, (*shape, 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), None, 0, 255, cv2.NORM_MINMAX)


def square_at(frame):
    """Left, top, right, bottom of a square that moves by 3 and 1 pixels a frame."""
    return np.array([[40 + 3 * frame, 60 + frame, 120 + 3 * frame, 140 + frame]], np.float32)


def moving_square(frames, *, cut=None):
    """A square before a wall; from `cut` on, another wall and no square."""
    wall, other, square = texture(1, (240, 320)), texture(2, (240, 320)), texture(3, (80, 80))
    for frame in frames:
        left, top, right, bottom = map(int, square_at(frame)[0])
        picture = (other if cut is not None and frame >= cut else wall).copy()
        if cut is None or frame < cut:
            picture[top:bottom, left:right] = square
        yield frame, picture


def square_seen_every_fifth(tracker, *, cut=None):
    """The square looked at in frames 0, 5 and 10, and what `tracker` makes of it in between."""
    looks = iter(range(0, 15, 5))

    def look(_):
        frame = next(looks)
        return square_at(frame), np.array([0.9 - frame / 100], np.float32)

    media = source(size=(640, 480))
    pictures = moving_square(range(14), cut=cut)
    return detect_faces(pictures, media, look, every=5, tracker=tracker)


@pytest.mark.parametrize("tracker", FOLLOWING)
def test_a_moving_square_is_followed_in_every_frame_between_looks(tracker):
    found = square_seen_every_fifth(tracker)
    truth = np.concatenate([square_at(frame) for frame in range(14)])

    assert found.detected_frames.tolist() == found.frames.tolist() == list(range(14))
    assert iou(found.boxes / 2, truth).min() > 0.75
    assert found.confidences == pytest.approx(0.9 - found.frames // 5 / 20)


@pytest.mark.parametrize("tracker", FOLLOWING)
def test_a_tracker_never_crosses_a_camera_cut(tracker):
    found = square_seen_every_fifth(tracker, cut=7)

    assert found.camera_cuts.tolist() == [7]
    assert [n for n in found.frames.tolist() if 5 <= n <= 10] == [5, 6, 10]
    assert [n for n in found.detected_frames.tolist() if 5 <= n <= 10] == [5, 6, 10]


@pytest.mark.parametrize("tracker", FOLLOWING)
def test_following_twice_gives_the_same_boxes(tracker):
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)
    pictures = [np.roll(noise, 3 * n, axis=1) for n in range(4)]  # MIL's luck shows in these
    boxes = np.array([[100, 50, 160, 120]], np.float32)
    once, again = (track_boxes(tracker, pictures, boxes) for _ in "ab")

    assert np.array_equal(once, again)


def test_without_a_tracker_nothing_is_seen_between_looks():
    assert square_seen_every_fifth("iou").detected_frames.tolist() == [0, 5, 10]


@pytest.mark.parametrize("tracker", FOLLOWING)
def test_what_of_a_face_lies_outside_the_picture_stays_with_it(tracker):
    wall = texture(1, (240, 360))
    pictures = [np.ascontiguousarray(wall[:, at : at + 320]) for at in (0, 4, 8)]
    followed = track_boxes(tracker, pictures, np.array([[260, -20, 350, 90]], np.float32))

    assert followed.shape == (2, 1, 4)
    assert followed[-1, 0] == pytest.approx([252, -20, 342, 90], abs=6)


@pytest.mark.parametrize("tracker", FOLLOWING)
def test_a_face_too_small_to_learn_from_is_lost(tracker):
    pictures = [texture(1, (240, 320))] * 3
    boxes = np.array([[-50, 10, 4, 60], [100, 100, 160, 180]], np.float32)
    followed = track_boxes(tracker, pictures, boxes)

    assert np.isnan(followed).all(axis=(0, 2)).tolist() == [True, False]


def test_a_tracker_that_this_opencv_lacks_is_told_in_one_line_before_anything_is_read():
    def unread():
        raise AssertionError("a picture was read")
        yield

    with pytest.raises(ToolError) as told:
        detect_faces(unread(), source(), seeing(lambda _: NO_FACE), tracker="nano")

    assert f"no tracker 'nano'; choose one of {', '.join(AVAILABLE_TRACKERS)}" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.weights
@pytest.mark.parametrize("tracker", FOLLOWING)
def test_the_talkers_of_the_sample_are_followed_between_looks(tracker):
    try:
        model = fetch.need("blazeface-full-range")
    except WeightsError as error:
        pytest.skip(str(error))
    known = json.loads((SAMPLES / "two_talkers.json").read_text(encoding="utf-8"))
    labels = np.array([face["box"] for face in known["faces"]], np.float32)
    media, within = source_file.probe(SAMPLES / "two_talkers.mp4"), FrameRange(0, 5)
    pictures = source_file.read_frames(media, size=detector_size(media), within=within)
    with BlazeFace(model) as detector, closing(pictures):
        found = detect_faces(pictures, media, detector, within=within, every=4, tracker=tracker)

    assert found.frames.tolist() == sorted([*range(5)] * 2)
    assert pairwise_iou(found.boxes, labels).max(axis=1).min() > 0.7
