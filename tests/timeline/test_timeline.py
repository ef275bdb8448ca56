from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given, settings
from strategies import cut_lists

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import AudioStream, Box, CutList, FrameRange, Media, Person, Shot
from otio_speakerzoom.source import probe
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.facts import clip_crop, read_facts, shots_of
from otio_speakerzoom.timeline.media_paths import relocate, url_path

unhurried = settings(deadline=None)
STEREO = AudioStream(48000, 2, Fraction(0))


def talk(**changes):
    defaults = {
        "path": Path("/a/talk.mp4"),
        "rate": Fraction(30000, 1001),
        "duration": 300,
        "size": (1920, 1080),
        "start": 107892,
        "drop_frame": True,
        "audio_streams": (STEREO,),
    }
    return Media(**{**defaults, **changes})


def two_shots(media):
    people = (Person(4, (1,), "Anna"), Person(7, (2,)))
    shots = (
        Shot(FrameRange(30, 100), (), Box(0, 0, 1920, 1080), "both speak"),
        Shot(FrameRange(100, 250), (7,), Box(960, 100, 1600, 460), "answers"),
    )
    return CutList(media, (1920, 1080), shots, people)


@unhurried
@given(cut_lists())
def test_frames_and_crops_come_back_exactly(cut_list):
    read = shots_of(to_otio(cut_list))

    assert [(s.source, s.crop, s.reason) for s in read] == [
        (s.range, s.crop, s.reason) for s in cut_list.shots
    ]
    assert read[0].record.start == 0
    assert all(before.record.end == after.record.start for before, after in pairwise(read))


@unhurried
@given(cut_lists())
def test_a_timeline_survives_otios_own_file(cut_list):
    timeline = to_otio(cut_list)
    text = timeline.to_json_string()
    loaded = otio.adapters.read_from_string(text, "otio_json")

    assert read_facts(loaded) == read_facts(timeline)
    for shot, meant in zip(shots_of(loaded), shots_of(timeline), strict=True):
        assert (shot.record, shot.source, shot.name) == (meant.record, meant.source, meant.name)
        # OTIO's JSON reader may lose a float's last bit.
        assert (*shot.crop.centre, shot.crop.width, shot.crop.height) == pytest.approx(
            (*meant.crop.centre, meant.crop.width, meant.crop.height)
        )


@unhurried
@given(cut_lists())
def test_the_facts_of_the_source_come_back_exactly(cut_list):
    facts, media = read_facts(to_otio(cut_list)), cut_list.media

    assert (facts.path, facts.name) == (str(media.path), media.path.stem)
    assert facts.file_name == media.path.name
    assert (facts.rate, facts.duration, facts.start) == (media.rate, media.duration, media.start)
    assert (facts.size, facts.canvas) == (media.size, cut_list.canvas)
    assert (facts.drop_frame, facts.rotation) == (media.drop_frame, media.rotation)
    assert (facts.variable_rate, facts.audio_streams) == (media.variable_rate, media.audio_streams)
    assert (facts.video_stream, facts.field_order, facts.colour) == (
        media.video_stream,
        media.field_order,
        media.colour,
    )


@unhurried
@given(cut_lists())
def test_the_same_cut_list_gives_the_same_bytes(cut_list):
    assert to_otio(cut_list).to_json_string() == to_otio(cut_list).to_json_string()


def test_clips_count_with_the_files_timecode_and_refer_to_all_of_it():
    timeline = to_otio(two_shots(talk()))
    first, second = timeline.video_tracks()[0]

    assert [c.source_range.start_time.value for c in (first, second)] == [107922, 107992]
    assert [c.source_range.duration.value for c in (first, second)] == [70, 150]
    assert first.media_reference.available_range.start_time.value == 107892
    assert first.media_reference.available_range.duration.value == 300
    assert second.range_in_parent().start_time.value == 70


def test_a_clip_carries_its_people_and_reason():
    first, second = to_otio(two_shots(talk())).video_tracks()[0]

    assert (first.name, second.name) == ("Wide", "Person 7")
    noted = dict(second.metadata["speakerzoom"])
    assert (list(noted.pop("subjects")), list(noted.pop("keys"))) == ([7], [])
    assert noted == {
        "link": 2,
        "kind": "single",
        "shows": "Person 7",
        "reason": "answers",
        "confidence": 1.0,
        "locked": False,
        "start": 100,
        "end": 250,
    }
    assert clip_crop(second) == Box(960, 100, 1600, 460)


def test_audio_is_cut_with_the_video_and_linked_to_it():
    timeline = to_otio(two_shots(talk()))
    (picture,), (sound,) = timeline.video_tracks(), timeline.audio_tracks()

    assert [c.source_range for c in sound] == [c.source_range for c in picture]
    assert [c.metadata["speakerzoom"]["link"] for c in sound] == [1, 2]


