"""What editors do to a clip is read or reported, and does not affect other clips.

Each file here is written by hand, as small as possible, after what the editors write.
"""

import json
from fractions import Fraction

import pytest

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.read import MediaHints, TransformKey, read_timeline
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.timeline.transform import Transform

HD = MediaHints((1920, 1080), (1920, 1080))


def read(folder, name, text, hints=HD):
    path = folder / name
    path.write_text(text)
    return read_timeline(path, hints)


def ranges(track):
    return [(clip.record, clip.source) for clip in track]


# Final Cut Pro 7 XML ------------------------------------------------------------------------------

FILE = """<file id="f"><name>a.mov</name><pathurl>file:///m/a.mov</pathurl>
<duration>900</duration><media><video><samplecharacteristics><width>1920</width><height>1080</height>
</samplecharacteristics></video></media></file>"""


def xmeml(*tracks, name="Cut", file=FILE, around="{}"):
    """A document of video tracks, each the text of its items; a bin describes the file."""
    inside = "".join(f"<track>{track}</track>" for track in tracks)
    sequence = (
        f"<sequence><name>{name}</name><rate><timebase>25</timebase></rate><media><video><format>"
        "<samplecharacteristics><width>1920</width><height>1080</height></samplecharacteristics>"
        f"</format>{inside}</video></media></sequence>"
    )
    clip = f'<clip id="master"><media><video><track><clipitem>{file}</clipitem></track></video>'
    bin_ = f"<bin><children>{clip}</media></clip></children></bin>"
    return f"<xmeml>{bin_}{around.format(sequence)}</xmeml>"


def item(start, end, begin, stop, inside="", file='<file id="f"/>', name="x"):
    edges = {"start": start, "end": end, "in": begin, "out": stop}
    text = "".join(f"<{key}>{value}</{key}>" for key, value in edges.items())
    return f"<clipitem><name>{name}</name>{text}{file}{inside}</clipitem>"


def transition(start, end, alignment="center"):
    return (
        f"<transitionitem><start>{start}</start><end>{end}</end>"
        f"<alignment>{alignment}</alignment></transitionitem>"
    )


def effect(kind, enabled="TRUE", **values):
    parameters = "".join(
        f"<parameter><parameterid>{key}</parameterid><value>{value}</value></parameter>"
        for key, value in values.items()
    )
    return (
        f"<filter><enabled>{enabled}</enabled><effect><effectid>{kind}</effectid>{parameters}"
        "</effect></filter>"
    )


@pytest.mark.parametrize(
    ("alignment", "cuts"),
    [("center", (100, 200)), ("start-black", (90, 190)), ("end-black", (110, 210))],
)
def test_an_edge_inside_a_dissolve_comes_from_the_transition(tmp_path, alignment, cuts):
    """`in` and `out` reach to the far ends of the dissolves; the transition places the cut."""
    first, second = cuts
    track = (
        item(0, -1, 0, 110)
        + transition(90, 110, alignment)
        + item(-1, -1, 90, 210)
        + transition(190, 210, alignment)
        + item(-1, 300, 190, 300)
    )
    timeline = read(tmp_path, "a.xml", xmeml(track))

    assert ranges(timeline.tracks[0]) == [
        (FrameRange(a, b), FrameRange(a, b))
        for a, b in ((0, first), (first, second), (second, 300))
    ]
    assert {clip.unsupported for clip in timeline.tracks[0]} == {""}
    assert timeline.warnings == ("a transition at frame 90", "a transition at frame 190")


def test_a_clip_with_an_edge_in_a_missing_transition_is_placed_by_its_other_edge(
    tmp_path,
):
    timeline = read(
        tmp_path, "a.xml", xmeml(item(-1, 100, 40, 90) + item(-1, -1, 0, 9) + item(100, -1, 0, 7))
    )

    assert ranges(timeline.tracks[0]) == [
        (FrameRange(50, 100), FrameRange(40, 90)),
        (FrameRange(100, 107), FrameRange(0, 7)),
    ]
    assert "has no place in the programme" in timeline.warnings[0]


