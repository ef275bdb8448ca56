"""A real editor's engine and our own renderer show the same of the source, frame by frame."""

import av
import numpy as np
import pytest
from melting import read_rgb, rendered_by_melt
from readers import between

from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Person, Shot
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


@pytest.mark.parametrize("name", CUTS)
def test_our_film_shows_the_crop_and_the_frames_of_each_shot(chart, tmp_path, name):
    cut_list = a_cut(chart, *CUTS[name])
    film = rendered_by_us(cut_list, tmp_path)

    assert len(film) == cut_list.range.duration
    for frame, meant in analysed(cut_list):
        picture = film[frame - cut_list.range.start]
        assert counted(picture) == frame
        assert visible(picture, meant) == pytest.approx(meant, abs=1), f"frame {frame}"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", CUTS)
def test_melt_shows_what_our_film_shows(chart, tmp_path, name, format_):
    cut_list = a_cut(chart, *CUTS[name])
    melted = rendered_by_melt(cut_list, tmp_path, format_=format_)
    ours = rendered_by_us(cut_list, tmp_path)

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
