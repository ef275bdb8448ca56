"""The page counts and crops as the film does: its modules against those of the package."""

import random
from fractions import Fraction

import pytest
from conftest import REPOSITORY

from otio_speakerzoom.model import Box, CropKey, FrameRange, Shot, TwoUp
from otio_speakerzoom.render.film import whole_pixels
from otio_speakerzoom.timecode import frame_to_timecode
from otio_speakerzoom.timeline.transform import crop_of, transform_at
from otio_speakerzoom.timeline.two_up import halves_of

pytest_plugins = ["review_page"]

PAGE = REPOSITORY / "otio_speakerzoom" / "service" / "page"
ORIGIN = "http://page.test/"
SIZES = ((1920, 1080), (3840, 2160), (1281, 721), (1080, 1920))
CANVASES = ((1920, 1080), (1080, 1920), (1080, 1080))


@pytest.fixture(scope="module")
def call(browser):
    """A function that calls JavaScript `(module, argument) => result` of a module of the page."""

    def answer(route):
        name = route.request.url.removeprefix(ORIGIN)
        if not name:
            route.fulfill(content_type="text/html", body="<!doctype html>")
        else:
            route.fulfill(content_type="text/javascript", body=(PAGE / name).read_text("utf-8"))

    page = browser.new_page()
    page.route(f"{ORIGIN}**", answer)
    page.goto(ORIGIN)
    yield lambda name, function, argument: page.evaluate(
        f"async (argument) => ({function})(await import('/{name}'), argument)", argument
    )
    page.close()


def random_shot(rng, size, canvas):
    """A shot with up to three keyframes, some of them in whole pixels, some of another aspect."""

    def crop():
        height = rng.uniform(100, size[1])
        width = min(size[0], height * canvas[0] / canvas[1])
        if rng.random() < 0.8:
            height = width * canvas[1] / canvas[0]
        left, top = rng.uniform(0, size[0] - width), rng.uniform(0, size[1] - height)
        if rng.random() < 0.4:
            left, top, width, height = map(int, (left, top, width, height))
        return Box(left, top, left + width, top + height)

    first, count = crop(), rng.randrange(3)
    later = sorted(rng.sample(range(1, 100), count))
    keys = [CropKey(frame, crop()) for frame in (0, *later)] if later else []
    if keys:
        keys[0] = CropKey(0, first)
    return Shot(FrameRange(0, 100), (), first, keys=tuple(keys))


def test_the_page_crops_every_frame_to_the_pixels_of_the_film(call):
    rng, requests, expected = random.Random(1), [], []
    for _ in range(200):
        size, canvas = rng.choice(SIZES), rng.choice(CANVASES)
        shot = random_shot(rng, size, canvas)
        for frame in (0, rng.randrange(100), 99):
            crop = crop_of(transform_at(shot, frame, size, canvas), size, canvas)
            expected.append(list(whole_pixels(crop, size)))
            keys = [[key.frame, *key.crop.edges] for key in shot.keys]
            requests.append([{"crop": shot.crop.edges, "keys": keys}, frame, size, canvas])

    pixels = call(
        "framing.js",
        "({ cropAt, wholePixels }, rows) => rows.map((row) => wholePixels(cropAt(...row), row[2]))",
        requests,
    )

    assert pixels == expected


@pytest.mark.parametrize(
    ("rate", "drop"),
    [(Fraction(30000, 1001), True), (Fraction(60000, 1001), True), (Fraction(24000, 1001), False),
     (Fraction(25), False), (Fraction(50), False)],
)  # fmt: skip
def test_timecode_on_the_page_is_that_of_the_timelines(call, rate, drop):
    frames = [0, 1, 1798, 1799, 1800, 3597, 3600, 17981, 17982, 107892, 1000000, 2589407]

    labels = call(
        "time.js",
        "({ FrameClock }, [source, frames]) => {"
        " const clock = new FrameClock(source); return frames.map((n) => clock.label(n)); }",
        [source_of(rate, drop=drop), frames],
    )

    assert labels == [frame_to_timecode(n + 90, round(rate), drop=drop) for n in frames]