def test_frame_numbers_with_a_point_are_frame_numbers(tmp_path):
    (clip,) = read(tmp_path, "a.xml", xmeml(item("4.0", "104.25", "4.0", "104.25"))).tracks[0]

    assert (clip.record, clip.source) == (FrameRange(4, 104), FrameRange(4, 104))
    with pytest.raises(TimelineError, match="it has no video clip"):
        read(tmp_path, "b.xml", xmeml(item("1e400", "2", "0", "1") + item("1e30", "2", "0", "1")))


def test_a_placeholder_without_length_is_a_warning(tmp_path):
    timeline = read(tmp_path, "a.xml", xmeml(item(0, 50, 0, 50) + item(50, 50, 7, 7, name="empty")))

    assert len(timeline.tracks[0]) == 1
    assert timeline.warnings == ("the clip 'empty' at frame 50 has no length",)


def test_effects_that_are_off_or_do_nothing_change_nothing(tmp_path):
    """Resolve writes an empty crop and a speed of 100 % on every clip."""
    nothing = effect("crop", left=0, right=0, top=0, bottom=0)
    nothing += effect("timeremap", speed=100, variablespeed=0, reverse="FALSE")
    off = effect("crop", "FALSE", left=9) + effect("timeremap", "FALSE", speed=50)
    off += effect("basic", "FALSE", scale=250)
    real = effect("crop", left=9) + effect("timeremap", speed=50)
    track = item(0, 9, 0, 9, nothing) + item(9, 18, 9, 18, off) + item(18, 27, 18, 27, real)
    first, second, third = read(tmp_path, "a.xml", xmeml(track)).tracks[0]

    assert (first.unsupported, second.unsupported) == ("", "")
    assert second.transform == Transform(1.0, 0.0, 0.0)
    assert third.unsupported == "plays at another speed, has a crop effect"
    assert [clip.has_transform for clip in (first, second)] == [False, False]


def test_a_file_that_only_a_master_clip_in_a_bin_describes_is_read(tmp_path):
    master = "<masterclipid>master</masterclipid>"
    track = item(0, 9, 0, 9) + item(9, 18, 9, 18, master, file="")
    clips = read(tmp_path, "a.xml", xmeml(track)).tracks[0]

    assert [(clip.media, clip.size) for clip in clips] == [("/m/a.mov", (1920, 1080))] * 2


def test_titles_and_nested_sequences_are_unsupported(tmp_path):
    graphic = '<file id="g"><name>Title</name><mediaSource>GraphicAndType</mediaSource></file>'
    nested = "<sequence><media><video><track/></video></media></sequence>"
    generator = item(0, 9, 0, 9, file="").replace("clipitem", "generatoritem")
    track = item(0, 9, 0, 9, file=graphic) + item(9, 18, 0, 9, nested, file="")
    (title, inner), (matte,) = read(tmp_path, "a.xml", xmeml(track, generator)).tracks

    assert (title.unsupported, title.opaque) == ("has no media of its own", False)
    assert (inner.unsupported, inner.opaque) == ("is a nested sequence", True)
    assert (matte.source, matte.opaque) == (None, True)


# FCPXML -------------------------------------------------------------------------------------------


def fcpxml(
    spine, *, form='frameDuration="1/25s" width="1920" height="1080"', inside=False, start=0
):
    resources = (
        f'<resources><format id="r1" {form}/>'
        f'<asset id="r2" src="file:///m/a.mov" start="{start}s" duration="40s" format="r1" '
        'hasVideo="1"/><asset id="r3" src="file:///m/b.wav" duration="40s" hasAudio="1"/>'
        "</resources>"
    )
    sequence = f'<sequence format="r1"><spine>{spine}</spine></sequence>'
    project = f'<project name="Cut">{resources if inside else ""}{sequence}</project>'
    return f'<fcpxml version="1.10">{"" if inside else resources}{project}</fcpxml>'


def asset_clip(offset, start, duration, inside="", more=""):
    return (
        f'<asset-clip ref="r2" offset="{offset}" start="{start}" duration="{duration}" {more}>'
        f"{inside}</asset-clip>"
    )


