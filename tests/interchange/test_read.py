"""Our own files are read back exactly, real exports as far as cuts and transforms go.

The expected values of the real exports are those of the notes beside them.
"""

import json
import re
from contextlib import suppress
from fractions import Fraction

import opentimelineio as otio
import pytest
from conftest import SHARED
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import cut_lists

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.interchange.read import MediaHints, read_timeline
from otio_speakerzoom.interchange.read.edited_timeline import TransformKey, transform_keys
from otio_speakerzoom.interchange.read.open import READERS
from otio_speakerzoom.interchange.read.values import exact_rate, media_path
from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot
from otio_speakerzoom.pipeline import timeline_text
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.timeline.transform import Transform, crop_of, transform_of

EXPORTS = SHARED / "reference" / "editor-exports"
HD = MediaHints((1920, 1080), (1920, 1080))
OURS = [
    (suffix, dialect, adapter)
    for suffix, dialects in FORMATS.items()
    if suffix in READERS
    for dialect, adapter in dialects.items()
]


def timeline_or_skip(cut_list, adapter):
    """The file, unless the format cannot hold so tight a crop."""
    try:
        return timeline_text(cut_list, *adapter)
    except TimelineError:
        assume(False)


def read_export(name, hints=HD):
    path = EXPORTS / name
    if not path.exists():
        pytest.skip(f"the real export {name} is not beside the project")
    return read_timeline(path, hints)


def visible_crop(crop, size, canvas):
    return crop_of(transform_of(crop, size, canvas), size, canvas)


# Our own ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
@settings(deadline=None, max_examples=15)
@given(cut_list=cut_lists())
def test_our_own_timelines_round_trip(tmp_path_factory, suffix, dialect, adapter, cut_list):
    media = cut_list.media
    path = tmp_path_factory.mktemp("ours") / f"talk{suffix}"
    path.write_text(timeline_or_skip(cut_list, adapter))
    timeline = read_timeline(path, MediaHints(media.size, cut_list.canvas, media.rotation, dialect))

    began = cut_list.range.start
    assert (timeline.rate, timeline.canvas) == (media.rate, cut_list.canvas)
    assert [(c.record.start, c.source) for c in timeline.tracks[0]] == [
        (s.range.start - began, s.range) for s in cut_list.shots
    ]
    for clip, shot in zip(timeline.tracks[0], cut_list.shots, strict=True):
        assert (clip.unsupported, clip.keys, clip.enabled) == ("", (), True)
        assert clip.media_name == media.path.name
        assert clip.available_range == media.range
        crop = crop_of(clip.transform, media.size, cut_list.canvas)
        expected = visible_crop(shot.crop, media.size, cut_list.canvas)
        assert crop.edges == pytest.approx(expected.edges, abs=0.01)


@settings(deadline=None, max_examples=15)
@given(cut_list=cut_lists())
def test_a_plain_otio_round_trips(tmp_path_factory, cut_list):
    path = tmp_path_factory.mktemp("plain") / "talk.otio"
    path.write_text(to_otio(cut_list).to_json_string())
    timeline = read_timeline(path)

    assert (timeline.host, timeline.rate) == ("speakerzoom", cut_list.media.rate)
    for clip, shot in zip(timeline.tracks[0], cut_list.shots, strict=True):
        assert (clip.source, clip.subjects) == (shot.range, shot.subjects)
        assert clip.transform == transform_of(shot.crop, cut_list.media.size, cut_list.canvas)


