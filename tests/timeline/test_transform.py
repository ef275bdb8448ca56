import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import canvases, crops

from otio_speakerzoom.model import Box, CropKey, FrameRange, Shot
from otio_speakerzoom.timeline.transform import (
    Transform,
    crop_of,
    fill,
    fit,
    format_number,
    transform_at,
    transform_of,
    trim_shot,
)

sizes = st.tuples(st.integers(240, 4096), st.integers(240, 4096))


@st.composite
def framings(draw):
    size = draw(sizes)
    canvas = draw(canvases(size))
    return draw(crops(size, canvas)), size, canvas


def edges(box):
    return pytest.approx((box.left, box.top, box.right, box.bottom), abs=1e-6)


@pytest.mark.parametrize(
    ("crop", "size", "canvas", "expected"),
    [
        (Box(960, 100, 1600, 460), (1920, 1080), (1920, 1080), (3, -960, 780)),
        (Box(1500, 200, 2310, 1640), (3840, 2160), (1080, 1920), (4 / 3, 20, 640 / 3)),
        (Box(0, 0, 1920, 1080), (1920, 1080), (1920, 1080), (1, 0, 0)),
    ],
)
def test_worked_cases_by_hand(crop, size, canvas, expected):
    move = transform_of(crop, size, canvas)

    assert (move.scale, move.dx, move.dy) == pytest.approx(expected)


@given(framings())
def test_the_crop_comes_back_from_its_transform(framing):
    crop, size, canvas = framing
    back = crop_of(transform_of(crop, size, canvas), size, canvas)

    assert (back.left, back.top, back.right, back.bottom) == edges(crop)


@given(framings(), st.floats(0, 1), st.floats(0, 1))
def test_a_point_of_the_crop_lands_where_it_should_on_the_canvas(framing, u, v):
    crop, size, canvas = framing
    move = transform_of(crop, size, canvas)
    x, y = crop.left + u * crop.width, crop.top + v * crop.height

    # The picture scaled about its own centre, its centre then put at (dx, dy) from the canvas's.
    landed_x = canvas[0] / 2 + move.dx + (x - size[0] / 2) * move.scale
    landed_y = canvas[1] / 2 + move.dy + (y - size[1] / 2) * move.scale
    assert (landed_x, landed_y) == pytest.approx((u * canvas[0], v * canvas[1]), abs=1e-6)


@given(framings())
def test_a_mirrored_crop_mirrors_the_move(framing):
    crop, size, canvas = framing
    mirrored = Box(size[0] - crop.right, crop.top, size[0] - crop.left, crop.bottom)
    there, here = transform_of(mirrored, size, canvas), transform_of(crop, size, canvas)

    assert (there.scale, there.dx, there.dy) == pytest.approx(
        (here.scale, -here.dx, here.dy), abs=1e-6
    )


def test_a_crop_of_another_shape_covers_the_canvas_and_keeps_its_centre():
    crop = Box(100, 100, 500, 500)
    visible = crop_of(transform_of(crop, (1920, 1080), (1920, 1080)), (1920, 1080), (1920, 1080))

    assert visible.centre == pytest.approx(crop.centre)
    assert (visible.width, visible.height) == pytest.approx((400, 225))


def zoom_in(start=10, last=30, end=50):
    wide, close = Box(0, 0, 1920, 1080), Box(960, 100, 1600, 460)
    keys = (CropKey(start, wide), CropKey(last, close))
    return Shot(FrameRange(start, end), (), wide, keys=keys)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [(10, (1, 0, 0)), (20, (2, -480, 390)), (25, (2.5, -720, 585)), (30, (3, -960, 780)),
     (49, (3, -960, 780))],
)  # fmt: skip
def test_a_move_is_linear_in_scale_and_position_and_then_stands_still(frame, expected):
    move = transform_at(zoom_in(), frame, (1920, 1080), (1920, 1080))

    assert (move.scale, move.dx, move.dy) == pytest.approx(expected)


@given(st.integers(10, 48), st.integers(1, 40))
def test_a_part_of_a_move_moves_as_the_whole_does(start, length):
    whole, sizes = zoom_in(), ((1920, 1080), (1920, 1080))
    part = trim_shot(whole, FrameRange(start, min(50, start + length)), *sizes)

    for frame in range(part.range.start, part.range.end):
        here, there = (transform_at(shot, frame, *sizes) for shot in (part, whole))
        assert (here.scale, here.dx, here.dy) == pytest.approx((there.scale, there.dx, there.dy))


@given(sizes, sizes)
def test_fit_shows_everything_and_fill_leaves_nothing_empty(size, canvas):
    assert size[0] * fit(size, canvas) <= canvas[0] + 1e-6
    assert size[1] * fit(size, canvas) <= canvas[1] + 1e-6
    assert size[0] * fill(size, canvas) >= canvas[0] - 1e-6
    assert size[1] * fill(size, canvas) >= canvas[1] - 1e-6


def test_fit_and_fill_of_a_wide_source_on_a_tall_canvas():
    assert fit((3840, 2160), (1080, 1920)) == 0.28125
    assert fill((3840, 2160), (1080, 1920)) == pytest.approx(0.888889, abs=1e-6)
    assert Transform(1, 0, 0) == transform_of(Box(0, 0, 10, 10), (10, 10), (10, 10))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (-0.0, "0"),
        (-1e-12, "0"),
        (1e-7, "0.0000001"),
        (-88.8888888888, "-88.888888889"),
    ],
)
def test_numbers_are_written_plainly(value, text):
    assert format_number(value) == text