def test_the_pick_of_an_audition_is_read(tmp_path):
    """It is the first clip in the audition, whose place it takes."""
    pick = '<asset-clip ref="r2" start="4s" duration="2s" name="pick"/>'
    other = '<asset-clip ref="r2" start="9s" duration="3s"/>'
    spine = asset_clip("0s", "0s", "1s") + f'<audition offset="1s">{pick}{other}</audition>'
    _, clip = read(tmp_path, "a.fcpxml", fcpxml(spine)).tracks[0]

    assert (clip.name, clip.unsupported) == ("pick", "")
    assert (clip.record, clip.source) == (FrameRange(25, 75), FrameRange(100, 150))


def test_a_retimed_clip_of_a_file_with_timecode_plays_by_its_time_map(tmp_path):
    """At half speed from 01:00:02 on: 4 s of the programme, 2 s of the file."""
    mapped = (
        '<timeMap><timept time="0s" value="3600s"/><timept time="80s" value="3640s"/></timeMap>'
    )
    still = '<timeMap><timept time="0s" value="3602s"/><timept time="8s" value="3602s"/></timeMap>'
    spine = asset_clip("0s", "4s", "4s", mapped) + asset_clip("4s", "0s", "1s", still)
    spine += asset_clip("5s", "3605s", "1s")
    slow, frozen, plain = read(tmp_path, "a.fcpxml", fcpxml(spine, start=3600)).tracks[0]

    assert (slow.record, slow.source) == (FrameRange(0, 100), FrameRange(50, 100))
    assert slow.unsupported == frozen.unsupported == "plays at another speed"
    assert frozen.source is None
    assert (plain.source, plain.unsupported) == (FrameRange(125, 150), "")


@pytest.mark.parametrize("outer", ["", 'position="10 0"'])
def test_keys_of_one_axis_move_the_clip(tmp_path, outer):
    """Final Cut nests X and Y: one may move and the other stand still, at its own value."""
    keys = '<keyframe time="1s" value="0"/><keyframe time="2s" value="10"/>'
    x = f'<param name="X"><keyframeAnimation>{keys}</keyframeAnimation></param>'
    y = '<param name="Y" value="5"/>'
    spine = asset_clip(
        "0s", "1s", "2s",
        f'<adjust-transform {outer}><param name="position">{x}{y}</param></adjust-transform>',
    )  # fmt: skip
    (clip,) = read(tmp_path, "a.fcpxml", fcpxml(spine)).tracks[0]

    assert clip.keys == (
        TransformKey(25, Transform(1.0, 0.0, -54.0)),
        TransformKey(50, Transform(1.0, 108.0, -54.0)),
    )


def test_scale_that_moves_on_one_axis_only_is_a_stretch(tmp_path):
    keys = '<keyframe time="1s" value="1"/><keyframe time="2s" value="2"/>'
    x = f'<param name="X"><keyframeAnimation>{keys}</keyframeAnimation></param>'
    scaled = f'<adjust-transform><param name="scale">{x}</param></adjust-transform>'
    (clip,) = read(tmp_path, "a.fcpxml", fcpxml(asset_clip("0s", "1s", "2s", scaled))).tracks[0]

    assert clip.unsupported == "is stretched"


@pytest.mark.parametrize(
    ("crop", "unsupported"),
    [
        ('<adjust-crop mode="trim"><trim-rect/></adjust-crop>', ""),
        ('<adjust-crop mode="trim"><trim-rect left="0" top="0.0"/></adjust-crop>', ""),
        ('<adjust-crop mode="crop" enabled="0"><crop-rect left="9"/></adjust-crop>', ""),
        ('<adjust-corners enabled="0" botLeft="1 1"/>', ""),
        ('<adjust-crop mode="trim"><trim-rect left="9"/></adjust-crop>', "has a crop effect"),
        ('<adjust-corners botLeft="1 1"/>', "has distorted corners"),
    ],
)
def test_a_crop_that_is_off_or_empty_is_none(tmp_path, crop, unsupported):
    (clip,) = read(tmp_path, "a.fcpxml", fcpxml(asset_clip("0s", "0s", "1s", crop))).tracks[0]

    assert (clip.unsupported, clip.transform) == (unsupported, Transform(1.0, 0.0, 0.0))


