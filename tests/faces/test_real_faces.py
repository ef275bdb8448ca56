"""Real faces, moved over a wall: detected, tracked and kept apart."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from otio_speakerzoom.errors import WeightsError
from otio_speakerzoom.faces.detect import detect_faces
from otio_speakerzoom.faces.detectors.blazeface import BlazeFace
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.faces.track import track_faces
from otio_speakerzoom.model import Media
from otio_speakerzoom.weights import fetch

SAMPLE = Path(__file__).parents[2] / "samples" / "two_talkers.mp4"
WIDTH, HEIGHT = 640, 360
WALK = 3  # pixels a frame
FRAMES = 150
HIDDEN = range(70, 95)  # 1 s, in which the first is behind something
AWAY = range(80, 115)  # longer than a track waits


@pytest.fixture(scope="module")
def detector():
    try:
        with BlazeFace(fetch.need("blazeface-full-range")) as opened:
            yield opened
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def heads(detector):
    """Two people's heads from the sample, each 90 pixels wide, with some of what is around."""
    with av.open(str(SAMPLE)) as film:
        whole = next(film.decode(video=0)).to_ndarray(format="rgb24")
    boxes, _ = detector(whole)
    cut = []
    for left, top, right, bottom in boxes[np.argsort(boxes[:, 0])]:
        side = 1.5 * (bottom - top)
        x, y = (left + right - side) / 2, (top + bottom - side) / 2
        x, y, side = round(max(0, x)), round(max(0, y)), round(side)
        part = whole[y : y + side, x : x + side]
        cut.append(cv2.resize(part, (100, 100), interpolation=cv2.INTER_AREA))
    return cut


def places(frame, tops):
    """Left and top of each head in `frame`; None where it is not there."""
    left = (40 + WALK * frame, tops[0])
    right = (320 - WALK * frame if frame < AWAY.start else WALK * frame - 300, tops[1])
    return left if frame not in HIDDEN else None, right if frame not in AWAY else None


def film(heads, tops):
    """They cross, the second in front; then the first is hidden, and the second leaves."""
    for frame in range(FRAMES):
        image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        for head, place in zip(heads, places(frame, tops), strict=True):
            if place is None:
                continue
            x, y = place
            there = np.clip([x, x + 100], 0, WIDTH)
            image[y : y + 100, there[0] : there[1]] = head[:, there[0] - x : there[1] - x]
        yield SearchFrame.of_array(frame, image)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("tops", "expected"),
    [((90, 170), [0, 1, 1]), ((130, 135), [0, 0, 1, 1])],
    ids=["face above face", "face behind face"],
)
def test_two_who_cross_leave_and_hide_keep_their_tracks(detector, heads, tops, expected):
    """Whoever was quite hidden may come back as a new track, but never as the other person."""
    media = Media(Path("/walk.mp4"), Fraction(25), FRAMES, (WIDTH, HEIGHT))
    detections = detect_faces(film(heads, tops), media, detector)
    tracks = track_faces(detections, media.rate, media.range)
    owners = []
    for track in tracks:
        heads_here = set()
        for n, box in enumerate(track.boxes):
            if not track.has_detection[n]:
                continue
            middle = (box[0] + box[2]) / 2
            there = [
                place and abs(place[0] + 50 - middle) for place in places(track.start + n, tops)
            ]
            apart = [distance for distance in there if distance is not None]
            if len(apart) == 2 and max(apart) - min(apart) < 60:
                continue  # they lie over each other, so it may be either
            heads_here.add(there.index(min(apart)))
        owners.append(heads_here)

    assert all(len(owner) == 1 for owner in owners)
    assert sorted(owner.pop() for owner in owners) == expected
    assert not len(detections.camera_cuts)