def test_premieres_motion_is_inverted(tmp_path):
    """Case B of the notes: scale 133.3333 %, position 0.518519, 0.611111."""
    media = Media((tmp_path / "talk.mp4"), Fraction(25), 500, (3840, 2160))
    shot = Shot(FrameRange(0, 500), (), Box(1500, 200, 2310, 1640))
    timeline = to_otio(CutList(media, (1080, 1920), (shot,)))
    timeline.metadata.clear()
    timeline.metadata["PremierePro_OTIO"] = {"MetadataVersion": "1.0"}
    resolution = {"width": 1080, "height": 1920}
    timeline.tracks.metadata["PremierePro_OTIO"] = {"VideoResolution": resolution}
    values = {"Position": {"X": 0.518519, "Y": 0.611111}, "Scale": 133.333333, "Rotation": 0.0}
    motion = {
        "MatchName": "AE.ADBE Motion",
        "Parameters": [{"DisplayName": n, "StartValue": {"Value": v}} for n, v in values.items()],
    }
    clip = timeline.video_tracks()[0][0]
    clip.effects[:] = [otio.schema.Effect("", "Motion", {"PremierePro_OTIO": motion})]
    path = tmp_path / "talk.otio"
    path.write_text(timeline.to_json_string())
    read = read_timeline(path)

    crop = crop_of(read.tracks[0][0].transform, media.size, read.canvas)
    assert (read.host, read.canvas) == ("premiere", (1080, 1920))
    assert crop.edges == pytest.approx((1500, 200, 2310, 1640), abs=0.01)


SHOTCUT = """<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" version="7.12.0" root="/media/talk" producer="main_bin">
  <profile width="1920" height="1080" frame_rate_num="30000" frame_rate_den="1001"/>
  <chain id="chain0" out="00:00:16.650">
    <property name="length">500</property>
    <property name="resource">a talk.mp4</property>
    <property name="mlt_service">avformat-novalidate</property>
    <property name="shotcut:caption">Anna</property>
    <filter id="filter0" in="00:00:03.337" out="00:00:06.640">
      <property name="mlt_service">affine</property>
      <property name="shotcut:filter">affineSizePosition</property>
      <property name="transition.fill">1</property>
      <property name="transition.rect">RECT</property>
    </filter>
    <filter id="filter1">
      <property name="mlt_service">brightness</property>
      <property name="shotcut:filter">brightness</property>
    </filter>
  </chain>
  <producer id="fast"><property name="mlt_service">timewarp</property>
    <property name="resource">2:/media/talk/b.mp4</property></producer>
  <producer id="black"><property name="mlt_service">color</property></producer>
  <playlist id="main_bin"><entry producer="chain0" in="0" out="499"/></playlist>
  <playlist id="background"><entry producer="black" in="0" out="299"/></playlist>
  <playlist id="playlist0">
    <property name="shotcut:video">1</property>
    <blank length="00:00:01.001"/>
    <entry producer="chain0" in="00:00:03.337" out="00:00:06.640"/>
    <entry producer="tractor1" in="0" out="9"/>
    <entry producer="fast" in="10" out="19"/>
  </playlist>
  <playlist id="playlist1"><entry producer="chain0" in="0" out="9"/></playlist>
  <playlist id="playlist2"><property name="shotcut:audio">1</property>
    <entry producer="chain0" in="0" out="9"/></playlist>
  <tractor id="tractor1"><track producer="chain0"/></tractor>
  <tractor id="tractor0"><property name="shotcut">1</property>
    <track producer="background"/><track producer="playlist0"/>
    <track producer="playlist1" hide="both"/><track producer="playlist2" hide="video"/></tractor>
</mlt>""".replace("RECT", "00:00:00.000=0 0 1920 1080 1;00:00:01.001=-50% -540 200% 2160 1")


def test_a_project_as_shotcut_saves_it_is_read(tmp_path):
    """Clock times, chains, a black background, relative media, keys, a hidden track."""
    path = tmp_path / "edited.mlt"
    path.write_text(SHOTCUT)
    timeline = read_timeline(path, MediaHints((1920, 1080)))

    assert (timeline.host, timeline.rate) == ("shotcut", Fraction(30000, 1001))
    assert timeline.canvas == (1920, 1080)
    assert timeline.warnings == ("a transition at frame 130",)
    (first, second), (hidden,) = timeline.tracks
    assert (first.record, first.source) == (FrameRange(30, 130), FrameRange(100, 200))
    assert (first.name, first.media, first.unsupported) == (
        "Anna", "/media/talk/a talk.mp4", "has the filter brightness"
    )  # fmt: skip
    assert first.keys == (
        TransformKey(100, Transform(1.0, 0.0, 0.0)), TransformKey(130, Transform(2.0, 0.0, 0.0))
    )  # fmt: skip
    assert (second.record.start, second.unsupported) == (140, "plays at another speed")
    assert (hidden.enabled, hidden.source) == (False, FrameRange(0, 10))