def test_audio_on_a_lane_above_is_ignored_and_a_title_hides_nothing(tmp_path):
    """Music, a clip used for its audio only, and a clip connected to a connected one."""
    music = '<asset-clip ref="r3" lane="1" offset="0s" duration="1s"/>'
    detached = '<clip lane="2" offset="0s" duration="1s"><audio ref="r3"/></clip>'
    sound = '<asset-clip ref="r2" lane="3" offset="0s" duration="1s" srcEnable="audio"/>'
    over = '<asset-clip ref="r2" lane="1" offset="0s" start="0s" duration="1s"/>'
    title = f'<title lane="4" offset="0s" start="0s" duration="1s" name="Ann">{over}</title>'
    timeline = read(
        tmp_path, "a.fcpxml", fcpxml(asset_clip("0s", "0s", "1s", music + detached + sound + title))
    )

    (first,), (title_clip,), (above,) = timeline.tracks
    assert (first.source, above.source) == (FrameRange(0, 25), FrameRange(0, 25))
    assert (title_clip.name, title_clip.opaque, title_clip.unsupported) == (
        "Ann",
        False,
        "is a title",
    )


def test_resources_inside_the_project_and_formats_by_name_are_read(tmp_path):
    form = 'name="FFVideoFormat1080p2997"'
    timeline = read(
        tmp_path, "a.fcpxml", fcpxml(asset_clip("0s", "0s", "1001/1000s"), form=form, inside=True),
        MediaHints(),
    )  # fmt: skip

    assert (timeline.rate, timeline.canvas) == (Fraction(30000, 1001), (1920, 1080))
    assert timeline.tracks[0][0].record == FrameRange(0, 30)


def test_a_clip_inherits_start_and_duration_from_its_asset(tmp_path):
    """A time may have a decimal point."""
    spine = '<asset-clip ref="r2" offset="0s"/>' + asset_clip("40s", "3600.04s", "0.4s")
    whole, part = read(tmp_path, "a.fcpxml", fcpxml(spine, start=3600)).tracks[0]

    assert (whole.record, whole.source) == (FrameRange(0, 1000), FrameRange(0, 1000))
    assert (part.record, part.source) == (FrameRange(1000, 1010), FrameRange(1, 11))


def test_a_placeholder_of_final_cut_is_a_warning_and_a_clip_before_its_file_is_unsupported(
    tmp_path,
):
    """Final Cut leaves clips of less than half a frame; another starts before its file does."""
    spine = asset_clip("0s", "0s", "1/100s", more='name="none"') + asset_clip("0s", "9s", "1s")
    spine += asset_clip("1s", "8s", "1s")
    timeline = read(tmp_path, "a.fcpxml", fcpxml(spine, start=9))
    plain, early = timeline.tracks[0]

    assert timeline.warnings == ("the clip 'none' at frame 0 has no length",)
    assert (plain.source, plain.unsupported) == (FrameRange(0, 25), "")
    assert early.source is None
    assert "has a range of 25 frames from -25 on" in early.unsupported


def test_clips_of_uneven_length_share_their_edges(tmp_path):
    """Three of a third of a second each, at 25 frames a second: 8.33 frames."""
    spine = "".join(asset_clip(f"{n}/3s", f"{n}/3s", "1/3s") for n in range(3))
    track = read(tmp_path, "a.fcpxml", fcpxml(spine)).tracks[0]
    clips = [otio_clip({**span(n / 3, 1 / 3, 1)}, span(0, 900)) for n in range(3)]
    document = otio_timeline(*clips)
    document["global_start_time"] = {"value": 0, "rate": 25}
    other = read(tmp_path, "a.otio", json.dumps(document)).tracks[0]

    edges = [FrameRange(0, 8), FrameRange(8, 17), FrameRange(17, 25)]
    assert [clip.record for clip in track] == [clip.record for clip in other] == edges
    assert [clip.source for clip in track] == [clip.source for clip in other] == edges


# OpenTimelineIO -----------------------------------------------------------------------------------


def span(start, duration, rate=25):
    times = {"start_time": start, "duration": duration}
    return {key: {"value": value, "rate": rate} for key, value in times.items()}


def otio_clip(source_range=None, available_range=None, **more):
    media = {"target_url": "/m/a.mov", "available_range": available_range}
    return {
        "OTIO_SCHEMA": "Clip.1", "name": "x", "source_range": source_range,
        "media_reference": media, **more,
    }  # fmt: skip