def test_a_silent_source_has_no_audio_track():
    timeline = to_otio(two_shots(talk(audio_streams=())))

    assert not timeline.audio_tracks()
    assert read_facts(timeline).first_audio is None


@pytest.mark.parametrize("noted", [{}, {"speakerzoom": {}}, {"speakerzoom": {"rate": [25, 1]}}])
def test_a_foreign_timeline_is_refused_by_name(noted):
    timeline = otio.schema.Timeline("theirs", metadata=noted)

    with pytest.raises(TimelineError, match=r"^theirs: .* `speakerzoom export`$"):
        read_facts(timeline)


def test_a_timeline_edited_elsewhere_is_refused():
    gapped, bare, beyond = (to_otio(two_shots(talk())) for _ in range(3))
    gap = otio.opentime.TimeRange(duration=otio.opentime.RationalTime(9, 30000 / 1001))
    gapped.video_tracks()[0].insert(1, otio.schema.Gap(source_range=gap))
    bare.video_tracks()[0][0].effects.clear()
    beyond.video_tracks()[0][0].source_range = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, 30000 / 1001), otio.opentime.RationalTime(5, 30000 / 1001)
    )

    with pytest.raises(TimelineError, match="has a gap on its video track at frame 70"):
        shots_of(gapped)
    with pytest.raises(TimelineError, match="no speakerzoom framing"):
        shots_of(bare)
    with pytest.raises(TimelineError, match="of a source of 300"):
        shots_of(beyond)


@pytest.mark.parametrize(
    "edges",
    [[0, 0, float("nan"), 9], [0, 0, float("inf"), 9], [5, 0, 5, 9], [9, 0, 5, 9], [0, 1, 2]],
)
@pytest.mark.parametrize("moving", [False, True])
def test_a_crop_that_is_no_part_of_a_frame_is_refused(edges, moving):
    timeline = to_otio(two_shots(talk()))
    clip = timeline.video_tracks()[0][0]
    if moving:
        clip.metadata["speakerzoom"]["keys"] = [[30, *edges]]
    else:
        clip.effects[0].metadata["speakerzoom"]["crop"] = edges

    with pytest.raises(TimelineError, match=r"^Wide: .* is not a part of a frame; export again"):
        shots_of(timeline)


def test_a_file_name_that_is_not_utf8_is_refused():
    with pytest.raises(TimelineError, match="rename it"):
        to_otio(two_shots(talk(path=Path("/a/bad\udcff.mp4"))))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a b/100%.mp4", "/a%20b/100%25.mp4"),
        ("/Ä/🎬&.mp4", "/%C3%84/%F0%9F%8E%AC%26.mp4"),
        ("C:\\clips\\a b.mp4", "/C%3A/clips/a%20b.mp4"),
        ("\\\\server\\share\\a.mp4", "//server/share/a.mp4"),
    ],
)
def test_paths_of_every_system_become_url_paths(path, expected):
    assert url_path(path) == expected


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("/Volumes/Media", "/Volumes/Media/day 1/talk.mp4"),
        ("/", "/day 1/talk.mp4"),
        ("D:\\footage\\", "D:\\footage\\day 1\\talk.mp4"),
        ("D:/footage", "D:/footage/day 1/talk.mp4"),
        ("\\\\server\\share", "\\\\server\\share\\day 1\\talk.mp4"),
    ],
)
@pytest.mark.parametrize("old", ["/mnt/media", "/mnt/media/"])
def test_media_is_found_where_another_machine_has_it(old, new, expected):
    assert relocate("/mnt/media/day 1/talk.mp4", old, new) == expected


@pytest.mark.parametrize(
    "old", [".", "./media", "media/", "media/../media", "link", "link/day 1/.."]
)
def test_a_root_is_the_folder_that_the_system_finds_under_its_name(old, tmp_path, monkeypatch):
    film = tmp_path / "media" / "day 1" / "talk.mp4"
    film.parent.mkdir(parents=True)
    film.touch()
    (tmp_path / "link").symlink_to("media")
    monkeypatch.chdir(tmp_path)
    inside = "media/day 1/talk.mp4" if old == "." else "day 1/talk.mp4"

    for named in ("media", "link"):
        if (old, named) != (".", "link"):
            path = str(tmp_path / named / "day 1" / "talk.mp4")
            assert relocate(path, old, "/x") == f"/x/{inside}"


