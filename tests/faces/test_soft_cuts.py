"""Soft transitions from one picture to another are cuts of the source; what only moves is none."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from otio_speakerzoom.faces.detect import FaceDetection, detect_faces
from otio_speakerzoom.faces.detectors.blazeface import BlazeFace
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.faces.soft_cuts import SoftCuts, sample_step, thumbnail
from otio_speakerzoom.faces.track import track_faces
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.weights import fetch

SIZE = (320, 180)
REST = 30
"""Frames before and after what happens: 1.2 s."""
SAMPLE = Path(__file__).parents[2] / "samples" / "two_talkers.mp4"


def picture(seed):
    """Return a picture with large and small parts, which a pan does not show as a mix."""
    rng = np.random.default_rng(seed)
    coarse, fine = (
        cv2.resize(rng.integers(0, 256, (height, 2 * height, 3), np.uint8), (640, 360),
                   interpolation=cv2.INTER_NEAREST)
        for height in (5, 24)
    )  # fmt: skip
    return cv2.addWeighted(coarse, 0.6, fine, 0.4, 0)


ONE, OTHER = picture(1), picture(2)


def view(whole, left=160.0, top=90.0, zoom=1.0):
    """Return the part of a picture at half its size, from a point on."""
    matrix = np.float32([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
    return cv2.warpAffine(whole, matrix, SIZE, borderMode=cv2.BORDER_REFLECT)


def mix(a, b, share):
    return cv2.addWeighted(a, 1 - share, b, share, 0)


def film(event, frames):
    """Return a film in which `event`, of a share from 0 to 1, takes so many frames."""
    shares = [0.0] * REST + [n / (frames + 1) for n in range(1, frames + 1)] + [1.0] * REST
    return [event(share) for share in shares]


def new(frames, rate=25, detector=None):
    media = Media(Path("/talk.mp4"), Fraction(rate), len(frames), SIZE)
    nothing = np.empty((0, 4), np.float32), np.empty(0, np.float32)
    return FaceDetection(media, detector or (lambda frame: nothing))


def push(detection, frames, start=0):
    for number in range(start, len(frames)):
        known = list(detection.cuts), detection.settled_end
        detection.push(SearchFrame.of_array(number, frames[number]))
        assert [cut for cut in detection.cuts if cut < known[1]] == [
            cut for cut in known[0] if cut < known[1]
        ]  # a cut is never before what was settled
    detection.finish()


def cuts_of(frames, rate=25):
    """Soft cuts alone: whether a sudden change is a hard one is another rule."""
    soft, step = SoftCuts(Fraction(rate)), sample_step(Fraction(rate))
    found = [soft.push(n, thumbnail(frames[n])) for n in range(0, len(frames), step)]
    return [cut for cut in found if cut is not None]


def dissolve(share):
    return mix(view(ONE), view(OTHER), share)


def dip_to(level):
    colour = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)

    def dip(share):
        if share < 0.5:
            return mix(view(ONE), colour, 2 * share)
        return mix(colour, view(OTHER), 2 * share - 1)

    return dip


def moving(share):
    """Dissolve while both pictures move on, as people do."""
    return mix(view(ONE, 160 + 6 * share), view(OTHER, 160 - 6 * share), share)


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), 25, 50])
@pytest.mark.parametrize("event", [dissolve, dip_to(0), dip_to(255), moving])
@pytest.mark.parametrize("seconds", [0.4, 1, 2])
def test_a_soft_transition_is_one_cut_near_its_middle(rate, event, seconds):
    frames = film(event, round(seconds * rate))
    (cut,) = cuts_of(frames, rate)

    assert abs(cut - len(frames) / 2) <= (0.1 + seconds / 6) * rate


def test_a_fade_that_is_eased_is_a_cut_and_two_of_them_are_two():
    eased = film(lambda share: dissolve(share * share * (3 - 2 * share)), 20)
    frames = [*eased, *eased[::-1]]

    assert len(cuts_of(frames)) == 2


def person(share):
    """Somebody walks through the picture."""
    frame = view(ONE).copy()
    left = round(-120 + 440 * share)
    part = view(OTHER)[30:, max(0, -left) : 120]
    frame[30:, max(0, left) : left + 120] = part[:, : max(0, 320 - max(0, left))]
    return frame


NOTHING = {
    "pan": lambda share: view(ONE, 40 + 240 * share),
    "zoom": lambda share: view(ONE, 160 * share, 90 * share, 1 + share),
    "flash": lambda share: cv2.add(view(ONE), (255.0 * (0.4 < share < 0.6),) * 4),
    "light": lambda share: cv2.convertScaleAbs(view(ONE), alpha=0.2 + 0.8 * share),
    "the same after black": lambda share: cv2.convertScaleAbs(view(ONE), alpha=abs(1 - 2 * share)),
    "focus": lambda share: cv2.GaussianBlur(view(ONE), (0, 0), 0.1 + 12 * share),
    "walk": person,
    "fade in": lambda share: cv2.convertScaleAbs(view(ONE), alpha=share),
    "fade out": lambda share: cv2.convertScaleAbs(view(ONE), alpha=1 - share),
}


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("frames", [7, 25, 60])
def test_what_moves_or_changes_its_light_is_no_cut(name, frames):
    assert cuts_of(film(NOTHING[name], frames)) == []


def test_pulses_of_two_frames_are_no_cut():
    blocks = cv2.resize(cv2.resize(view(ONE), (20, 12)), SIZE)
    assert cuts_of([blocks if n % 12 < 2 else view(ONE) for n in range(120)]) == []


def test_a_hard_cut_stays_the_only_cut_there():
    frames = [view(ONE)] * 40 + [view(OTHER)] * 40
    assert cuts_of(frames) == []

    detection = new(frames)
    push(detection, frames)
    assert list(detection.cuts) == [40]


def three_pictures():
    third = film(lambda share: mix(view(OTHER), view(picture(3)), share), 17)
    return [*film(dissolve, 12), *third[REST:-10], *film(NOTHING["pan"], 5)]


def test_a_detection_that_goes_on_has_the_same_cuts():
    frames = three_pictures()
    whole = new(frames)
    push(whole, frames)
    assert len(whole.cuts) == 3  # two soft ones, and the hard one to the pan
    for at in (8, REST + 2, REST + 14, REST + 22, 2 * REST + 20, 160):
        detection = new(frames)
        detection.extend((), whole.changes[:at], whole.thumbnails(0, at))
        push(detection, frames, max(0, at - 1))

        assert list(detection.cuts) == list(whole.cuts), at
        assert np.array_equal(detection.thumbnails(0, at), whole.thumbnails(0, at))


def test_faces_after_a_cut_that_may_follow_are_held_back():
    frames = film(dissolve, 20)
    detection, at = new(frames), REST + 14
    for number in range(at + 4):
        detection.push(SearchFrame.of_array(number, frames[number]))

    assert detection.settled_end <= REST + 10 < at
    still = new([view(ONE)] * 60)
    push(still, [view(ONE)] * 60)
    assert still.settled_end == 60


@pytest.fixture(scope="module")
def blazeface():
    with BlazeFace(fetch.need("blazeface-full-range")) as detector:
        yield detector


def talkers(detector):
    """Return a close shot of each person of the sample, with the face in the same place."""
    with av.open(SAMPLE) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    boxes = detector(cv2.resize(frame, (960, 540)))[0] * 2
    shots = []
    for left, top, right, bottom in sorted(boxes.tolist()):
        side, x, y = right - left, (left + right) / 2, (top + bottom) / 2
        scale = 60 / side
        matrix = np.float32([[scale, 0, 160 - x * scale], [0, scale, 90 - y * scale]])
        shots.append(cv2.warpAffine(frame, matrix, SIZE, flags=cv2.INTER_AREA))
    return shots


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_two_people_who_dissolve_into_one_another_are_two_tracks(blazeface, seconds):
    one, other = talkers(blazeface)
    length = round(25 * seconds)
    frames = film(lambda share: mix(one, other, share), length)
    media = Media(Path("/talk.mp4"), Fraction(25), len(frames), SIZE)
    numbered = (SearchFrame.of_array(n, frame) for n, frame in enumerate(frames))
    detections = detect_faces(numbered, media, blazeface)
    tracks = track_faces(detections, media.rate, media.range)

    (cut,) = detections.camera_cuts.tolist()
    assert REST < cut <= REST + length
    assert [track.range for track in tracks] == [FrameRange(0, cut), FrameRange(cut, len(frames))]


@pytest.mark.parametrize("name", ["pan", "zoom", "walk"])
def test_faces_wait_four_frames_at_most_once_the_picture_stands_still(name):
    frames = film(NOTHING[name], 60)
    soft, step = SoftCuts(Fraction(25)), sample_step(Fraction(25))
    waits = []
    for number in range(0, len(frames), step):
        soft.push(number, thumbnail(frames[number]))
        waits.append(0 if soft.open_from is None else number - soft.open_from)

    assert max(waits) > 4
    assert max(waits[-(REST // step) + 5 :]) <= 4