def otio_timeline(*children, name="Cut", **track):
    one = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": list(children), **track}
    return {"OTIO_SCHEMA": "Timeline.1", "name": name, "tracks": {"children": [one]}}


def test_clips_without_a_source_range_play_all_of_their_media(tmp_path):
    """The rate is then the media's."""
    document = otio_timeline(otio_clip(None, span(90000, 50)), otio_clip(None, span(90000, 75)))
    timeline = read(tmp_path, "a.otio", json.dumps(document))

    assert timeline.rate == 25
    assert ranges(timeline.tracks[0]) == [
        (FrameRange(0, 50), FrameRange(0, 50)),
        (FrameRange(50, 125), FrameRange(0, 75)),
    ]


def test_a_nested_sequence_is_unsupported_and_the_next_clip_keeps_its_place(tmp_path):
    inner = {"OTIO_SCHEMA": "Track.1", "children": [otio_clip(span(0, 30)), otio_clip(span(0, 12))]}
    nested = {"OTIO_SCHEMA": "Stack.1", "name": "in", "children": [inner]}
    timeline = read(tmp_path, "a.otio", json.dumps(otio_timeline(nested, otio_clip(span(5, 20)))))
    first, second = timeline.tracks[0]

    assert (first.record, first.unsupported) == (FrameRange(0, 42), "is a nested sequence")
    assert (second.record, second.source) == (FrameRange(42, 62), FrameRange(0, 20))


def test_a_retimed_clip_plays_by_its_speed(tmp_path):
    fast = [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2}]
    off = [{"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": 2, "enabled": False}]
    freeze = [{"OTIO_SCHEMA": "FreezeFrame.1", "time_scalar": 0}]
    media = span(0, 900)
    clips = [otio_clip(span(10, 20), media, effects=effects) for effects in (fast, off, freeze)]
    first, second, third = read(tmp_path, "a.otio", json.dumps(otio_timeline(*clips))).tracks[0]

    assert (first.record, first.source) == (FrameRange(0, 20), FrameRange(10, 50))
    assert first.unsupported.startswith("plays at another speed")
    assert (second.source, "speed" in second.unsupported) == (FrameRange(10, 30), False)
    assert (third.source, "speed" in third.unsupported) == (None, True)


# MLT ----------------------------------------------------------------------------------------------

PRODUCER = """<producer id="p"><property name="mlt_service">avformat</property>
<property name="resource">/m/a.mov</property><property name="length">900</property></producer>"""
BLACK = """<producer id="black"><property name="mlt_service">color</property></producer>
<playlist id="back"><entry producer="black" in="0" out="99"/></playlist>"""
PROFILE = '<profile width="1920" height="1080" frame_rate_num="25" frame_rate_den="1"/>'


def mlt(body, tracks, profile=PROFILE, more=""):
    played = "".join(f'<track producer="{track}"/>' for track in tracks)
    return f"<mlt {more}>{profile}{PRODUCER}{BLACK}{body}<tractor>{played}</tractor></mlt>"


PLAYLIST = '<playlist id="v"><entry producer="p" in="10" out="59"/></playlist>'


@pytest.mark.parametrize(
    ("profile", "more", "rate", "canvas", "notes"),
    [
        ("", 'profile="atsc_1080p_2997"', Fraction(30000, 1001), (1920, 1080), 0),
        ("", 'profile="atsc_720p_50"', Fraction(50), (1280, 720), 0),
        ("", 'profile="atsc_1080i_50"', Fraction(25), (1920, 1080), 0),
        ("", "", Fraction(25), (720, 576), 1),
    ],
)
def test_a_project_without_a_full_profile_is_read(tmp_path, profile, more, rate, canvas, notes):
    timeline = read(tmp_path, "a.mlt", mlt(PLAYLIST, ["v"], profile, more))

    assert (timeline.rate, timeline.canvas, len(timeline.warnings)) == (rate, canvas, notes)
    assert timeline.tracks[0][0].source == FrameRange(10, 60)


def test_the_black_background_is_no_track_and_a_still_picture_is_one(tmp_path):
    still = """<producer id="s"><property name="mlt_service">qimage</property></producer>
    <playlist id="stills"><entry producer="s" in="0" out="9"/></playlist>"""
    timeline = read(tmp_path, "a.mlt", mlt(PLAYLIST + still, ["back", "v", "stills"]))

    (clip,), (image,) = timeline.tracks
    assert (clip.source, image.unsupported) == (FrameRange(10, 60), "is a still image")


