"""A real editor's engine and our own renderer show the same of the source, frame by frame."""

import av
import numpy as np
import pytest
from melting import read_rgb, rendered_by_melt
from readers import between

from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Person, Shot, TwoUp
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import probe

FORMATS = ("mlt", "kdenlive")
WIDE = Box(0, 0, 640, 360)
# Where the chart changes from dark to light or back: no two distances are the same, so a picture
# that lies elsewhere, or has another size, fits nowhere else.
EDGES = np.array([20 + 30 * n + n * n for n in range(16)], float)


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    """Red changes at EDGES from left to right, green from top to bottom; the frame is counted.

    Blue counts to twelve, in steps that no coding blurs, and the dark stripes of red the dozens.
    """
    path = tmp_path_factory.mktemp("chart") / "chart 100 %.mkv"
    picture = np.empty((360, 640, 3), np.uint8)
    picture[:, :, 1] = np.where(odd(360), 200, 50)[:, None]
    with av.open(str(path), "w") as film:
        stream = film.add_stream("ffv1", rate=25, width=640, height=360, pix_fmt="bgr0")
        for frame in range(100):
            picture[:, :, 0] = np.where(odd(640), 200, 20 + 10 * (frame // 12))
            picture[:, :, 2] = 10 + 20 * (frame % 12)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode())
    return probe(path)


def odd(length):
    return (np.arange(length)[:, None] >= EDGES).sum(axis=1) % 2 == 1


def rendered_by_us(cut_list, folder):
    render_film(cut_list, folder / "ours.mkv")
    return read_rgb(folder / "ours.mkv")


def visible(picture, expected):
    """Left, top, right, bottom of what is seen, from where the chart's edges are.

    `expected` only tells which edge is which, to a few pixels.
    """
    left, right = side(picture[:, :, 0].mean(axis=0), expected[0], expected[2])
    top, bottom = side(picture[:, :, 1].mean(axis=1), expected[1], expected[3])
    return left, top, right, bottom


def side(profile, first, last):
    """Fit source coordinates to the positions of edges on one axis, between two borders."""
    slope = np.abs(np.diff(profile))
    scale = len(profile) / (last - first)
    positions, borders = [], []
    for edge in EDGES:
        at = (edge - first) * scale
        reach = 7 * scale
        if reach < at < len(profile) - reach:
            window = np.arange(round(at - reach), round(at + reach))
            weight = slope[window]
            assert weight.sum() > 60, f"no edge where {edge} should be"
            positions.append((weight * (window + 1)).sum() / weight.sum())
            borders.append(edge)
    assert len(borders) >= 3
    step, origin = np.polyfit(positions, borders, 1)
    assert np.polyval((step, origin), positions) == pytest.approx(borders, abs=0.5)
    return origin, origin + step * len(profile)


def counted(picture):
    """The number of the frame, as the chart shows it."""
    red, blue = picture[:, :, 0], picture[:, :, 2]
    units = (np.median(blue) - 10) / 20
    dozens = (np.median(red[red < 155]) - 20) / 10
    assert abs(units - round(units)) < 0.4, units
    assert abs(dozens - round(dozens)) < 0.4, dozens
    return 12 * round(dozens) + round(units)


def a_cut(chart, canvas, crops, moving):
    """Five still shots, then one that moves from `moving[0]` to `moving[1]` and stands still."""
    cuts = [3, 14, 15, 31, 48, 60]
    shots = [
        Shot(FrameRange(start, end), (), crop)
        for start, end, crop in zip(cuts, cuts[1:], crops, strict=False)
    ]
    start, end = moving
    keys = (CropKey(60, start), CropKey(65, start), CropKey(85, end))
    return CutList(chart, canvas, (*shots, Shot(FrameRange(60, 95), (), start, keys=keys)))


ACROSS = [WIDE, Box(40, 20, 360, 200), Box(320, 33, 576, 177), Box(210.3, 101.7, 466.3, 245.7)]
TALL = [Box(200, 0, 402.5, 360), Box(30, 10, 210, 330), Box(400.4, 20.2, 571, 323.4)]
CUTS = {
    "one shape": ((640, 360), [*ACROSS, WIDE], (WIDE, Box(300, 30, 556, 174))),
    "upright": ((360, 640), [*TALL, *TALL[:2]], (TALL[0], TALL[2])),
}


@pytest.fixture(scope="module")
def our_films(chart, tmp_path_factory):
    """The path of our film of each of `CUTS`, whose frames take half a gigabyte."""
    paths = {name: tmp_path_factory.mktemp("ours") / "ours.mkv" for name in CUTS}
    for name, path in paths.items():
        render_film(a_cut(chart, *CUTS[name]), path)
    return paths


@pytest.mark.parametrize("name", CUTS)
def test_our_film_shows_the_crop_and_the_frames_of_each_shot(chart, our_films, name):
    cut_list, film = a_cut(chart, *CUTS[name]), read_rgb(our_films[name])

    assert len(film) == cut_list.range.duration
    for frame, meant in analysed(cut_list):
        picture = film[frame - cut_list.range.start]
        assert counted(picture) == frame
        assert visible(picture, meant) == pytest.approx(meant, abs=1), f"frame {frame}"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", CUTS)
def test_melt_shows_what_our_film_shows(chart, our_films, tmp_path, name, format_):
    cut_list, ours = a_cut(chart, *CUTS[name]), read_rgb(our_films[name])
    melted = rendered_by_melt(cut_list, tmp_path, format_=format_)

    assert len(melted) == len(ours)
    for frame, meant in analysed(cut_list):
        at = frame - cut_list.range.start
        assert counted(melted[at]) == counted(ours[at]) == frame
        melt_visible = visible(melted[at], meant)
        assert melt_visible == pytest.approx(visible(ours[at], meant), abs=1), f"frame {frame}"
        assert melt_visible == pytest.approx(meant, abs=0.5), f"frame {frame}"


def test_melt_shows_no_angle_that_is_disabled_in_a_project_for_kdenlive(chart, tmp_path):
    """The other person's track lies above, with the same frames of the source."""
    ann, bo = ACROSS[1], ACROSS[2]
    shots = (Shot(FrameRange(3, 9), (1,), ann), Shot(FrameRange(9, 15), (), WIDE))
    angles = (Shot(FrameRange(3, 15), (), WIDE), Shot(FrameRange(3, 15), (2,), bo))
    people = (Person(1, ()), Person(2, ()))
    cut_list = CutList(chart, (640, 360), shots, people, angles=angles)
    melted = rendered_by_melt(cut_list, tmp_path, format_="kdenlive")

    assert len(melted) == 12
    for frame, meant in analysed(cut_list):
        assert counted(melted[frame - 3]) == frame
        assert visible(melted[frame - 3], meant) == pytest.approx(meant, abs=0.5), f"frame {frame}"


def analysed(cut_list):
    """First, middle and last frame of each shot and every fifth, each with what it should show."""
    for shot in cut_list.shots:
        first, last = shot.range.start, shot.range.end - 1
        keys = [(k.frame, k.crop) for k in shot.keys] or [(first, shot.crop)]
        for frame in sorted({first, (first + last) // 2, last, *range(first, last, 5)}):
            yield frame, between(keys, frame, cut_list.media.size, cut_list.canvas)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_phones_video_is_upright_in_melt_as_in_our_film(rotated_clip, tmp_path, format_):
    media = probe(rotated_clip)
    crops = (Box(0, 0, 180, 320), Box(90, 160, 180, 320))
    shots = (Shot(FrameRange(20 * n, 20 * n + 20), (), crop) for n, crop in enumerate(crops))
    cut_list = CutList(media, (180, 320), tuple(shots))
    melted = rendered_by_melt(cut_list, tmp_path, format_=format_)
    ours = rendered_by_us(cut_list, tmp_path)

    assert len(melted) == len(ours) == 40
    for a, b in zip(melted[::7], ours[::7], strict=True):
        assert np.abs(a - b).mean() < 12  # another filter for scaling; a turn would give over 80


def a_cut_with_two_ups(chart, canvas, layout, one, other):
    """A wide, a two-up, a single of each half's crop in the canvas's shape, and another two-up."""
    people = (Person(1, ()), Person(2, ()))
    two_up = {"crop": one, "two_up": TwoUp(layout, other)}
    return CutList(
        chart,
        canvas,
        (
            Shot(FrameRange(3, 6), (), WIDE),
            Shot(FrameRange(6, 12), (1, 2), **two_up),
            Shot(FrameRange(12, 15), (1,), WIDE),
            Shot(FrameRange(15, 18), (2, 1), **two_up),
        ),
        people,
    )


TWO_UPS = {
    "side by side": ((640, 360), "side_by_side", Box(20, 20, 260, 290), Box(300.4, 33, 492.4, 249)),
    "an odd half": ((646, 360), "side_by_side", Box(20, 20, 260, 290), Box(300.4, 33, 492.4, 249)),
    "at both edges": ((640, 360), "side_by_side", Box(0, 0, 320, 360), Box(320, 0, 640, 360)),
    "stacked": ((360, 640), "stacked", Box(31, 40, 319, 296), Box(330.7, 10.2, 618.7, 266.2)),
    "stacked, at the top": ((360, 640), "stacked", Box(0, 40, 288, 296), Box(280, 0, 640, 320)),
}


def halves_shown(picture, canvas, layout):
    """What a picture of a two-up shows in each half, up to the seam and not a pixel beyond."""
    width, height = canvas
    if layout == "side_by_side":
        seam = width // 4 * 2
        return picture[:, :seam], picture[:, seam:]
    seam = height // 4 * 2
    return picture[:seam], picture[seam:]


def assert_shows_two_up(picture, canvas, layout, crops, tolerance):
    for part, crop in zip(halves_shown(picture, canvas, layout), crops, strict=True):
        meant = visible_of(crop, (part.shape[1], part.shape[0]))
        assert visible(part, meant) == pytest.approx(meant, abs=tolerance)


def visible_of(crop, shape):
    """The part of a crop that a half of this width and height shows: its middle."""
    scale = max(shape[0] / crop.width, shape[1] / crop.height)
    (x, y), (width, height) = crop.centre, (side / scale for side in shape)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


@pytest.mark.parametrize("name", TWO_UPS)
def test_our_film_shows_the_two_crops_of_a_two_up_in_its_halves(chart, tmp_path, name):
    canvas, layout, *crops = TWO_UPS[name]
    film = rendered_by_us(a_cut_with_two_ups(chart, canvas, layout, *crops), tmp_path)

    for frame in (6, 11, 15, 17):
        assert_shows_two_up(film[frame - 3], canvas, layout, crops, 1)


QUICK = (("stacked", "mlt"), ("an odd half", "kdenlive"))
MELTED = [
    pytest.param(name, format_, marks=() if (name, format_) in QUICK else pytest.mark.slow)
    for name in TWO_UPS
    for format_ in FORMATS
]


@pytest.mark.parametrize(("name", "format_"), MELTED)
def test_melt_shows_the_two_ups_of_our_film(chart, tmp_path, name, format_):
    canvas, layout, *crops = TWO_UPS[name]
    cut_list = a_cut_with_two_ups(chart, canvas, layout, *crops)
    melted = rendered_by_melt(cut_list, tmp_path, format_=format_)
    ours = rendered_by_us(cut_list, tmp_path)

    assert len(melted) == len(ours)
    for frame in (6, 11, 15, 17):
        assert counted(melted[frame - 3]) == counted(ours[frame - 3]) == frame
        assert_shows_two_up(melted[frame - 3], canvas, layout, crops, 0.5)
    for frame in (5, 12, 14):  # the wide on both sides is whole again
        difference = np.abs(melted[frame - 3] - ours[frame - 3])
        assert np.median(difference) < 3
