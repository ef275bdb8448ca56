"""Crops between close neighbours: exactly where no slice of anybody else shows."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.boxes import share_inside
from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.framing import frame_single
from otio_speakerzoom.director.framing_faults import head_of
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_shots import frame_two
from otio_speakerzoom.director.visible_faces import VisibleFaces
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Media, Person, SpeechScores

SIZE = (1920, 1080)
LEAST_WIDTH = 768
"""Of a single on this canvas: 1920 / 2.5, the largest enlargement."""


def face(left, top=400, width=100):
    """(1, 4) a face half as high again as it is wide."""
    return np.array([[left, top, left + width, top + 1.5 * width]], np.float32)


def head(boxes):
    return head_of(boxes[0].astype(float))


def contains(crop, box):
    return Box.from_edges(box).lies_in(crop)


@given(
    st.integers(0, 700), st.integers(LEAST_WIDTH + 1, 1100), st.floats(0, 1), st.integers(-60, 60)
)
@settings(max_examples=200, deadline=None)
def test_a_single_between_two_heads_shows_its_own_as_a_whole_and_no_part_of_theirs(
    left_end, gap, place, lower
):
    left, right = face(left_end - 135, 400 + lower), face(left_end + gap + 35, 400 - lower)
    mine = face(left_end + 35 + place * (gap - 170))
    crop = frame_single(mine, [left, right], SIZE, SIZE, Style())
    shares = [share_inside(head(other), np.array(crop.edges)) for other in (left, right)]

    assert max(shares) <= 0.005  # half of the hundredth in which shares are compared
    assert contains(crop, head(mine))


@given(st.integers(800, 1020), st.integers(171, 600), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_single_beside_one_head_leaves_it_out_with_its_hair(x, apart, mirrored):
    other = x + (-apart if mirrored else apart)
    crop = frame_single(face(x), [face(other)], SIZE, SIZE, Style())

    assert share_inside(head(face(other)), np.array(crop.edges)) <= 0.005
    assert contains(crop, head(face(x)))


def test_a_single_moves_up_from_a_head_below_and_down_from_one_above():
    """As where one picture is above the other, or an inset above a large face."""
    upright = (1080, 1920)
    mine, below, above = face(400, 700), face(380, 1085, 150), face(420, 500, 80)
    canvas = (720, 1280)
    ideal = frame_single(mine, [], upright, canvas, Style())
    from_below = frame_single(mine, [below], upright, canvas, Style())
    from_above = frame_single(mine, [above], upright, canvas, Style())

    assert ideal.bottom > 1100
    assert ideal.top < 590
    for crop, other in ((from_below, below), (from_above, above)):
        assert share_inside(other[0].astype(float), np.array(crop.edges)) <= 0.005
        assert contains(crop, head(mine))
        assert crop.height == pytest.approx(ideal.height)


@pytest.mark.parametrize("eye_line", [0.1, 1 / 3, 0.9])
def test_hair_and_chin_stay_in_a_tight_single(eye_line):
    style = Style(face_heights=1.5, tightest_face_heights=1.4, eye_line=eye_line)
    mine = face(900, 400, 160)
    crop = frame_single(mine, [], SIZE, (640, 360), style)

    assert crop.height == pytest.approx(1.5 * 240)
    assert contains(crop, head(mine))


def test_a_two_shot_leaves_a_third_out_where_both_heads_stay_whole():
    one, other, third = face(700), face(1000), face(1300)
    ideal = frame_two(one, other, SIZE, SIZE, Style())
    crop = frame_two(one, other, SIZE, SIZE, Style(), others=[third])

    assert ideal.right > 1300 + 50
    assert share_inside(head(third), np.array(crop.edges)) == 0
    assert contains(crop, head(one))
    assert contains(crop, head(other))
    assert crop.height == ideal.height


@given(st.integers(200, 700), st.integers(150, 500), st.integers(-900, 900))
@settings(max_examples=100, deadline=None)
def test_a_two_shot_holds_both_heads_wherever_a_third_is(left, apart, third):
    one, other = face(left), face(left + apart)
    crop = frame_two(one, other, SIZE, SIZE, Style(), others=[face(left + third)])

    assert contains(crop, head(one))
    assert contains(crop, head(other))
    assert crop.is_inside(SIZE)


def cut_of(*boxes, size):
    """The shots of a talk in which the first person speaks all the time."""
    media = Media(Path("/talk.mp4"), Fraction(25), 250, size)
    tracks = [
        FaceTrack(n, 0, np.repeat(box, 250, axis=0), np.ones(250, bool))
        for n, box in enumerate(boxes)
    ]
    people = [Person(n + 1, (n,)) for n in range(len(boxes))]
    scores = [
        SpeechScores(n, 0, np.full(250, -6.0 if n else 6.0, np.float32)) for n in range(len(boxes))
    ]
    return direct(media, tracks, people, scores, Style(), canvas=size).shots


def test_a_single_that_is_the_whole_frame_with_somebody_else_is_the_wide():
    me = np.array([[150, 120, 500, 620]], np.float32)
    other = me + np.float32([600, 0, 600, 0])

    assert [shot.subjects for shot in cut_of(me, other, size=(1280, 720))] == [()]
    assert [shot.subjects for shot in cut_of(me, size=(1280, 720))] == [(1,)]


def test_a_single_moves_to_the_edge_of_its_picture_only_to_be_alone():
    """A face between two, of whom one shows in any case."""
    size = (480, 360)
    mine = np.array([[183, 107, 213, 148]], np.float32)
    left, right = (np.array([b], np.float32) for b in ((69, 150, 100, 190), (262, 122, 288, 154)))
    crop = frame_single(mine, [left, right], size, size, Style())

    shares = [share_inside(other[0].astype(float), np.array(crop.edges)) for other in (left, right)]
    assert max(shares) > 0.08
    assert 0.25 <= (198 - crop.left) / crop.width <= 0.75


def test_somebody_who_is_lost_and_found_again_is_one_of_the_others():
    """Else the tracks of one person outweigh another, who then shows in their place."""

    def track(number, start):
        boxes = np.repeat(np.array([[9 * number, 0, 9 * number + 5, 5]], np.float32), 10, axis=0)
        return FaceTrack(number, start, boxes, np.ones(10, bool))

    tracks = [track(1, 0), track(2, 0), track(3, 15), track(4, 30), track(5, 0)]
    people = (Person(1, (1,)), Person(2, (2, 3, 4)))
    own, others = VisibleFaces(tracks, people).boxes((0,), FrameRange(0, 40))

    assert [len(boxes) for boxes in own] == [10]
    assert sorted(len(boxes) for boxes in others) == [10, 30]  # the first is nobody's