RECT = '<property name="transition.rect">0 0 1920 1080 1</property>'


@pytest.mark.parametrize(
    ("now", "unsupported"),
    [
        ("0=0 0 1920 1080 1;25~=0 0 3840 2160 1", "does not move linearly"),
        ("0|=0 0 1920 1080 1;25=0 0 3840 2160 1", "does not move linearly"),
        ("0=0 0 1920 1080 1;00:00:01.000g=0 0 3840 2160 1", "does not move linearly"),
        ("0=0 0 1920 1080 1;-1=0 0 3840 2160 1", "does not move linearly"),
        ("a b", "has a rectangle that cannot be read"),
        (
            '0 0 1920 1080 1</property><property name="transition.fix_rotate_x">0=0;1=9',
            "is rotated",
        ),
        ('0 0 1920 1080 1</property><property name="transition.rotate_y">9', "is rotated"),
    ],
)
def test_a_transform_that_no_crop_can_express_is_unsupported(tmp_path, now, unsupported):
    clip = shotcut_clip(tmp_path, RECT, RECT.replace("0 0 1920 1080 1", now))

    assert unsupported in clip.unsupported
    assert "\n" not in clip.unsupported


@pytest.mark.parametrize(
    ("was", "now", "unsupported"),
    [
        ('fill">1', 'fill">0', "does not fill its rectangle"),
        ('out="499">\n      <property', 'out="99">\n      <property',
         "has a transform for only a part of it"),
        ("</filter>", "</filter><filter><property name='mlt_service'>sepia</property></filter>",
         "has the filter sepia"),
        ("</filter>", "</filter><filter><property name='mlt_service'>volume</property></filter>",
         ""),
        ("</filter>",
         "</filter><filter><property name='mlt_service'>audiowaveform</property></filter>",
         "has the filter audiowaveform"),
        ("</filter>", "</filter><link><property name='mlt_service'>timeremap</property></link>",
         "has the link timeremap"),
        (RECT, RECT.replace("0 0 1920 1080 1", "0/0:1920x1080:100"), ""),
        (RECT, RECT.replace("0 0 1920 1080 1", "0%/0%:100%x100%:100"), ""),
    ],
)  # fmt: skip
def test_filters_are_unsupported_unless_they_only_change_audio(tmp_path, was, now, unsupported):
    clip = shotcut_clip(tmp_path, was, now)

    assert clip.unsupported.startswith(unsupported) if unsupported else clip.unsupported == ""
    assert clip.source == FrameRange(0, 500)


def test_a_picture_covers_a_rectangle_of_another_shape_unless_it_is_stretched(tmp_path):
    """As melt 7.12 shows it: about the rectangle's middle, and not cut off by it."""
    narrow = RECT.replace("1920 1080", "960 1080")
    clip = shotcut_clip(tmp_path, RECT, narrow)

    assert (clip.unsupported, clip.transform) == ("", Transform(1.0, -480.0, 0.0))
    distort = '<property name="transition.distort">1</property>'
    stretched = shotcut_clip(tmp_path, RECT, narrow, distort.replace("1<", "0<"), distort)
    assert stretched.unsupported == "is stretched"


def test_a_filter_on_a_whole_track_is_a_warning(tmp_path):
    effect = "<filter><property name='mlt_service'>sepia</property></filter>"
    path = tmp_path / "edited.mlt"
    path.write_text(
        SHOTCUT.replace('<playlist id="playlist0">', f'<playlist id="playlist0">{effect}')
    )

    assert any("a filter on the whole track" in note for note in read_timeline(path).warnings)


