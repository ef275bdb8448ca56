import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otio_speakerzoom.model import Box, Cover, CoverKey, FaceTrack, FrameRange, Shot

finite = st.floats(-1e6, 1e6)


@given(st.tuples(finite, finite, finite, finite))
def test_a_box_is_its_edges(edges):
    box = Box.from_edges(edges)

    assert box.edges == edges
    assert box == Box(*edges)
    assert (box.width, box.height) == (edges[2] - edges[0], edges[3] - edges[1])


def test_a_box_from_an_array_has_plain_floats():
    box = Box.from_edges(np.array([1, 2, 3.5, 4], np.float32))

    assert box.edges == (1, 2, 3.5, 4)
    assert all(type(edge) is float for edge in box.edges)


@pytest.mark.parametrize("edges", [(), (1, 2, 3), (1, 2, 3, 4, 5)])
def test_a_box_has_four_edges(edges):
    with pytest.raises(TypeError):
        Box.from_edges(edges)


@pytest.mark.parametrize(
    ("edges", "inside"),
    [
        ((0, 0, 64, 36), True),
        ((-0.0005, 0, 64.0005, 36), True),  # computed in floats, it may touch the border
        ((-0.01, 0, 64, 36), False),
        ((0, 0, 64, 36.01), False),
        ((10, 10, 10, 20), False),  # no area
        ((math.nan, 0, 64, 36), False),
        ((0, 0, math.nan, 36), False),
    ],
)
def test_a_box_is_inside_a_frame_to_a_thousandth_of_a_pixel(edges, inside):
    assert Box(*edges).is_inside((64, 36)) == inside


def test_a_cover_blurs_or_dims():
    with pytest.raises(ValueError, match="blur or dim, not 'hide'"):
        Cover(Box(0, 0, 9, 9), "hide")


def test_keyframes_of_a_cover_ascend_from_its_box():
    first, later = CoverKey(3, Box(0, 0, 9, 9)), CoverKey(5, Box(1, 0, 10, 9))

    assert Cover(first.box, "dim", (first, later)).keys == (first, later)
    for keys in [(later, first), (first, first), (later,)]:
        with pytest.raises(ValueError, match="must ascend, and the first must be its box"):
            Cover(first.box, "dim", keys)


def test_covers_lie_inside_their_shot():
    box = Box(0, 0, 9, 9)

    with pytest.raises(ValueError, match="the covers of the shot at frame 10 must lie inside it"):
        Shot(FrameRange(10, 20), (1,), box, covers=(Cover(box, "dim", (CoverKey(20, box),)),))


def test_a_face_track_says_of_every_box_whether_it_is_a_detection():
    with pytest.raises(ValueError, match=r"has_detection must be \(3,\), got \(2,\)"):
        FaceTrack(1, 0, np.zeros((3, 4), np.float32), np.ones(2, bool))