def source_of(rate, *, drop=False):
    """A source of a day that begins late on its media's clock, as the service describes one."""
    return {
        "rate": [rate.numerator, rate.denominator], "duration": 24 * 3600 * 60, "start": 90,
        "drop_frame": drop, "first_frame_time": 0.083,
    }  # fmt: skip


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)])
def test_a_time_in_microseconds_names_its_frame_even_after_hours(call, rate):
    wrong = call(
        "time.js",
        "({ FrameClock }, source) => { const clock = new FrameClock(source); const wrong = [];"
        " for (let n = 0; n < 400000; n += 7) {"
        "  const micros = Math.round(clock.timeOf(n, 0) * 1e6);"
        "  if (clock.frameAt(micros / 1e6) !== n || clock.timeOf(n) <= micros / 1e6) wrong.push(n);"
        " } return wrong; }",
        source_of(rate),
    )

    assert wrong == []


def test_where_the_rate_varies_a_table_says_which_frames_show_a_picture(call):
    times = [0.1, 0.14, 0.14, 0.2, 0.24, 0.24, 0.24, 0.4]
    moments = [0.1, 0.139, 0.14, 0.2, 0.24, 0.4, 0.05, 9]

    frames, middles = call(
        "time.js",
        "({ FrameClock }, [times, moments]) => {"
        " const clock = new FrameClock({ rate: [25, 1], duration: 8 }, Float64Array.from(times));"
        " return [moments.map((t) => clock.frameAt(t)), times.map((_, n) => clock.timeOf(n))]; }",
        [times, moments],
    )

    assert frames == [0, 0, 1, 3, 4, 7, 0, 7]
    assert middles == pytest.approx([0.12, 0.17, 0.17, 0.22, 0.32, 0.32, 0.32, 0.42])


def test_the_magnet_takes_the_nearest_place_within_its_reach(call):
    marks = {"pauses": [[100, 130]], "turns": [101, 400], "camera_cuts": [250]}
    reach = {"playhead": 300, "rate": 25, "framesPerPixel": 0.01}
    frames = [98, 99, 129, 248, 252, 299]

    places = call(
        "magnet.js",
        "({ Magnet }, [marks, frames, reach]) => { const magnet = new Magnet();"
        " magnet.take(marks); return frames.map((n) => magnet.snap(n, reach)); }",
        [marks, frames, reach],
    )

    assert [(place["frame"], place["name"]) for place in places] == [
        (100, "begin of a pause"), (100, "begin of a pause"), (130, "end of a pause"),
        (250, "cut of the source"), (250, "cut of the source"), (300, "playhead"),
    ]  # fmt: skip


def test_the_magnet_leaves_a_cut_alone_that_is_far_from_everything(call):
    place = call(
        "magnet.js",
        "({ Magnet }) => { const magnet = new Magnet();"
        " magnet.take({ pauses: [[100, 130]], turns: [], camera_cuts: [] });"
        " return magnet.snap(115, { playhead: 0, rate: 25, framesPerPixel: 0.01 }); }",
        None,
    )

    assert place == {"frame": 115, "name": ""}


@pytest.mark.parametrize(("height", "expected"), [(50, 270), (300, 300), (5000, 1080)])
def test_a_crop_scales_between_the_smallest_and_the_whole_source(call, height, expected):
    left, top, right, bottom = call(
        "framing.js",
        "({ scaleCrop }, height) =>"
        " scaleCrop([400, 200, 1360, 740], height, [1, 1], [1920, 1080], 270)",
        height,
    )

    assert bottom - top == pytest.approx(expected)
    assert (right - left) / (bottom - top) == pytest.approx(16 / 9)
    assert min(left, top) >= 0
    assert right <= 1920
    assert bottom <= 1080


def test_the_page_shows_the_halves_of_a_two_up_as_the_film_does(call):
    rng, requests, expected = random.Random(2), [], []
    for _ in range(60):
        size, canvas = rng.choice(SIZES), rng.choice((*CANVASES, (1282, 722), (854, 480)))
        one, other = (random_shot(rng, size, canvas).crop for _ in range(2))
        two_up = TwoUp(rng.choice(("side_by_side", "stacked")), other)
        shot = Shot(FrameRange(0, 100), (1, 2), one, two_up=two_up)
        expected.append([
            [
                list(whole_pixels(half.visible_crop(crop, size, canvas), size)),
                list(half.rectangle(canvas)),
            ]
            for half, crop in halves_of(shot)
        ])  # fmt: skip
        second = {"layout": two_up.layout, "crop": other.edges}
        requests.append([{"crop": one.edges, "two_up": second}, 5, size, canvas])

    parts = call(
        "framing.js",
        """({ partsAt, wholePixels }, rows) => rows.map((row) => partsAt(...row).map(
            ({ crop, area }) => [wholePixels(crop, row[2]), area]))""",
        requests,
    )

    assert parts == expected
