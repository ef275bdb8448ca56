"""Projects as Kdenlive saves them: sequences, mixes, disabled clips, its effect "Transform"."""

import re
from fractions import Fraction

import pytest

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.edited_timeline import TransformKey
from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.timeline.transform import Transform

HD = MediaHints((1920, 1080), (1920, 1080))
SOURCE = """<chain id="{id}" out="00:00:19.960"><property name="length">500</property>
<property name="resource">{media}</property>
<property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">4</property>
<property name="set.test_audio">{silent}</property>
<property name="set.test_image">{unseen}</property></chain>"""
PROFILE = '<profile width="1920" height="1080" frame_rate_num="25" frame_rate_den="1"/>'
BIN = """<playlist id="main_bin"><property name="kdenlive:docproperties.version">1.1</property>
<entry producer="shown" in="0" out="499"/></playlist>"""
TITLE = """<producer id="title"><property name="mlt_service">kdenlivetitle</property></producer>"""
BLACK = """<producer id="black" in="0" out="999"><property name="mlt_service">color</property>
<property name="kdenlive:playlistid">black_track</property></producer>"""


def effect(rect, **properties):
    values = {"rect": rect, "rotation": "00:00:04.000=0", "compositing": 0, "distort": 0}
    values |= {"mlt_service": "qtblend", "kdenlive_id": "qtblend", **properties}
    text = "".join(f'<property name="{name}">{value}</property>' for name, value in values.items())
    return f"<filter>{text}</filter>"


def entry(first, last, inside="", producer="shown"):
    return f'<entry producer="{producer}" in="{first}" out="{last}">{inside}</entry>'


def track(name, clips, mixes="", transitions="", hide="audio"):
    """A video track as Kdenlive writes it: a tractor of two playlists."""
    parts = "".join(f'<track hide="{hide}" producer="{name}{n}"/>' for n in "ab")
    return (
        f'<playlist id="{name}a">{clips}</playlist><playlist id="{name}b">{mixes}</playlist>'
        f'<tractor id="{name}"><property name="kdenlive:track_name">{name}</property>{parts}'
        f"{transitions}</tractor>"
    )


def sequence(tracks, name="Sequence 1", uuid="{1}", inside=""):
    played = "".join(f'<track producer="{t}"/>' for t in ("black", *tracks))
    return (
        f'<tractor id="{uuid}"><property name="kdenlive:uuid">{uuid}</property>'
        f'<property name="kdenlive:clipname">{name}</property>{played}{inside}</tractor>'
    )


def project(*body, media="talk.mp4"):
    sources = "".join(
        SOURCE.format(id=id_, media=media, silent=1, unseen=unseen)
        for id_, unseen in (("shown", 0), ("off", 1))
    )
    whole = '<tractor id="t9"><property name="kdenlive:projectTractor">1</property>'
    return (
        f'<mlt root="/media/Anna" producer="main_bin">{PROFILE}{sources}{TITLE}{BLACK}'
        f'{"".join(body)}{BIN}{whole}<track producer="{{1}}"/></tractor></mlt>'
    )


def read(folder, text, hints=HD):
    path = folder / "edited.kdenlive"
    path.write_text(text)
    return read_timeline(path, hints)


def clip_with(folder, inside, hints=HD):
    text = project(track("v", entry(100, 199, inside)), sequence(["v"]))
    (clip,) = read(folder, text, hints).tracks[0]
    return clip


def test_the_sequence_of_a_project_is_read(tmp_path):
    """Relative media, times as clocks and as frames, black below, and a disabled clip."""
    clips = '<blank length="00:00:02.000"/>' + entry("00:00:04.000", "00:00:07.960")
    above = entry(100, 149, producer="off")
    text = project(track("v", clips), track("w", above), sequence(["v", "w"], "Talk"))
    timeline = read(tmp_path, text)

    assert (timeline.host, timeline.name, timeline.rate) == ("kdenlive", "Talk", Fraction(25))
    assert timeline.warnings == ()
    (clip,), (other,) = timeline.tracks
    assert (clip.record, clip.source) == (FrameRange(50, 150), FrameRange(100, 200))
    assert (clip.media, clip.name, clip.enabled) == ("/media/Anna/talk.mp4", "talk.mp4", True)
    assert (other.source, other.enabled) == (FrameRange(100, 150), False)


def test_one_of_several_sequences_is_chosen_by_name(tmp_path):
    text = project(
        track("v", entry(0, 49)), track("w", entry(50, 59)),
        sequence(["v"], "Talk"), sequence(["w"], "Short", "{2}"),
    )  # fmt: skip
    with pytest.raises(TimelineError, match="holds 2 sequences: 1 'Talk', 2 'Short'"):
        read(tmp_path, text)
    (clip,) = read(tmp_path, text, MediaHints((1920, 1080), sequence="Short")).clips
    assert clip.source == FrameRange(50, 60)


def test_a_nested_sequence_is_unsupported_and_the_one_that_plays_the_recording_is_read(tmp_path):
    text = project(
        track("v", entry(0, 49)), sequence(["v"], "Talk"),
        track("w", entry(0, 49, producer="{1}")), sequence(["w"], "All", "{2}"),
    )  # fmt: skip
    hints = MediaHints((1920, 1080), media_name="talk.mp4")
    assert read(tmp_path, text, hints).name == "Talk"
    (nested,) = read(tmp_path, text, MediaHints((1920, 1080), sequence="All")).clips
    assert (nested.source, nested.unsupported) == (None, "is a nested sequence")


