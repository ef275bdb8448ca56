"""Crops of singles, two-shots and wides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.director.framing import frame_single
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.two_shots import frame_two
from otio_speakerzoom.director.wide import frame_wide

SIZES = ((1920, 1080), (1080, 1920), (1281, 719), (640, 360))
CANVASES = ((1920, 1080), (1080, 1920), (1080, 1080))


@st.composite
def faces(draw, size):
    """(T, 4) boxes of a face that may touch the border or reach outside."""
    height = draw(st.floats(12, size[1] / 2))
    x, y = draw(st.floats(0, size[0])), draw(st.floats(0, size[1]))
    box = np.array([x - height / 3, y - height / 2, x + height / 3, y + height / 2], np.float32)
    drift = draw(st.floats(-1, 1))
    return box + drift * np.arange(draw(st.integers(1, 20)), dtype=np.float32)[:, None]


@given(st.data(), st.sampled_from(SIZES), st.sampled_from(CANVASES))
@settings(deadline=None)
def test_every_crop_lies_in_the_frame_and_has_the_canvas_shape(data, size, canvas):
    face = data.draw(faces(size))
    others = data.draw(st.lists(faces(size), max_size=3))
    crops = (
        frame_single(face, others, size, canvas, Style()),
        frame_wide(face[None], np.ones((1, len(face)), bool), size, canvas),
    )

    for crop in crops:
        assert crop.left >= 0
        assert crop.top >= 0
        assert crop.right <= size[0] + 1e-6
        assert crop.bottom <= size[1] + 1e-6
        assert crop.width / crop.height == pytest.approx(canvas[0] / canvas[1], rel=1e-6)


def box(left, top, right, bottom, frames=1):
    return np.tile(np.array([left, top, right, bottom], np.float32), (frames, 1))


def test_a_single_has_the_eyes_on_the_upper_third_and_the_face_in_the_middle():
    crop = frame_single(box(900, 400, 1020, 560), [], (1920, 1080), (1920, 1080), Style())

    assert crop.height == pytest.approx(3.6 * 160)
    assert (400 + 0.4 * 160 - crop.top) / crop.height == pytest.approx(1 / 3)
    assert crop.centre[0] == pytest.approx(960)


def test_a_neighbour_is_kept_out_of_a_single():
    me, other = box(700, 400, 820, 560), box(1000, 400, 1120, 560)
    crop = frame_single(me, [other], (1920, 1080), (1920, 1080), Style())

    assert crop.right <= 1000 + 2
    assert crop.left < 700 - 20
    assert crop.right > 820 + 20


def test_a_neighbour_too_close_to_keep_out_stays_whole():
    me, other = box(200, 245, 450, 580), box(760, 240, 960, 510)
    crop = frame_single(me, [other], (1280, 720), (1280, 720), Style())

    assert crop.left <= 200
    assert crop.right >= 960


def test_nothing_is_enlarged_beyond_the_limit():
    crop = frame_single(box(900, 500, 920, 526), [], (1920, 1080), (1920, 1080), Style())

    assert 1080 / crop.height == pytest.approx(Style().max_upscale)


@given(st.data())
@settings(deadline=None)
def test_a_mirrored_source_gives_mirrored_crops(data):
    size = (1920, 1080)
    face = data.draw(faces(size))
    crop = frame_single(face, [], size, (1080, 1080), Style())
    mirrored = face[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1920, 0, 1920, 0]
    back = frame_single(mirrored.astype(np.float32), [], size, (1080, 1080), Style())

    assert (1920 - back.right, back.top) == pytest.approx((crop.left, crop.top), abs=0.01)


def test_a_two_shot_holds_both_faces():
    one, other = box(700, 400, 820, 560), box(1000, 420, 1120, 580)
    crop = frame_two(one, other, (1920, 1080), (1920, 1080), Style())

    assert crop.left < 700 - 50
    assert crop.right > 1120 + 50
    assert crop.width < 1920 * 0.8