def shotcut_clip(folder, *replacements):
    """The one clip of a timeline of ours, after replacements in its text."""
    media = Media(folder / "talk.mp4", Fraction(25), 500, (1920, 1080))
    shot = Shot(FrameRange(0, 500), (), Box(0, 0, 1920, 1080))
    text = timeline_text(CutList(media, (1920, 1080), (shot,)), *FORMATS[".mlt"]["shotcut"])
    for was, now in zip(replacements[::2], replacements[1::2], strict=True):
        assert was in text, text
        text = text.replace(was, now, 1)
    path = folder / "talk.mlt"
    path.write_text(text)
    (clip,) = read_timeline(path, HD).tracks[0]
    return clip


def test_a_bundle_is_read(tmp_path):
    media = Media(tmp_path / "talk.mp4", Fraction(25), 500, (1920, 1080))
    shot = Shot(FrameRange(0, 500), (), Box(0, 0, 1920, 1080))
    bundle = tmp_path / "talk.fcpxmld"
    bundle.mkdir()
    text = timeline_text(CutList(media, (1920, 1080), (shot,)), *FORMATS[".fcpxml"]["fcp"])
    (bundle / "Info.fcpxml").write_text(text)

    assert len(read_timeline(bundle).tracks[0]) == 1


# Real exports -----------------------------------------------------------------------------------


def test_resolves_own_export_is_read():
    timeline = read_export("Resolve21.0.2_export_torture_ref.otio")
    first, title, moved, last = timeline.tracks[0]

    assert (timeline.host, timeline.rate) == ("resolve", 50)
    assert (first.record, first.source) == (FrameRange(0, 250), FrameRange(0, 250))
    assert (title.source, title.unsupported) == (None, "has no media of its own")
    assert (moved.record, moved.source) == (FrameRange(500, 1750), FrameRange(250, 1500))
    (scale, dx, dy) = (moved.transform.scale, moved.transform.dx, moved.transform.dy)
    assert (scale, dx, dy) == pytest.approx((1.35, -120, -40))  # tilt 40 goes up
    assert moved.unsupported == "is rotated"
    assert last.transform == Transform(1, 0, 0)


def test_resolves_keys_count_from_the_clips_first_frame():
    timeline = read_export("OTIO_repo_effects_Resolve_export.otio")
    (still,) = (c for c in timeline.tracks[0] if c.name == "Picchu_V7_310821_0003.png")

    assert timeline.warnings == ("a transition at frame 444",)
    assert [key.frame for key in still.keys] == [3, 203, 424]


def test_premieres_own_export_is_read():
    timeline = read_export("Premiere_export_BasicMotion_scale_center.xml")
    clips = [clip for track in timeline.tracks for clip in track]
    fitted = next(c for c in clips if c.transform and c.transform.scale == 0.9375)

    assert (timeline.rate, timeline.canvas) == (Fraction(24000, 1001), (1920, 1080))
    assert fitted.size == (2048, 858)
    crop = crop_of(fitted.transform, fitted.size, timeline.canvas)
    assert (crop.left, crop.right) == pytest.approx((0, 2048))
    assert any(not c.enabled for c in clips)


def test_premieres_cuts_and_transitions_are_read():
    timeline = read_export("premiere_example.xml")

    assert (timeline.rate, timeline.canvas) == (30, (1280, 720))
    assert [c.record.start for c in timeline.tracks[1]] == [13, 165, 322, 636]
    assert timeline.warnings[0] == "a transition at frame 538"


def test_final_cuts_keyed_transform_is_read():
    timeline = read_export("FinalCutPro_export_GeneralDemo.fcpxml")
    first, above = timeline.tracks[0][0], timeline.tracks[1][0]

    assert (timeline.rate, first.source) == (24, FrameRange(404, 665))
    assert [(k.frame, k.transform.scale) for k in first.keys] == [(436, 1.26788), (471, 1.10559)]
    assert (above.name, above.record.duration) == ("Busking Broll-10", 33)


def test_final_cuts_timecode_and_rates_are_read():
    mixed = read_export("FinalCutPro_export_24With25Media.fcpxml")
    (dropped, *_), *_ = read_export("FinalCutPro_export_29.97d.fcpxml").tracks

    first, second = mixed.tracks[0]
    assert (first.record, first.source) == (FrameRange(240, 294), FrameRange(657, 711))
    assert first.unsupported == "has another frame rate than the timeline"
    assert second.record.start == 360
    assert dropped.source == FrameRange(0, 103)


# Numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [2, 3, 6])
def test_a_rounded_rate_is_the_rate_it_means(places):
    for whole in (24, 25, 30, 48, 50, 60, 120):
        for rate in (Fraction(whole), Fraction(whole * 1000, 1001)):
            assert exact_rate(round(float(rate), places)) == rate


def test_keys_of_several_parameters_become_keys_of_the_transform():
    parameters = {"scale": [(0, 1.0), (10, 2.0)], "x": [(5, 4.0)]}
    path = transform_keys(parameters, lambda values: Transform(values["scale"], values["x"], 0))

    assert [(key.frame, key.transform.scale) for key in path] == [(0, 1.0), (10, 2.0)]
    assert transform_keys({"x": [(0, 3.0), (9, 3.0)]}, lambda v: Transform(1, v["x"], 0)) == ()


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("file:///Volumes/Ton%20%26%20Bild/a.mov", "/Volumes/Ton & Bild/a.mov"),
        ("file://localhost/C%3A/a%20b.mov", "C:/a b.mov"),
        ("file://server/share/a.mov", "//server/share/a.mov"),
        ("E:\\SHOW\\a.mxf", "E:\\SHOW\\a.mxf"),
    ],
)
def test_media_is_named_as_each_host_names_it(reference, path):
    assert media_path(reference) == path


# What must be refused ---------------------------------------------------------------------------

FCPXML = """<!DOCTYPE fcpxml><fcpxml version="1.10"><resources>
<format id="r1" frameDuration="1/25s" width="1920" height="1080"/>
<asset id="r2" start="0s" duration="9s" format="r1"><media-rep src="{src}"/></asset></resources>
<project><sequence format="r1"><spine><asset-clip ref="r2" offset="0s" start="{start}"
duration="{duration}"><adjust-transform scale="{scale}"/></asset-clip></spine></sequence></project>
</fcpxml>"""
PLAIN = {"src": "file:///a.mp4", "start": "0s", "duration": "1s", "scale": "2 2"}


def bomb(kind):
    return f'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><{kind}>&b;</{kind}>'


def outside(kind):
    return f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><{kind}>&x;</{kind}>'


def otio_with(**changes):
    media = Media(SHARED / "talk.mp4", Fraction(25), 500, (1920, 1080))
    shots = (Shot(FrameRange(0, 500), (), Box(0, 0, 1920, 1080)),)
    timeline = to_otio(CutList(media, (1920, 1080), shots))
    document = json.loads(timeline.to_json_string())
    clip = document["tracks"]["children"][0]["children"][0]
    if "start" in changes:
        clip["source_range"]["start_time"]["value"] = changes["start"]
    if "url" in changes:
        clip["media_references"]["DEFAULT_MEDIA"]["target_url"] = changes["url"]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".fcpxml", bomb("fcpxml"), "declares the XML entity"),
        (".xml", bomb("xmeml"), "declares the XML entity"),
        (".fcpxml", outside("fcpxml"), "declares the XML entity"),
        (".xml", outside("xmeml"), "declares the XML entity"),
        (".xml", "<xmeml>" + "<a>" * 5000 + "</a>" * 5000 + "</xmeml>", "deep"),
        (".otio", "[" * 100_000, "nested more than 200 deep"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "duration": "-4s"}), "-100 frames"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "duration": "1/0s"}), "not an FCPXML time"),
        (".fcpxml", FCPXML.format(**PLAIN)[:300], "not well-formed"),
        (".fcpxml", "", "not well-formed"),
        (".xml", "", "not well-formed"),
        (".otio", "", "Expecting value"),
        (".otio", "{}", "not an OTIO timeline"),
        (".otio", '"Timeline.1"', "not an OTIO timeline"),
        (".otio", '{"OTIO_SCHEMA": "Clip.2"}', "not an OTIO timeline"),
        (".otio", '{"OTIO_SCHEMA": "Timeline.1"}', "tracks is missing"),
        (".xml", "<fcpxml/>", "not xmeml"),
        (".fcpxml", "<html/>", "not FCPXML"),
        (".xml", "<xmeml/>", "no sequence"),
        (".fcpxml", "<fcpxml/>", "no project"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_timeline_is_an_error_of_one_line(tmp_path, suffix, text, message):
    path = tmp_path / f"edited{suffix}"
    path.write_text(text)
    with pytest.raises(TimelineError) as raised:
        read_timeline(path, HD)

    line = str(raised.value)
    assert line.startswith(f"{path}: ")
    assert message in line
    assert "\n" not in line
    assert len(line) < 600


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        (".otio", otio_with(start=123456).replace("123456", "1e999"), "not a finite number"),
        (".otio", otio_with(start=float("nan")), "not a finite number"),
        (".otio", otio_with(start=float("inf")), "not a finite number"),
        (".otio", otio_with(start=-40), "from -40 on"),
        (".otio", otio_with(url="file:///a/../../etc/passwd"), "climbs out"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "src": "file:///a/%2e%2e/b.mp4"}), "climbs out"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "start": "-4s"}), "from -100 on"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "scale": "nan nan"}), "not a finite number"),
        (".fcpxml", FCPXML.format(**{**PLAIN, "scale": "0 0"}), "shows nothing"),
    ],
)
def test_a_clip_with_impossible_values_is_unsupported_and_has_no_transform(
    tmp_path, suffix, text, message
):
    path = tmp_path / f"edited{suffix}"
    path.write_text(text)
    (clip,) = read_timeline(path, HD).tracks[0]

    assert message in clip.unsupported
    assert "\n" not in clip.unsupported
    assert clip.source is None or clip.transform is None


