"""Recipes: what Lua reads is what the cut says, whatever its names and numbers."""

import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePosixPath

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from lua import load

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import Box, CropKey, CutList, FrameRange, Media, Person, Shot
from otio_speakerzoom.plugins.lua_text import lua_text
from otio_speakerzoom.plugins.recipe import rate_name, recipe_of
from otio_speakerzoom.timeline.tracks import video_tracks

OTIO = PurePosixPath("/mailbox/cut.otio")
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15)


def recipe_in_lua(cut_list, **options):
    return load(recipe_of(cut_list, OTIO, **options).text())


def one_shot(size, canvas, crop, **fields):
    media = Media(Path("/film/talk.mp4"), Fraction(25), 100, size)
    shot = Shot(FrameRange(0, 100), (), Box(*crop))
    return CutList(media, canvas, (replace(shot, **fields),))


@given(st.dictionaries(st.sampled_from(("a", "b2", "_c")), NUMBERS | st.booleans() | st.binary()))
def test_lua_reads_what_was_written(values):
    read = load(f"return {lua_text(values)}")

    for name, value in values.items():
        expected = value.decode() if isinstance(value, bytes) and is_text(value) else value
        assert read[name] == expected


def is_text(value):
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.text() | st.binary())
def test_no_string_can_leave_its_quotes(text):
    written = lua_text(text)

    assert written.isascii()
    assert re.fullmatch(r'"(?:[A-Za-z0-9 _\-./:]|\\\d{3})*"', written)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2**53 + 1, 1e300])
def test_a_number_that_lua_cannot_hold_is_refused(number):
    with pytest.raises(ValueError, match="cannot hold"):
        lua_text({"zoom": number})


@pytest.mark.parametrize("name", ["a b", "é", "1", "end]", ""])
def test_only_a_name_can_be_a_key(name):
    with pytest.raises(ValueError, match="no name"):
        lua_text({name: 1})


@given(strategies.rich_cut_lists())
def test_a_recipe_covers_each_track_as_the_timeline_does(cut_list):
    recipe = recipe_in_lua(cut_list)
    begin = cut_list.range.start

    for number, (name, clips) in enumerate(video_tracks(cut_list), start=1):
        rows = [row for row in recipe["shots"] if row["track"] == number]
        assert recipe["tracks"][number - 1] == name
        assert [(r["source"], r["duration"], r["record"], r["enabled"]) for r in rows] == [
            (c.shot.range.start, c.shot.range.duration, c.shot.range.start - begin, c.enabled)
            for c in clips
        ]
        assert [("zoom" in row) for row in rows] == [not clip.shot.keys for clip in clips]
    assert recipe["moving"] == any(c.shot.keys for _, cs in video_tracks(cut_list) for c in cs)
    assert [mark["frame"] + begin for mark in recipe["markers"]] == [
        shot.range.start for shot in cut_list.shots
    ]


def test_a_recipe_has_the_numbers_of_the_worked_cases():
    (same,) = recipe_in_lua(one_shot((1920, 1080), (1920, 1080), (960, 100, 1600, 460)))["shots"]
    (tall,) = recipe_in_lua(one_shot((3840, 2160), (1080, 1920), (1500, 200, 2310, 1640)))["shots"]

    assert same["scaling"] == tall["scaling"] == 2
    assert (same["zoom"], same["pan"], same["tilt"]) == pytest.approx((3, -960, -780))
    assert (tall["zoom"], tall["pan"], tall["tilt"]) == pytest.approx(
        (4.740741, 20, -674.2387), abs=1e-4
    )


def test_a_crop_beyond_what_fit_can_move_is_over_fill():
    (row,) = recipe_in_lua(one_shot((3840, 2160), (1080, 1920), (0, 0, 405, 720)))["shots"]

    assert row["scaling"] == 3
    assert row["zoom"] == pytest.approx(3)


def test_a_moving_crop_has_no_numbers_because_the_interface_has_no_keys():
    keys = (CropKey(0, Box(0, 0, 640, 360)), CropKey(50, Box(100, 0, 740, 360)))
    cut_list = one_shot((1920, 1080), (1920, 1080), (0, 0, 640, 360), keys=keys)

    recipe = recipe_in_lua(cut_list)

    assert recipe["moving"]
    assert "zoom" not in recipe["shots"][0]


def test_names_and_paths_arrive_byte_by_byte():
    name = 'Gespräch "1" \\ 🎬'
    media = Media(Path(f"/film/{name}.mov"), Fraction(25), 10, (640, 360))
    people = (Person(1, (1,), "Jürgen\n] .. evil()"),)
    cut_list = CutList(media, (640, 360), (Shot(FrameRange(0, 10), (1,), Box(0, 0, 640, 360)),),
                       people)  # fmt: skip

    recipe = recipe_in_lua(cut_list)

    assert recipe["media"] == [f"/film/{name}.mov"]
    assert recipe["name"] == name
    assert recipe["markers"][0]["name"] == "Jürgen\n] .. evil()"


def test_a_name_that_the_system_writes_in_another_code_page_is_offered_too():
    cut_list = one_shot((640, 360), (640, 360), (0, 0, 640, 360))

    recipe = recipe_in_lua(cut_list, media_paths=[b"/film/\xc3\xa4.mov", b"/film/\xe4.mov"])

    assert recipe["media"] == ["/film/ä.mov", b"/film/\xe4.mov"]


def test_a_rate_that_resolve_has_no_timelines_for_is_refused_with_the_command_that_helps():
    cut_list = one_shot((640, 360), (640, 360), (0, 0, 640, 360))
    odd = replace(cut_list, media=replace(cut_list.media, rate=Fraction(15)))

    with pytest.raises(TimelineError, match=r"talk.mp4: no timeline in Resolve .* fps=30"):
        recipe_of(odd, OTIO)


@pytest.mark.parametrize(
    ("rate", "name"),
    [("24000/1001", "23.976"), ("25", "25"), ("30000/1001", "29.97"), ("60000/1001", "59.94"),
     ("120000/1001", "119.88")],
)  # fmt: skip
def test_rates_are_named_as_in_the_settings_of_a_project(rate, name):
    assert rate_name(Fraction(rate)) == name


def test_each_request_has_an_id_of_its_own():
    cut_list = one_shot((640, 360), (640, 360), (0, 0, 640, 360))

    assert recipe_of(cut_list, OTIO).id != recipe_of(cut_list, OTIO).id


def test_a_recipe_of_many_shots_is_one_that_lua_can_load():
    media = Media(Path("/film/talk.mp4"), Fraction(25), 40_000, (1920, 1080))
    shots = tuple(
        Shot(FrameRange(n, n + 2), (), Box(n / 50, 1, n / 50 + 640, 361))
        for n in range(0, 40_000, 2)
    )

    assert len(recipe_in_lua(CutList(media, (1920, 1080), shots))["shots"]) == 20_000