@pytest.mark.parametrize("cut_before_end", [0, 12, 30])
def test_a_mix_is_a_cut_where_it_lay_and_a_warning(tmp_path, cut_before_end):
    """The clips overlap from 70 to 100, each on a playlist of its own."""
    mix = f'<property name="kdenlive:mixcut">{cut_before_end}</property>'
    mix = f'<transition in="00:00:02.800" out="100">{mix}</transition>'
    later = '<blank length="30"/>' + entry(300, 319)
    both = track("v", entry(0, 99) + later, '<blank length="70"/>' + entry(200, 259), mix)
    timeline = read(tmp_path, project(both, sequence(["v"])))

    (clips,) = timeline.tracks
    cut = 100 - cut_before_end
    shown = [(0, cut, 0), (cut, 130, 200 + cut - 70), (130, 150, 300)]
    assert [(c.record.start, c.record.end, c.source.start) for c in clips] == [
        row for row in shown if row[0] < row[1]
    ]
    assert timeline.warnings == ("a transition at frame 70",)


def test_a_mix_that_cannot_be_read_is_a_warning_and_the_clips_are_read(tmp_path):
    both = track("v", entry(0, 99), "", '<transition in="x"/>')
    timeline = read(tmp_path, project(both, sequence(["v"])))

    assert len(timeline.clips) == 1
    assert timeline.warnings == ("a transition that cannot be read",)


def test_a_composition_of_the_editor_is_a_warning_and_what_kdenlive_adds_is_none(tmp_path):
    internal = '<transition><property name="internal_added">237</property></transition>'
    theirs = '<transition in="00:00:01.000" out="40"/>'
    text = project(track("v", entry(0, 99)), sequence(["v"], inside=internal + theirs))

    assert read(tmp_path, text).warnings == ("a transition at frame 25",)


def test_a_title_hides_nothing_and_is_named_for_what_it_is(tmp_path):
    text = project(
        track("v", entry(0, 99)), track("w", entry(0, 49, producer="title")), sequence(["v", "w"])
    )
    title = read(tmp_path, text).tracks[1][0]

    assert (title.opaque, title.unsupported) == (False, "has no media of its own")


# The effect ---------------------------------------------------------------------------------------


def test_keys_of_a_transform_count_from_the_sources_first_frame(tmp_path):
    """As Kdenlive saves them: clocks in an effect that was selected, frames in all others."""
    keys = "00:00:04.000=0 0 1920 1080 1.000000;150=-960 -540 3840 2160 1"
    clip = clip_with(tmp_path, effect(keys, rotation="00:00:04.000=0;150=0"))

    assert (clip.unsupported, clip.has_transform) == ("", True)
    assert clip.keys == (
        TransformKey(100, Transform(1.0, 0.0, 0.0)), TransformKey(150, Transform(2.0, 0.0, 0.0))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rect", "size", "shown"),
    [
        ("-960 -540 3840 2160 1", (1920, 1080), (2.0, 0.0, 0.0)),
        ("100=0 0 960 1080 1", (1920, 1080), (0.5, -480.0, 0.0)),
        ("0 0 1920 540 1", (1920, 1080), (0.5, 0.0, -270.0)),
        ("0 0 1920 1080 1", (1080, 1920), (0.5625, 0.0, 0.0)),
    ],
)
def test_a_frame_lies_inside_a_rectangle_of_another_shape(tmp_path, rect, size, shown):
    """As melt 7.12 shows it: as large as fits, in the rectangle's middle."""
    clip = clip_with(tmp_path, effect(rect), MediaHints(size, (1920, 1080)))

    assert (clip.transform, clip.unsupported) == (Transform(*shown), "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rotation": "100=0;150=5"}, "is rotated"),
        ({"distort": 1}, "is stretched"),
        ({"compositing": 11}, "is blended with it"),
        ({"rect": "0 0 960 1080 0.5"}, "is partly transparent"),
        ({"rect": "100=0 0 960 1080 1;150~=0 0 960 1080 1"}, "does not move linearly"),
        ({"rect": "nothing"}, "has a rectangle that cannot be read"),
        ({"mlt_service": "box_blur"}, "has the filter box_blur"),
    ],
)
def test_what_no_crop_can_express_is_unsupported(tmp_path, changes, reason):
    clip = clip_with(tmp_path, effect(**{"rect": "0 0 960 1080 1", **changes}))

    assert reason in clip.unsupported


def test_an_effect_that_is_off_and_a_clip_without_one_leave_the_frame_to_the_host(tmp_path):
    for inside in ("", effect("0 0 960 540 1", disable=1)):
        clip = clip_with(tmp_path, inside)
        assert (clip.has_transform, clip.unsupported) == (False, "")


# What `check` says --------------------------------------------------------------------------------


def a_file(folder, make_clip, *changes):
    media = make_clip("checked.mp4", seconds=1)
    source = Media(media, Fraction(25), 25, (320, 180))
    shot = Shot(FrameRange(0, 25), (), Box(0, 0, 320, 180))
    text = timeline_text(CutList(source, (320, 180), (shot,)), *FORMATS[".kdenlive"]["kdenlive"])
    for was, now in changes:
        text, count = re.subn(was, now, text, count=1)
        assert count
    path = folder / "checked.kdenlive"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ((), None),
        ((('version">1.04', 'version">'),), "no version of Kdenlive's document"),
        ((('id">2<', 'id">3<'),), "its track Video 1 has a clip that is not in the project bin"),
    ],
)
def test_check_says_what_kdenlive_would_not_open(tmp_path, make_clip, changes, problem):
    problems = check(a_file(tmp_path, make_clip, *changes)).problems

    assert [problem in line for line in problems] == ([True] if problem else [])