def test_a_link_to_the_file_is_also_found_where_it_points_to(tmp_path):
    film, link = tmp_path / "media" / "talk.mp4", tmp_path / "desk" / "today.mp4"
    for path in (film, link):
        path.parent.mkdir()
    film.touch()
    link.symlink_to(film)

    assert relocate(str(link), str(tmp_path / "desk"), "/x") == "/x/today.mp4"
    assert relocate(str(link), str(tmp_path / "media"), "/x") == "/x/talk.mp4"
    with pytest.raises(TimelineError, match="give --media-root a folder that contains it"):
        relocate(str(link), str(link), "/x")


def test_a_timeline_names_the_file_as_its_user_does(ntsc_clip, tmp_path, monkeypatch):
    """Not what a link points to: an editor looks for it under the name that people use."""
    volume = tmp_path / "Volume"
    volume.symlink_to(ntsc_clip.parent)
    link = tmp_path / "today.mp4"
    link.symlink_to(ntsc_clip)
    monkeypatch.chdir(volume)
    monkeypatch.setenv("PWD", str(volume))

    names = {
        volume / "ntsc.mp4": volume / "ntsc.mp4",
        volume / ".." / ntsc_clip.parent.name / "ntsc.mp4": ntsc_clip,  # out of the link again
        tmp_path / "Volume" / ".." / "today.mp4": ntsc_clip.parent.parent / "today.mp4",
        Path("ntsc.mp4"): volume / "ntsc.mp4",
        link: link,
    }
    (ntsc_clip.parent.parent / "today.mp4").symlink_to(ntsc_clip)
    for named, expected in names.items():
        assert probe(named).path == expected


def test_a_root_that_the_media_does_not_lie_in_is_refused():
    with pytest.raises(TimelineError, match="is not in /mnt/med;"):
        relocate("/mnt/media/talk.mp4", "/mnt/med", "/x")
    with pytest.raises(TimelineError, match="not an absolute path"):
        relocate("/mnt/media/talk.mp4", "/mnt/media", "elsewhere")


def test_a_timeline_for_another_machine_names_the_media_there():
    timeline = to_otio(two_shots(talk()), path="D:\\a b\\talk.mp4")
    clip = timeline.video_tracks()[0][0]

    assert clip.media_reference.target_url == "file:///D:/a%20b/talk.mp4"
    assert (read_facts(timeline).path, read_facts(timeline).file_name) == (
        "D:\\a b\\talk.mp4",
        "talk.mp4",
    )


def test_a_clip_has_the_bounds_of_its_frame_and_a_marker_by_confidence():
    cut_list = two_shots(talk())
    doubtful = replace(cut_list.shots[1], confidence=0.3, locked=True)
    first, second = to_otio(replace(cut_list, shots=(cut_list.shots[0], doubtful))).video_tracks()[
        0
    ]
    bounds = first.media_reference.available_image_bounds

    assert (bounds.min.x, bounds.min.y, bounds.max.x, bounds.max.y) == (0, 0, 1920, 1080)
    assert [clip.markers[0].color for clip in (first, second)] == ["GREEN", "RED"]
    assert second.markers[0].marked_range.start_time.value == 107992
    assert second.metadata["speakerzoom"]["locked"]


@pytest.mark.parametrize("angled", [False, True])
def test_the_timeline_has_the_markers_of_its_shots_in_record_time(angled):
    """Kdenlive makes guides of the stack's markers; it shows none of a clip's on the timeline."""
    cut_list = two_shots(talk())
    doubtful = replace(cut_list.shots[1], confidence=0.3)
    other = Shot(FrameRange(30, 250), (), Box(0, 0, 1920, 1080), "another angle")
    angles = (other,) if angled else ()
    shots = (cut_list.shots[0], doubtful)
    timeline = to_otio(replace(cut_list, shots=shots, angles=angles))

    rate = 30000 / 1001
    assert [
        (m.name, m.comment, m.marked_range.start_time, m.marked_range.duration.value, m.color)
        for m in timeline.tracks.markers
    ] == [
        (
            "Wide",
            "Wide: both speak (confidence 1.00)",
            otio.opentime.RationalTime(0, rate),
            1,
            "GREEN",
        ),
        (
            "Person 7",
            "Person 7: answers (confidence 0.30)",
            otio.opentime.RationalTime(70, rate),
            1,
            "RED",
        ),
    ]


def test_a_source_of_variable_rate_is_written_on_the_constant_grid_it_is_read_on(vfr_clip):
    media = probe(vfr_clip)
    shot = Shot(FrameRange(10, media.duration), (), Box(0, 0, 320, 180))
    (clip,) = to_otio(CutList(media, (320, 180), (shot,))).video_tracks()[0]

    assert media.variable_rate
    assert clip.source_range.start_time.rate == media.rate == 30
    assert clip.source_range.start_time.to_seconds() == pytest.approx(10 / 30)
    assert clip.available_range().duration.to_seconds() == pytest.approx(2, abs=1 / 20)
