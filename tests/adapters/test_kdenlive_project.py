"""What a project for Kdenlive holds beside its clips, which `test_adapters` reads back."""

import json
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
import readers
from readers import mlt_property

from otio_speakerzoom.model import AudioStream, Box, CutList, FrameRange, Media, Person, Shot
from otio_speakerzoom.timeline.build import to_otio

WIDE, ANN = Box(0, 0, 1920, 1080), Box(0, 0, 960, 540)
STREAMS = (AudioStream(48000, 2, Fraction(0), 1), AudioStream(48000, 1, Fraction(0), 3))


def a_project(*, rate="25", canvas=(1920, 1080), streams=STREAMS, angles=()):
    media = Media(Path("/a/talk.mp4"), Fraction(rate), 500, (1920, 1080), audio_streams=streams)
    shots = (
        Shot(FrameRange(100, 150), (1,), ANN, "Ann <speaks>", 0.3),
        Shot(FrameRange(150, 200), (), WIDE, "nobody speaks", 0.9),
    )
    cut_list = CutList(media, canvas, shots, (Person(1, (), "Ann"),), angles=angles)
    text = otio.adapters.write_to_string(to_otio(cut_list), "speakerzoom_kdenlive")
    return readers.parse_xml(text)


def document_property(project, name):
    (main_bin,) = project.iterfind("playlist[@id='main_bin']")
    return mlt_property(main_bin, f"kdenlive:docproperties.{name}")


def tracks_of(project):
    """The tractors of the tracks, the lowest first, without the background."""
    elements = {e.get("id"): e for e in project if e.get("id")}
    timeline = project.findall("tractor")[-1]
    return [elements[track.get("producer")] for track in timeline.iterfind("track")][1:]


def test_the_bin_is_the_first_playlist_and_holds_the_source_once():
    """Kdenlive up to 22.12 looks for its document's properties in the first playlist."""
    project = a_project()
    (entry,) = project.find("playlist").iterfind("entry")
    source = project.find(f"producer[@id='{entry.get('producer')}']")

    assert project.find("playlist").get("id") == project.get("producer") == "main_bin"
    assert document_property(project, "version") == "1.04"
    assert mlt_property(source, "resource") == "/a/talk.mp4"
    assert (entry.get("in"), entry.get("out")) == ("0", "499")
    clips = project.findall("playlist/entry")
    ids = {mlt_property(clip, "kdenlive:id") for clip in clips if clip is not entry}
    assert ids == {mlt_property(source, "kdenlive:id")}


@pytest.mark.parametrize("count", range(3))
def test_each_audio_stream_has_a_track_and_the_first_is_next_to_the_video(count):
    project = a_project(streams=STREAMS[:count])
    elements = {e.get("id"): e for e in project if e.get("id")}
    *audio, video = tracks_of(project)

    assert [mlt_property(t, "kdenlive:track_name") for t in (*audio, video)] == [
        *("Audio 2", "Audio 1")[2 - count :], "Video 1",
    ]  # fmt: skip
    indices = []
    for track in audio:
        playlists = [elements[t.get("producer")] for t in track.iterfind("track")]
        assert {t.get("hide") for t in track.iterfind("track")} == {"video"}
        assert {mlt_property(p, "kdenlive:audio_track") for p in (track, *playlists)} == {"1"}
        for entry in playlists[0].iterfind("entry"):
            producer = elements[entry.get("producer")]
            assert mlt_property(producer, "set.test_audio") == "0"
            assert mlt_property(producer, "set.test_image") == "1"
            indices.append(mlt_property(producer, "audio_index"))
    assert indices == ["3", "3", "1", "1"][4 - 2 * count :]
    source = project.find("producer")
    assert mlt_property(source, "kdenlive:clip_type") == ("0" if count else "2")


def test_every_track_is_mixed_or_laid_over_the_black_background():
    project = a_project(angles=(Shot(FrameRange(100, 200), (), WIDE),))
    timeline = project.findall("tractor")[-1]
    joined = [
        [mlt_property(t, name) for name in ("mlt_service", "a_track", "b_track", "internal_added")]
        for t in timeline.iterfind("transition")
    ]

    assert timeline.find("track").get("producer") == "black_track"
    black = project.find("producer[@id='black_track']")
    assert (black.get("in"), black.get("out")) == (timeline.get("in"), timeline.get("out"))
    services = ["mix", "mix", "qtblend", "qtblend"]
    assert joined == [[service, "0", str(n), "237"] for n, service in enumerate(services, 1)]


def test_the_clips_of_a_shot_are_one_group_and_other_angles_are_free():
    project = a_project(angles=(Shot(FrameRange(100, 200), (), WIDE),))
    groups = json.loads(document_property(project, "groups"))
    tracks = [mlt_property(track, "kdenlive:track_name") for track in tracks_of(project)]

    assert tracks == ["Audio 2", "Audio 1", "Wide", "Ann"]
    assert {group["type"] for group in groups} == {"AVSplit"}
    assert [[leaf["data"] for leaf in group["children"]] for group in groups] == [
        ["0:0", "1:0", "3:0"],
        ["0:50", "1:50", "2:50"],
    ]


def test_silent_clips_have_no_group():
    assert json.loads(document_property(a_project(streams=()), "groups")) == []


def test_a_guide_tells_the_reason_of_each_shot_in_the_colour_of_its_category():
    project = a_project()
    categories = json.loads(document_property(project, "guidesCategories"))
    guides = json.loads(document_property(project, "guides"))

    assert [guide["pos"] for guide in guides] == [0, 50]
    assert guides[0]["comment"] == "Ann: Ann <speaks> (confidence 0.30)"
    colours = [categories[guide["type"]]["color"] for guide in guides]
    assert colours == ["#ff0000", "#008000"]
    assert [category["index"] for category in categories] == [0, 1]


@pytest.mark.parametrize(
    ("rate", "canvas", "name"),
    [
        ("25", (1920, 1080), "atsc_1080p_25"),
        ("30000/1001", (1280, 720), "atsc_720p_2997"),
        ("24000/1001", (3840, 2160), "uhd_2160p_2398"),
        ("60", (2560, 1440), "qhd_1440p_60"),
        ("30000/1001", (1080, 1920), ""),
        ("12", (1920, 1080), ""),
    ],
)
def test_the_profile_is_exact_and_has_mlts_name_if_there_is_one(rate, canvas, name):
    """Kdenlive 24.12 calls 29.97 a non-standard rate in a profile without a name."""
    project = a_project(rate=rate, canvas=canvas)
    profile = project.find("profile")
    whole, part = (int(profile.get(f"frame_rate_{key}")) for key in ("num", "den"))

    assert document_property(project, "profile") == name
    assert Fraction(whole, part) == Fraction(rate)
    assert (int(profile.get("width")), int(profile.get("height"))) == canvas


@pytest.mark.parametrize(("rate", "warned"), [("12", False), ("25/2", True), ("59/2", True)])
def test_a_rate_that_kdenlive_does_not_support_is_reported(rate, warned, caplog):
    a_project(rate=rate)

    assert ("a rate that no project in Kdenlive can have" in caplog.text) == warned