@pytest.mark.parametrize(("suffix", "dialect", "adapter"), OURS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, suffix, dialect, adapter, data):
    """Whatever is removed or changed: a timeline or a TimelineError, and nothing else."""
    media = Media(SHARED / "talk.mp4", Fraction(25), 500, (1920, 1080))
    shots = (Shot(FrameRange(0, 500), (), Box(480, 270, 1440, 810)),)
    text = timeline_text(CutList(media, (1920, 1080), shots), *adapter)
    at = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    other = data.draw(st.sampled_from(("", "-1", "null", "nan", "9" * 30, "<a/>", "{}", "[]")))
    path = tmp_path_factory.mktemp("damaged") / f"talk{suffix}"
    path.write_text(text[:at] + other + text[at + length :])
    with suppress(TimelineError):
        read_timeline(path, HD)


def test_a_file_that_cannot_be_opened_is_an_error_of_one_line(tmp_path):
    (tmp_path / "noise.otio").write_bytes(b"\xff\x00\x01")
    (tmp_path / "empty.fcpxmld").mkdir()
    for name, message in (
        ("noise.otio", "not UTF-8"),
        ("empty.fcpxmld", "no such file"),
        ("absent.xml", "no such file"),
        ("talk.aaf", "must end in .otio"),
    ):
        with pytest.raises(TimelineError, match=message):
            read_timeline(tmp_path / name)


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("suffix", "dialect", "adapter"),
    [row for n, row in enumerate(OURS) if row[0] not in [other[0] for other in OURS[:n]]],
)
def test_thousands_of_shots_are_read(tmp_path, suffix, dialect, adapter, count):
    media = Media(tmp_path / "talk.mp4", Fraction(25), 10 * count, (1920, 1080))
    shot = Shot(FrameRange(0, 10), (), Box(480, 270, 1440, 810))
    text = timeline_text(CutList(media, (1920, 1080), (shot,)), *adapter)
    path = tmp_path / f"long{suffix}"
    if suffix == ".otio":
        document = json.loads(text)
        document["tracks"]["children"][0]["children"] *= count
        path.write_text(json.dumps(document))
    else:
        shown = r"<(asset-clip|clipitem) .*?</\1>|<entry producer=\"p[^>]*>"
        shown += '|<entry producer="track[^>]*>.*?</entry>'
        clip = re.search(shown, text, re.DOTALL)
        path.write_text(text.replace(clip[0], clip[0] * count, 1))

    assert len(read_timeline(path, HD).tracks[0]) == count
