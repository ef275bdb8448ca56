"""The parts of split screens, and insets, between straight dividers that stand still."""

from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.faces.panel_search import PanelSearch, find_panels, sample_step
from otio_speakerzoom.model import FrameRange, Media

WIDTH, HEIGHT = 640, 360
MEDIA = Media(Path("/talk.mp4"), Fraction(10), 100, (2 * WIDTH, 2 * HEIGHT))


def picture(seed, number, width=WIDTH, height=HEIGHT, speed=7):
    """A blurred pattern that moves: soft edges at no fixed place, other brightness by seed."""
    start = (speed * number) % (3 * WIDTH)
    gray = pattern(seed)[:height, start : start + width]
    return np.repeat(gray[..., None], 3, axis=2).copy()


@cache
def pattern(seed):
    """Four times as wide as a picture."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (9, 60), dtype=np.uint8)
    large = cv2.resize(coarse, (4 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(large, (0, 0), 6)


def panels_of(frame_at, cuts=(), frames=100):
    """The panels of a film as (first frame, left, top, right, bottom) in pixels of its frames."""
    within = FrameRange(0, frames)
    frames = ((n, frame_at(n)) for n in range(frames))
    panels = find_panels(frames, MEDIA, list(cuts), within)
    return [(p.range.start, *(edge / 2 for edge in p.box.edges)) for p in panels]


def side_by_side(number):
    return np.hstack([
        picture(1, number, WIDTH // 2), np.maximum(picture(2, number, WIDTH // 2), 20) - 20
    ])  # fmt: skip


def with_inset(number, box=(400, 40, 600, 180), seed=3):
    left, top, right, bottom = box
    frame = picture(1, number)
    inset = picture(seed, number, right - left, bottom - top, speed=3)
    frame[top:bottom, left:right] = inset // 2
    return frame


def test_two_pictures_side_by_side_are_two_panels_without_a_line_between_them():
    first, second = panels_of(side_by_side)

    assert first == (0, 0, 0, pytest.approx(320, abs=3), HEIGHT)
    assert second == (0, pytest.approx(320, abs=3), 0, WIDTH, HEIGHT)
    assert first[3] <= 320 <= second[1]  # nothing of the other picture is in a panel


def test_a_line_between_two_pictures_belongs_to_neither():
    def frame_at(number):
        frame = side_by_side(number)
        frame[:, 316:324] = 255
        return frame

    first, second = panels_of(frame_at)

    assert first[3] <= 316
    assert second[1] >= 324


def test_every_part_of_a_divided_part_is_a_panel():
    def frame_at(number):
        frame = side_by_side(number)
        frame[180:, 320:] = 255 - picture(4, number, 320, 180)
        frame[178:182, 320:] = 0
        return frame

    whole, *halves = panels_of(frame_at)

    assert whole == (0, 0, 0, pytest.approx(320, abs=3), HEIGHT)
    assert [half[2:] for half in halves] == [
        (0, WIDTH, pytest.approx(178, abs=4)), (pytest.approx(182, abs=4), WIDTH, HEIGHT)
    ]  # fmt: skip


def test_an_inset_is_a_panel():
    [panel] = panels_of(with_inset)

    assert panel == (0, *(pytest.approx(edge, abs=3) for edge in (400, 40, 600, 180)))


def test_an_inset_stands_in_every_camera_shot_in_which_its_border_shows():
    def frame_at(number):
        if number < 50:
            return with_inset(number)
        frame = with_inset(number, seed=5)
        if number < 80:
            frame[180:, 400:460] = frame[179:180, 400:460]  # its lower left corner does not show
            return frame
        return picture(6, number)

    panels = panels_of(frame_at, cuts=(50, 80))

    assert [panel[0] for panel in panels] == [0, 50]
    assert panels[0][1:] == panels[1][1:]


def test_bars_beside_a_picture_are_outside_its_panel():
    def frame_at(number):
        frame = picture(1, number)
        frame[:30] = frame[-30:] = 0
        return frame

    [panel] = panels_of(frame_at)

    assert panel == (0, 0, pytest.approx(30, abs=3), WIDTH, pytest.approx(330, abs=3))


@pytest.mark.parametrize("speed", [0, 7])
def test_one_picture_has_no_panels(speed):
    assert panels_of(lambda number: picture(1, number, speed=speed)) == []


def test_a_door_behind_furniture_and_people_is_no_divider():
    def frame_at(number):
        frame = picture(1, number, speed=0)
        frame[:250, 400:520] //= 3  # the door, down to a table
        x = 300 + 2 * (number % 20)
        frame[90:, x : x + 130] = 90  # somebody before it, who moves
        return frame

    assert panels_of(frame_at) == []


def test_lines_that_cross_are_no_inset():
    def frame_at(number):
        frame = picture(1, number, speed=0) // 2
        frame[40:300, 200::120] += 100
        frame[100::70, 80:600] += 100
        return frame

    assert panels_of(frame_at) == []


def test_a_moving_edge_is_no_divider():
    def frame_at(number):
        frame = picture(1, number)
        frame[:, : 100 + 4 * number] //= 3
        return frame

    assert panels_of(frame_at) == []


def test_panels_belong_to_their_camera_shot():
    panels = panels_of(lambda n: side_by_side(n) if n < 60 else picture(8, n), cuts=(60,))

    assert {panel[0] for panel in panels} == {0}
    assert len(panels) == 2


def test_a_camera_shot_with_one_sample_has_no_panels():
    assert panels_of(side_by_side, cuts=(3, 96))[0][0] == 3
    assert panels_of(lambda n: side_by_side(n) if n < 4 else picture(8, n), cuts=(4,)) == []


@given(st.lists(st.integers(1, 99), max_size=4, unique=True).map(sorted), st.data())
@settings(max_examples=20)
def test_it_does_not_matter_when_the_camera_cuts_become_known(cuts, data):
    frames = [with_inset(n) if n % 30 < 20 else side_by_side(n) for n in range(0, 100, 5)]
    search = PanelSearch(MEDIA, MEDIA.range)
    settled = 0
    for n, frame in enumerate(frames):
        search.push_frame(5 * n, frame)
        settled = data.draw(st.integers(settled, 5 * n + 1))
        search.settle([cut for cut in cuts if cut < settled], settled)
    at_once = find_panels(enumerate_by(5, frames), MEDIA, cuts, MEDIA.range)

    assert sample_step(MEDIA) == 5
    assert search.finish(cuts) == at_once


def enumerate_by(step, frames):
    return ((step * n, frame) for n, frame in enumerate(frames))
