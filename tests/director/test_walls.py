"""Walls: crops stay in the part of a split screen that their face is in."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.direct import direct
from otio_speakerzoom.director.framing import frame_single
from otio_speakerzoom.director.panels import Panels, Walls
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_shots import frame_two
from otio_speakerzoom.model import Box, FaceTrack, FrameRange, Media, Panel, Person, SpeechScores

SIZE = (1280, 720)
LEFT, RIGHT = Box(0, 0, 636, 720), Box(644, 0, 1280, 720)
INSET = Box(900, 60, 1240, 300)


def face(x, y, height, frames=1):
    """(T, 4) boxes of a face, two thirds as wide as high."""
    box = [x - height / 3, y - height / 2, x + height / 3, y + height / 2]
    return np.tile(np.array(box, np.float32), (frames, 1))


@given(st.integers(100, 536), st.integers(150, 570), st.integers(60, 190), st.integers(700, 1200))
@settings(deadline=None)
def test_a_single_stays_in_the_panel_of_its_face(x, y, height, other):
    mine = face(x, y, height)
    crop = frame_single(mine, [face(other, 300, 150)], SIZE, SIZE, Style(), walls=Walls(LEFT))

    assert crop.lies_in(LEFT)
    assert crop.left <= mine[0, 0]
    assert mine[0, 2] <= crop.right


def test_without_walls_the_same_single_would_cross_the_divider():
    mine = face(430, 300, 180)

    assert frame_single(mine, [], SIZE, SIZE, Style()).right > 650
    assert frame_single(mine, [], SIZE, SIZE, Style(), walls=Walls(LEFT)).right <= 636


def test_a_face_on_the_divider_is_not_cut_for_a_wall():
    crop = frame_single(face(620, 300, 180), [], SIZE, SIZE, Style(), walls=Walls(LEFT))

    assert crop.right > 620 + 60


def test_a_panel_too_small_for_the_canvas_does_not_bound_a_single():
    panel = Box(0, 0, 400, 720)  # 16:9 in it is 225 high, an enlargement of 3.2
    crop = frame_single(face(200, 300, 100), [], SIZE, SIZE, Style(), walls=Walls(panel))

    assert SIZE[1] / crop.height <= Style().tightest_upscale + 1e-9


def test_an_inset_is_in_a_single_as_a_whole_or_not_at_all():
    mine = face(560, 380, 140)
    walls = Walls(Box(0, 0, *SIZE), (INSET,))
    without = frame_single(mine, [], SIZE, SIZE, Style())
    crop = frame_single(mine, [], SIZE, SIZE, Style(), walls=walls)

    assert INSET.left + 1 < without.right < INSET.right
    assert crop.right <= INSET.left + 1 or crop.right >= INSET.right - 1


def test_a_single_too_large_for_its_card_shows_no_slice_of_the_card_beside_it():
    cards = [Box(100, 180, 460, 540), Box(690, 180, 1050, 540)]
    mine, other = face(280, 330, 180), face(880, 330, 180)
    panels = Panels([Panel(FrameRange(0, 100), box) for box in cards], SIZE)
    walls = panels.walls(FrameRange(0, 100), [mine])

    assert walls == Walls(cards[0], (), (cards[1],))
    assert frame_single(mine, [other], SIZE, SIZE, Style()).right > cards[1].left + 5
    crop = frame_single(mine, [other], SIZE, SIZE, Style(), walls=walls)
    assert crop.right <= cards[1].left - 3  # with the line around it
    assert crop.left <= mine[0, 0]


def test_a_two_shot_shows_no_slice_of_a_third_panel_where_both_heads_have_room():
    cards = [Box(20 + 420 * n, 150, 400 + 420 * n, 570) for n in range(3)]
    one, other = face(200, 330, 110), face(760, 330, 110)
    panels = Panels([Panel(FrameRange(0, 100), box) for box in cards], SIZE)
    walls = panels.walls(FrameRange(0, 100), [one, other])

    assert walls.insets == (cards[2],)
    assert frame_two(one, other, SIZE, SIZE, Style()).right > cards[2].left + 5
    crop = frame_two(one, other, SIZE, SIZE, Style(), walls=walls)
    assert crop.right <= cards[2].left
    assert crop.left <= one[0, 0]
    assert other[0, 2] <= crop.right


def test_a_two_shot_stays_in_the_panel_of_both():
    one, other = face(150, 300, 110), face(400, 300, 110)

    assert frame_two(one, other, SIZE, SIZE, Style()).right > LEFT.right
    assert frame_two(one, other, SIZE, SIZE, Style(), walls=Walls(LEFT)).lies_in(LEFT)


def test_the_walls_of_a_face_are_the_smallest_panel_around_it():
    shot = FrameRange(0, 100)
    panels = Panels([Panel(shot, box) for box in (LEFT, RIGHT, INSET)], SIZE)

    def walls(x, y):
        return panels.walls(FrameRange(10, 50), [face(x, y, 100)])

    assert walls(300, 300) == Walls(LEFT, (), (RIGHT, INSET))
    assert walls(800, 400) == Walls(RIGHT, (INSET,), (LEFT,))
    assert walls(1000, 200) == Walls(INSET, (), (LEFT,))


@pytest.mark.parametrize(
    ("span", "faces"),
    [(FrameRange(100, 150), [face(300, 300, 100)]),  # the next camera shot
     (FrameRange(50, 101), [face(300, 300, 100)]),  # across the camera cut
     (FrameRange(10, 50), [face(300, 300, 100), face(800, 300, 100)])],  # in two panels
)  # fmt: skip
def test_elsewhere_there_are_no_walls(span, faces):
    panels = Panels([Panel(FrameRange(0, 100), box) for box in (LEFT, RIGHT)], SIZE)

    assert panels.walls(span, faces) == Walls(Box(0, 0, *SIZE))


def test_no_single_of_a_cut_shows_a_part_of_the_other_panel():
    media = Media(Path("/debate.mp4"), Fraction(25), 400, SIZE)
    boxes = [face(430, 300, 180, 400), face(900, 300, 180, 400)]
    tracks = [FaceTrack(n, 0, b, np.ones(400, bool)) for n, b in enumerate(boxes)]
    people = [Person(1, (0,)), Person(2, (1,))]
    voice = np.repeat([[6.0, -6.0], [-6.0, 6.0]], 200, axis=1).astype(np.float32)
    scores = [SpeechScores(n, 0, row) for n, row in enumerate(voice)]
    panels = [Panel(media.range, box) for box in (LEFT, RIGHT)]

    def crops(panels):
        cut_list = direct(media, tracks, people, scores, Style(), canvas=SIZE, panels=panels)
        return {shot.subjects: shot.crop for shot in cut_list.shots if shot.subjects}

    assert crops(panels)[1,].lies_in(LEFT)
    assert crops(panels)[2,].lies_in(RIGHT)
    assert not crops(())[1,].lies_in(LEFT)