def test_a_track_of_kdenlive_is_a_tractor_of_playlists(tmp_path):
    """Audio tracks are marked; a hidden track hides everything in it."""
    body = (
        PLAYLIST
        + '<playlist id="w"><blank length="50"/><entry producer="p" in="0" out="9"/></playlist>'
        '<tractor id="t1"><property name="kdenlive:audio_track">1</property>'
        '<track producer="v"/></tractor>'
        '<tractor id="t2"><track hide="audio" producer="v"/><track producer="w"/></tractor>'
        '<tractor id="t3"><track hide="both" producer="t2"/></tractor>'
        '<tractor id="all"><track producer="black"/><track producer="t1"/><track producer="t2"/>'
        '<track producer="t3"/></tractor>'
    )
    timeline = read(tmp_path, "a.mlt", mlt(body, ["all"]))

    assert [[(clip.record.start, clip.enabled) for clip in t] for t in timeline.tracks] == [
        [(0, True)], [(50, True)], [(0, False)], [(50, False)],
    ]  # fmt: skip


def test_filters_of_an_entry_count_and_an_empty_crop_does_not(tmp_path):
    def clip_with_filter(properties):
        text = "".join(f'<property name="{k}">{v}</property>' for k, v in properties.items())
        entry = f'<entry producer="p" in="0" out="9"><filter>{text}</filter></entry>'
        body = f'<playlist id="v">{entry}</playlist>'
        return read(tmp_path, "a.mlt", mlt(body, ["v"])).tracks[0][0]

    scaled = clip_with_filter({"mlt_service": "affine", "transition.rect": "-960 -540 3840 2160 1"})
    assert (scaled.transform, scaled.has_transform) == (Transform(2.0, 0.0, 0.0), True)
    assert clip_with_filter({"mlt_service": "crop", "left": 0, "right": 0}).unsupported == ""
    assert clip_with_filter({"mlt_service": "crop", "left": 9}).unsupported == "has the filter crop"


def test_a_faster_clip_plays_by_its_speed(tmp_path):
    fast = """<producer id="f"><property name="mlt_service">timewarp</property>
    <property name="resource">2:/m/a.mov</property></producer>
    <playlist id="v"><entry producer="f" in="10" out="19"/><blank length="-00:00:00.040"/>
    <entry producer="p" in="0"/></playlist>"""
    clip, whole = read(tmp_path, "a.mlt", mlt(fast, ["v"])).tracks[0]

    assert (clip.record, clip.source) == (FrameRange(0, 10), FrameRange(20, 40))
    assert (whole.record, whole.source) == (FrameRange(10, 910), FrameRange(0, 900))


# Several sequences --------------------------------------------------------------------------------


def three_sequences(suffix):
    """Three sequences: Rough plays a.mov, Other b.mov, Empty nothing."""
    plays = {"Rough": "a.mov", "Other": "b.mov", "Empty": ""}
    if suffix == ".xml":
        parts = []
        for name, media in plays.items():
            text = f'<file id="{name}"><pathurl>file:///m/{media}</pathurl></file>'
            document = xmeml(item(0, 9, 0, 9, file=text) if media else "", name=name)
            parts.append(document[document.index("<sequence>") : document.index("</xmeml>")])
        return f"<xmeml><project><children>{''.join(parts)}</children></project></xmeml>"
    if suffix == ".fcpxml":
        parts = []
        for name, media in plays.items():
            text = fcpxml(asset_clip("0s", "0s", "1s") if media else "", inside=True)
            text = text.replace("a.mov", media).replace('name="Cut"', f'name="{name}"')
            parts.append(text[text.index("<project") : text.index("</fcpxml>")])
        return f"<fcpxml><library><event>{''.join(parts)}</event></library></fcpxml>"
    children = []
    for name, media in plays.items():
        clip = otio_clip(span(0, 9))
        clip["media_reference"]["target_url"] = f"/m/{media}"
        children.append(otio_timeline(*([clip] if media else []), name=name))
    return json.dumps({"OTIO_SCHEMA": "SerializableCollection.1", "children": children})


@pytest.mark.parametrize("suffix", [".xml", ".fcpxml", ".otio"])
def test_one_of_several_sequences_is_chosen_by_name_number_or_recording(tmp_path, suffix):
    text = three_sequences(suffix)

    def played(**hints):
        timeline = read(
            tmp_path, f"a{suffix}", text, MediaHints((1920, 1080), (1920, 1080), **hints)
        )
        return timeline.name, timeline.tracks[0][0].media_name

    assert played(sequence="Other") == ("Other", "b.mov")
    assert played(sequence="1") == ("Rough", "a.mov")
    assert played(media_name="b.mov") == ("Other", "b.mov")
    for hints, message in (
        ({}, "holds 2 sequences: 1 'Rough', 2 'Other'; choose one with --sequence"),
        ({"sequence": "Fine"}, "holds no sequence 'Fine', but 1 'Rough', 2 'Other', 3 'Empty'"),
        ({"sequence": "4"}, "holds no sequence '4'"),
        ({"sequence": "Empty"}, "it has no video clip|no frame rate"),
    ):
        with pytest.raises(TimelineError, match=message) as raised:
            played(**hints)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("sides", "sources"),
    [
        ((30, 34), [(10, 30), (30, 34), (34, 38), (38, 60)]),  # both sides continue their clips
        ((30, 50), [(10, 30), (38, 60)]),  # the second side does not continue its clip
    ],
)
def test_the_frames_of_a_shotcut_dissolve_return_to_its_clips(tmp_path, sides, sources):
    tracks = "".join(f'<track producer="p" in="{at}" out="{at + 3}"/>' for at in sides)
    body = (
        f'<tractor id="d">{tracks}</tractor><playlist id="v"><entry producer="p" in="10" out="29"/>'
        '<entry producer="d" in="0" out="3"/><entry producer="p" in="38" out="59"/></playlist>'
    )
    timeline = read(tmp_path, "a.mlt", mlt(body, ["v"]))
    clips = timeline.tracks[0]

    assert [(clip.source.start, clip.source.end) for clip in clips] == sources
    records = [(0, 20), (20, 22), (22, 24), (24, 46)]
    assert {(clip.record.start, clip.record.end) for clip in clips} <= set(records)
    assert timeline.warnings == ("a transition at frame 20",)


def test_a_missing_sequence_is_an_error_even_if_there_is_only_one(tmp_path):
    hints = MediaHints((1920, 1080), sequence="Fine")
    text = mlt(PLAYLIST, ["v"], more='title="Rough"')
    with pytest.raises(TimelineError, match="holds no sequence 'Fine', but 1 'Rough'"):
        read(tmp_path, "a.mlt", text, hints)


# Bounded work, and encodings --------------------------------------------------


def test_tracks_that_contain_one_another_are_an_error_of_one_line(tmp_path):
    """Five tractors of sixty tracks, each of the next, are 60 to the 5th."""
    body = "".join(
        f'<tractor id="t{n}">' + f'<track producer="t{n + 1}"/>' * 60 + "</tractor>"
        for n in range(5)
    )
    with pytest.raises(TimelineError, match="contain one another without end"):
        read(tmp_path, "a.mlt", mlt(body + '<tractor id="t5"/>', ["t0"]))
    with pytest.raises(TimelineError, match="deep"):
        read(tmp_path, "b.mlt", mlt('<tractor id="t"><track producer="t"/></tractor>', ["t"]))


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1", "UTF-8"])
def test_xml_is_read_in_the_encoding_that_it_declares(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + xmeml(item(0, 9, 0, 9, name="Jürgen"))
    path = tmp_path / "a.xml"
    path.write_bytes(text.encode(encoding))

    assert read_timeline(path, HD).tracks[0][0].name == "Jürgen"
    path.write_bytes(text.replace(encoding, "klingon").encode("latin-1"))
    with pytest.raises(TimelineError, match="its encoding, klingon, is unknown"):
        read_timeline(path, HD)


def test_an_empty_playlist_is_an_empty_track(tmp_path):
    timeline = read(tmp_path, "a.mlt", mlt(PLAYLIST + '<playlist id="e"/>', ["e", "v"]))

    assert (len(timeline.tracks), timeline.warnings) == (1, ())
