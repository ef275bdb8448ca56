import io
import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import cos, radians, sin
from pathlib import Path
from urllib.parse import quote, unquote, urlparse

import opentimelineio as otio
import pycmx
import pytest
import readers
from conftest import REPOSITORY
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from strategies import NAMES, RATES, cut_lists, rich_cut_lists

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import (
    AudioStream,
    Box,
    CropKey,
    CutList,
    FrameRange,
    Media,
    Person,
    Shot,
)
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.formats import FORMATS

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
unhurried = settings(deadline=None)


def written(cut_list, name, **options):
    return otio.adapters.write_to_string(to_otio(cut_list), f"speakerzoom_{name}", **options)


WRITERS = {
    "fcp": ("fcpxml", {}),
    "resolve": ("fcpxml", {"variant": "resolve"}),
    "xmeml": ("premiere_xml", {}),
    "xmeml resolve": ("premiere_xml", {"variant": "resolve"}),
    "otio": ("resolve_otio", {}),
    "fill": ("resolve_otio", {"scaling": "fill"}),
    "crop": ("resolve_otio", {"scaling": "crop"}),
    "stretch": ("resolve_otio", {"scaling": "stretch"}),
    "premiere": ("premiere_otio", {}),
    "mlt": ("mlt", {}),
    "kdenlive": ("kdenlive", {}),
    "edl": ("edl", {}),
    "markers": ("edl", {"variant": "markers"}),
}


NAMES_OF_WRITERS = sorted({name for name, _ in WRITERS.values()})


def every_format(cut_list):
    return {key: written(cut_list, name, **more) for key, (name, more) in WRITERS.items()}


def every_format_read(cut_list):
    """The clips of every file with crops, as its own reader finds them."""
    files, media, canvas = every_format(cut_list), cut_list.media, cut_list.canvas
    for scaling in ("otio", "fill", "crop", "stretch"):
        yield scaling, readers.resolve_otio(files[scaling], media.size, canvas)
    for variant in ("fcp", "resolve"):
        yield variant, readers.fcpxml(files[variant], variant)
    yield "xmeml", readers.xmeml(files["xmeml"])
    yield "xmeml resolve", readers.xmeml(files["xmeml resolve"], "resolve")
    yield "premiere", readers.premiere_otio(files["premiere"], media.size)
    yield "mlt", readers.mlt(files["mlt"], media.size)
    yield "kdenlive", readers.kdenlive(files["kdenlive"], media.size)
    yield "edl", readers.edl(files["edl"], round(media.rate), media.start)
    plain = otio.adapters.write_to_string(to_otio(cut_list), "otio_json")
    yield "plain", readers.plain_otio(plain)


def source(**changes):
    defaults = {
        "path": Path("/a/talk.mp4"),
        "rate": Fraction(25),
        "duration": 500,
        "size": (1920, 1080),
        "start": 90000,
        "audio_streams": (AudioStream(48000, 2, Fraction(0)),),
    }
    return Media(**{**defaults, **changes})


def one_shot(media, crop, canvas):
    box = Box(crop[0], crop[1], crop[0] + crop[2], crop[1] + crop[3])
    return CutList(media, canvas, (Shot(FrameRange(100, 200), (), box, "why"),))


def case_a():
    return one_shot(source(), (960, 100, 640, 360), (1920, 1080))


def case_b():
    return one_shot(source(size=(3840, 2160)), (1500, 200, 810, 1440), (1080, 1920))


# What was meant comes back -------------------------------------------------------------------


def edges(crop):
    return crop.left, crop.top, crop.right, crop.bottom


@settings(deadline=None, max_examples=50)
@given(cut_lists())
def test_every_format_gives_back_each_crop_and_each_cut(cut_list):
    began = cut_list.range.start
    for format_, shots in every_format_read(cut_list):
        assert [(s.record, s.start, s.end) for s in shots] == [
            (s.range.start - began, s.range.start, s.range.end) for s in cut_list.shots
        ], format_
        for shot, meant in zip(shots, cut_list.shots, strict=True):
            assert shot.crop == pytest.approx(edges(meant.crop), abs=0.01), format_


@settings(deadline=None, max_examples=15)
@given(rich_cut_lists())
def test_no_format_writes_minus_zero_or_insignificant_digits(cut_list):
    """Nine places of a scale or position leave no crop off by a thousandth of a pixel."""
    files = every_format(cut_list)
    for format_, text in files.items():
        assert not re.search(r"(?<![\w.;:-])-0(\.0*)?(?![\w.])", text), format_
    for scaling in ("otio", "stretch"):
        for clip in json.loads(files[scaling])["tracks"]["children"][0]["children"]:
            if clip["OTIO_SCHEMA"].startswith("Clip"):
                values = readers.resolve_parameters(clip).values()
                assert all(value == round(value, 9) for value in values)


@pytest.mark.parametrize("canvas", [(1920, 1080), (1080, 1920), (1080, 1080)])
@pytest.mark.parametrize("crop", [(100, 40, 1500, 340), (700, 20, 1000, 1060), (0, 0, 1920, 1080)])
@pytest.mark.parametrize("moving", [False, True])
def test_a_crop_of_another_shape_covers_the_canvas_in_every_format(canvas, crop, moving):
    """Its longer side loses its ends and its middle stays, whichever side that is."""
    left, top, right, bottom = crop
    width, height = right - left, bottom - top
    width, height = (
        min(width, height * canvas[0] / canvas[1]),
        min(height, width * canvas[1] / canvas[0]),
    )
    x, y = (left + right) / 2, (top + bottom) / 2
    expected = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    shot = Shot(FrameRange(100, 200), (), Box(*crop), "why")
    keys = (CropKey(100, shot.crop), CropKey(150, Box(0, 0, 960, 540))) if moving else ()
    cut_list = CutList(source(), canvas, (replace(shot, keys=keys),))

    for format_, (clip,) in every_format_read(cut_list):
        as_it_is = format_ == "plain"  # our own note, which no editor reads
        assert clip.crop == pytest.approx(crop if as_it_is else expected, abs=0.01), format_
        assert len(clip.keys) == len(keys)


@settings(deadline=None, max_examples=30)
@given(rich_cut_lists())
def test_the_visible_clips_are_the_cut_list_whatever_is_below(cut_list):
    """The highest clip that is on is what an editor shows; its moves are the shot's."""
    began = cut_list.range.start
    for format_, clips in every_format_read(cut_list):
        for shot in cut_list.shots:
            first, last = (frame - began for frame in (shot.range.start, shot.range.end - 1))
            for at in (first, last):
                over = [c for c in clips if c.on and c.record <= at < c.record + c.end - c.start]
                top = max(over, key=lambda clip: clip.track)
                assert (top.start, top.end) == (shot.range.start, shot.range.end), format_
            assert top.crop == pytest.approx(edges(shot.crop), abs=0.01), format_
            assert [frame for frame, _ in top.keys] == [key.frame for key in shot.keys], format_
            for (_, crop), key in zip(top.keys, shot.keys, strict=True):
                assert crop == pytest.approx(edges(key.crop), abs=0.01), format_


@settings(deadline=None, max_examples=15)
@given(rich_cut_lists().filter(lambda cut_list: cut_list.angles))
def test_other_angles_are_below_and_above_but_disabled(cut_list):
    began = cut_list.range.start
    for format_, clips in every_format_read(cut_list):
        if format_ in ("mlt", "edl"):  # they cannot switch a clip off
            assert len(clips) == len(cut_list.shots)
            continue
        wide = [clip for clip in clips if not clip.track]
        assert wide[0].record == 0
        assert all(a.record + a.end - a.start == b.record for a, b in pairwise(wide))
        assert wide[-1].end == cut_list.range.end
        assert all(clip.on for clip in wide)
        assert all(clip.start - clip.record == began for clip in clips)
        for id_ in [person.id for person in cut_list.people]:
            ready = {f for a in cut_list.angles if a.subjects == (id_,) for f in frames_of(a.range)}
            cut_to = {s.range for s in cut_list.shots if s.subjects[:1] == (id_,)}
            ready |= {f for span in cut_to for f in frames_of(span)}
            tracks = [{f for c in clips if c.track == n for f in (c.start, c.end - 1)}
                      for n in range(1, len(cut_list.people) + 1)]  # fmt: skip
            assert not ready or any(enabled and enabled <= ready for enabled in tracks), format_


@pytest.mark.parametrize("name", ["mlt", "edl"])
def test_a_format_without_disabled_clips_warns_of_what_it_leaves_out(name, caplog):
    other = Shot(FrameRange(100, 200), (), Box(0, 0, 1920, 1080))
    written(replace(two_people(), angles=(other,)), name)

    assert len(caplog.messages) == 1
    assert "cannot disable clips: only the shots of the cut are written" in caplog.text


def frames_of(span):
    return range(span.start, span.end)


@settings(deadline=None, max_examples=10)
@given(rich_cut_lists())
def test_the_same_cut_list_gives_the_same_bytes(cut_list):
    assert every_format(cut_list) == every_format(cut_list)


@pytest.mark.parametrize(
    ("case", "variant", "scale", "position"),
    [
        (case_a, "fcp", 3, (-88.888889, -72.222222)),
        (case_a, "resolve", 3, (-88.888889, -72.222222)),
        (case_b, "fcp", 4.740741, (1.041667, -11.111111)),
        (case_b, "resolve", 4.740741, (1.041667, -35.116598)),
    ],
)
def test_fcpxml_of_the_worked_cases(case, variant, scale, position):
    file = readers.parse_xml(written(case(), "fcpxml", variant=variant))
    transform = file.find(".//adjust-transform")

    assert [float(v) for v in transform.get("scale").split()] == pytest.approx(
        [scale, scale], abs=1e-6
    )
    assert [float(v) for v in transform.get("position").split()] == pytest.approx(
        position, abs=1e-6
    )


@pytest.mark.parametrize(
    ("case", "variant", "scale", "centre"),
    [
        (case_a, "premiere", 300, (-0.5, 0.722222)),
        (case_b, "premiere", 133.333333, (0.005208, 0.098765)),
        (case_a, "resolve", 300, (-0.5, 0.722222)),
        (case_b, "resolve", 474.074074, (0.018519, 0.351166)),
    ],
)
def test_xmeml_of_the_worked_cases(case, variant, scale, centre):
    file = readers.parse_xml(written(case(), "premiere_xml", variant=variant))
    values = readers.parameters(file.find(".//effect"))

    assert float(values["scale"].text) == pytest.approx(scale, abs=1e-6)
    assert [float(v.text) for v in values["center"]] == pytest.approx(centre, abs=1e-6)


@pytest.mark.parametrize(
    ("case", "scaling", "zooms", "pan", "tilt"),
    [
        (case_a, "fit", (3, 3), -0.5, -0.722222),
        (case_a, "fill", (3, 3), -0.5, -0.722222),
        (case_a, "crop", (3, 3), -0.5, -0.722222),
        (case_a, "stretch", (3, 3), -0.5, -0.722222),
        (case_b, "fit", (4.740741, 4.740741), 0.018519, -0.351166),
        (case_b, "fill", (1.5, 1.5), 0.005859, -0.111111),
        (case_b, "crop", (1.333333, 1.333333), 0.005208, -0.098765),
        (case_b, "stretch", (4.740741, 1.5), 0.018519, -0.111111),
    ],
)
def test_resolve_otio_of_the_worked_cases(case, scaling, zooms, pan, tilt):
    text = written(case(), "resolve_otio", scaling=scaling)
    (clip,) = json.loads(text)["tracks"]["children"][0]["children"]

    assert readers.resolve_parameters(clip) == pytest.approx(
        {
            "transformationZoomX": zooms[0],
            "transformationZoomY": zooms[1],
            "transformationPan": pan,
            "transformationTilt": tilt,
            "scale": {"crop": 1, "fit": 2, "fill": 3, "stretch": 4}[scaling],
        },
        abs=1e-6,
    )


@pytest.mark.parametrize(
    ("case", "size", "scale", "position"),
    [
        (case_a, (1920, 1080), 300, (0, 1.222222)),
        (case_b, (1080, 1920), 133.333333, (0.518519, 0.611111)),
    ],
)
def test_premiere_otio_of_the_worked_cases(case, size, scale, position):
    stack = json.loads(written(case(), "premiere_otio"))["tracks"]
    (opacity, motion) = stack["children"][0]["children"][0]["effects"]
    values = {
        p["DisplayName"]: p["StartValue"]
        for p in motion["metadata"]["PremierePro_OTIO"]["Parameters"]
    }
    sequence = stack["metadata"]["PremierePro_OTIO"]

    assert (opacity["effect_name"], motion["effect_name"]) == ("Opacity", "Motion")
    assert sequence["VideoResolution"] == {"width": size[0], "height": size[1]}
    assert values["Scale"]["Value"] == pytest.approx(scale, abs=1e-6)
    assert list(values["Position"]["Value"].values()) == pytest.approx(position, abs=1e-6)
    assert values["Scale"]["Position"]["value"] == -10800000


@pytest.mark.parametrize(
    ("case", "rect"),
    [(case_a, (-2880, -300, 5760, 3240)), (case_b, (-2000, -266.666667, 5120, 2880))],
)
def test_mlt_of_the_worked_cases(case, rect):
    text = readers.parse_xml(written(case(), "mlt")).findtext(
        ".//filter/*[@name='transition.rect']"
    )

    assert [float(number) for number in text.split()] == pytest.approx([*rect, 1], abs=1e-6)


@pytest.mark.parametrize(
    ("case", "comment"),
    [
        (case_a, "* OSZ CROP: X=960 Y=100 W=640 H=360 SRC=1920x1080 SEQ=1920x1080"),
        (case_b, "* OSZ CROP: X=1500 Y=200 W=810 H=1440 SRC=3840x2160 SEQ=1080x1920"),
    ],
)
def test_edl_of_the_worked_cases(case, comment):
    assert written(case(), "edl").splitlines() == [
        "TITLE: talk",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       AA/V  C        01:00:04:00 01:00:08:00 01:00:00:00 01:00:04:00",
        "* FROM CLIP NAME: talk.mp4",
        comment,
        "* LOC: 01:00:00:00 GREEN   Wide: why (confidence 1.00)",
        "",
    ]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [0, 10])
def test_cuts_at_three_hours_are_exact_at_every_rate(rate, start):
    """With a source timecode of ten hours, and with none; dropped labels where there are any."""
    base = round(rate)
    drops = rate.denominator > 1 and base % 30 == 0
    for drop in {False, drops}:
        hour = 3600 * base - (108 * base // 30 if drop else 0)
        long = source(rate=rate, duration=4 * hour, start=start * hour, drop_frame=drop)
        cuts = (3 * hour - 1, 3 * hour, 3 * hour + 1, 3 * hour + 61 * base, 4 * hour)
        shots = (Shot(FrameRange(a, b), (), Box(0, 0, 1920, 1080)) for a, b in pairwise((0, *cuts)))
        cut_list = CutList(long, (1920, 1080), tuple(shots))
        for format_, read in every_format_read(cut_list):
            assert [(s.record, s.start, s.end) for s in read] == [
                (s.range.start, s.range.start, s.range.end) for s in cut_list.shots
            ], format_


# Final Cut Pro -------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["1_10", "1_13"])
def dtd(request):
    path = REFERENCE / "dtd" / f"FCPXMLv{request.param}.dtd"
    if not path.is_file():
        pytest.skip(f"Apple's {path.name} is not in shared/reference/dtd")
    with path.open("rb") as file:
        return etree.DTD(file), request.param.replace("_", ".")


@settings(deadline=None, max_examples=20)
@given(rich_cut_lists(), st.sampled_from(("fcp", "resolve")))
def test_fcpxml_is_valid_by_apples_dtd(dtd, cut_list, variant):
    document = readers.parse_xml(written(cut_list, "fcpxml", variant=variant))
    assert document.get("version") == "1.10"
    rules, version = dtd
    document.set("version", version)  # each DTD wants its own, and allows what 1.10 does

    assert rules.validate(document), rules.error_log


def test_fcpxml_is_valid_for_xmllint_too(dtd, tmp_path):
    if shutil.which("xmllint") is None:
        pytest.skip("xmllint is not installed")
    path = tmp_path / "talk.fcpxml"
    path.write_text(written(case_b(), "fcpxml"), encoding="utf-8")
    rules = REFERENCE / "dtd" / "FCPXMLv1_10.dtd"

    command = ["xmllint", "--noout", "--nonet", "--dtdvalid", str(rules), str(path)]
    subprocess.run(command, check=True)


@unhurried
@given(cut_lists())
def test_fcpxml_clips_follow_without_gap_and_stay_in_the_asset(cut_list):
    root = readers.parse_xml(written(cut_list, "fcpxml"))
    asset, clips = root.find(".//asset"), root.findall(".//asset-clip")
    at = {key: [readers.seconds(c.get(key)) for c in clips] for key in ("offset", "duration")}
    total = readers.seconds(root.find(".//sequence").get("duration"))

    assert at["offset"][0] == 0
    for (offset, duration), following in zip(
        zip(at["offset"], at["duration"], strict=True), [*at["offset"][1:], total], strict=True
    ):
        assert offset + duration == following
    first = readers.seconds(asset.get("start"))
    assert first == cut_list.media.start / cut_list.media.rate
    for clip in clips:
        start, length = (readers.seconds(clip.get(key)) for key in ("start", "duration"))
        assert first <= start
        assert start + length <= first + readers.seconds(asset.get("duration"))


def test_fcpxml_has_rate_size_timecode_and_audio_of_the_source():
    ntsc = source(rate=Fraction(30000, 1001), start=107892, drop_frame=True, size=(3840, 2160))
    root = readers.parse_xml(written(one_shot(ntsc, (0, 0, 1600, 900), (1280, 720)), "fcpxml"))
    canvas, footage = root.iter("format")
    sequence, asset, clip = (root.find(f".//{tag}") for tag in ("sequence", "asset", "asset-clip"))

    assert dict(canvas.attrib) == {
        "id": "r1",
        "frameDuration": "1001/30000s",
        "width": "1280",
        "height": "720",
        "colorSpace": "1-1-1 (Rec. 709)",
    }
    assert footage.get("name") == "FFVideoFormat3840x2160p2997"
    assert {e.get("tcFormat") for e in (sequence, clip)} == {"DF"}
    assert asset.get("start") == "8999991/2500s"  # 107892 frames of 1001/30000 s
    assert clip.get("start") == "13512499/3750s"  # 107992 of them
    assert (asset.get("audioRate"), asset.get("audioChannels")) == ("48000", "2")
    assert (sequence.get("audioLayout"), sequence.get("audioRate")) == ("stereo", "48k")
    assert clip[0].tag == "note"
    assert clip[0].text == "why"
    assert (asset.get("audioSources"), clip.get("videoRole")) == ("1", "video.Wide")


def test_a_silent_source_has_no_audio_in_any_format():
    files = every_format(one_shot(source(audio_streams=()), (0, 0, 1920, 1080), (1920, 1080)))

    assert "hasAudio" not in files["fcp"]
    assert "audioRole" not in files["fcp"]
    assert "<audio>" not in files["xmeml"]
    assert "<link>" not in files["xmeml"]
    assert [t["kind"] for t in json.loads(files["otio"])["tracks"]["children"]] == ["Video"]


def test_an_unknown_variant_is_a_callers_mistake():
    for name in ("fcpxml", "premiere_xml", "edl"):
        with pytest.raises(ValueError, match="avid"):
            written(case_a(), name, variant="avid")
    with pytest.raises(ValueError, match="zoom"):
        written(case_a(), "resolve_otio", scaling="zoom")


# Premiere ------------------------------------------------------------------------------------


@unhurried
@given(cut_lists())
def test_xmeml_links_are_reciprocal_and_point_at_their_place(cut_list):
    sequence = readers.parse_xml(written(cut_list, "premiere_xml")).find("sequence")
    places = {
        clip.get("id"): (kind, str(at_track), str(at_clip))
        for kind in ("video", "audio")
        for at_track, track in enumerate(sequence.iterfind(f"media/{kind}/track"), 1)
        for at_clip, clip in enumerate(track.iterfind("clipitem"), 1)
    }
    links = {
        clip.get("id"): [link.findtext("linkclipref") for link in clip.iterfind("link")]
        for clip in sequence.iter("clipitem")
    }

    assert len(places) == len(list(sequence.iter("clipitem")))
    for id_, members in links.items():
        assert not members or id_ in members
        assert all(links[member] == members for member in members)
    for link in sequence.iter("link"):
        keys = ("mediatype", "trackindex", "clipindex")
        assert tuple(map(link.findtext, keys)) == places[link.findtext("linkclipref")]
    channels = sum(stream.channels for stream in cut_list.media.audio_streams)
    assert {len(members) for members in links.values()} == {channels + bool(channels)}
    assert [
        {int(clip.findtext("sourcetrack/trackindex")) for clip in track.iterfind("clipitem")}
        for track in sequence.iterfind("media/audio/track")
    ] == [{channel} for channel in range(1, channels + 1)]


@unhurried
@given(cut_lists())
def test_xmeml_names_its_ids_once_and_leaves_no_gap(cut_list):
    sequence = readers.parse_xml(written(cut_list, "premiere_xml")).find("sequence")
    files = list(sequence.iter("file"))

    assert [bool(len(file)) for file in files] == [True] + [False] * (len(files) - 1)
    assert {file.get("id") for file in files} == {"file-1"}
    for track in sequence.iterfind("media/*/track"):
        edges = [(int(c.findtext("start")), int(c.findtext("end"))) for c in track.iter("clipitem")]
        assert edges[0][0] == 0
        assert edges[-1][1] == int(sequence.findtext("duration"))
        assert all(before[1] == after[0] for before, after in pairwise(edges))
    for clip in sequence.iter("clipitem"):
        start, end, length = (int(clip.findtext(key)) for key in ("in", "out", "duration"))
        assert 0 <= start < end <= length


@settings(deadline=None, max_examples=25)
@given(cut_lists())
def test_the_community_adapter_reads_our_xmeml(cut_list):
    text = written(cut_list, "premiere_xml")
    timeline = otio.adapters.read_from_string(text, "fcp_xml")
    (track,) = timeline.video_tracks()
    rate = float(cut_list.media.rate)

    assert timeline.duration().value == cut_list.range.duration
    # of exploded tracks that adapter reads the first
    counts = [
        1 if stream.channels == 2 else stream.channels for stream in cut_list.media.audio_streams
    ]
    assert len(timeline.audio_tracks()) == sum(counts)
    for clip, shot in zip(track, cut_list.shots, strict=True):
        assert clip.source_range.start_time.value == cut_list.media.start + shot.range.start
        assert clip.source_range.duration.value == shot.range.duration
        assert clip.source_range.start_time.rate == pytest.approx(rate)
        assert [effect.name for effect in clip.effects] == ["Basic Motion"]
        assert seen_by_the_community_adapter(clip, cut_list) == pytest.approx(
            (shot.crop.left, shot.crop.top, shot.crop.right, shot.crop.bottom), abs=0.01
        )


def seen_by_the_community_adapter(clip, cut_list):
    listed = clip.effects[0].metadata["fcp_xml"]["parameter"]
    values = {p["parameterid"]: p["value"] for p in listed}
    (width, height), centre = cut_list.media.size, values["center"]
    move = float(centre["horiz"]) * width, float(centre["vert"]) * height
    size, canvas = cut_list.media.size, cut_list.canvas
    return readers.crop_from(float(values["scale"]) / 100, *move, size, canvas)


@pytest.mark.parametrize(
    ("rate", "timebase", "ntsc"),
    [
        ("24000/1001", 24, "TRUE"),
        ("25", 25, "FALSE"),
        ("60000/1001", 60, "TRUE"),
        ("60", 60, "FALSE"),
    ],
)
def test_xmeml_rates_are_whole_numbers_everywhere(rate, timebase, ntsc):
    cut_list = one_shot(source(rate=Fraction(rate)), (0, 0, 1920, 1080), (1920, 1080))
    root = readers.parse_xml(written(cut_list, "premiere_xml"))

    rates = {(e.findtext("timebase"), e.findtext("ntsc")) for e in root.iter("rate")}
    assert rates == {(str(timebase), ntsc)}
    assert root.find("sequence/rate") is not None


@pytest.mark.parametrize(
    ("rate", "frame", "drop", "label"),
    [
        (30, 1799, True, "00:00:59;29"),
        (30, 1800, True, "00:01:00;02"),
        (30, 17981, True, "00:09:59;29"),
        (30, 17982, True, "00:10:00;00"),
        (30, 107892, True, "01:00:00;00"),
        (60, 215784, True, "01:00:00;00"),
        (60, 3600, True, "00:01:00;04"),
        (30, 108000, False, "01:00:00:00"),
    ],
)
def test_xmeml_timecode_of_the_file(rate, frame, drop, label):
    ntsc = source(rate=Fraction(rate * 1000, 1001), start=frame, drop_frame=drop)
    root = readers.parse_xml(
        written(one_shot(ntsc, (0, 0, 1920, 1080), (1920, 1080)), "premiere_xml")
    )
    timecode = root.find(".//file/timecode")

    assert timecode.findtext("string") == label
    assert timecode.findtext("frame") == str(frame)
    assert timecode.findtext("displayformat") == ("DF" if drop else "NDF")


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_xmeml_rotates_a_phones_video_itself(rotation):
    media = source(size=(1080, 1920), rotation=rotation)
    crop = Box(200, 300, 740, 1260)
    root = readers.parse_xml(
        written(one_shot(media, (200, 300, 540, 960), (1080, 1920)), "premiere_xml")
    )
    values = readers.parameters(root.find(".//effect"))
    stored = root.find(".//file/media/video/samplecharacteristics")
    width, height = (int(stored.findtext(key)) for key in ("width", "height"))

    assert (width, height) == ((1080, 1920) if rotation == 180 else (1920, 1080))
    # A corner of the crop in stored pixels: turned anticlockwise about the centre.
    turn = radians(-rotation)
    x, y = crop.left - 540, crop.top - 960
    x, y = x * cos(turn) - y * sin(turn), x * sin(turn) + y * cos(turn)
    assert abs(x) <= width / 2
    assert abs(y) <= height / 2
    # And what Premiere makes of it: turned clockwise, scaled, moved by parts of the stored size.
    turn, k = radians(float(values["rotation"].text)), float(values["scale"].text) / 100
    x, y = k * (x * cos(turn) - y * sin(turn)), k * (x * sin(turn) + y * cos(turn))
    x += readers.number(values["center"], "horiz") * width + 540
    y += readers.number(values["center"], "vert") * height + 960
    assert (x, y) == pytest.approx((0, 0), abs=0.01)


def test_resolve_rotates_a_phones_video_by_itself():
    cut_list = one_shot(source(size=(1080, 1920), rotation=90), (270, 480, 540, 960), (1080, 1920))
    root = readers.parse_xml(written(cut_list, "premiere_xml", variant="resolve"))
    stored = root.find(".//file/media/video/samplecharacteristics")

    assert [stored.findtext(key) for key in ("width", "height")] == ["1080", "1920"]
    assert readers.parameters(root.find(".//effect"))["rotation"].text == "0"


def test_xmeml_refuses_what_it_cannot_express():
    odd = one_shot(source(rate=Fraction(29) / 2), (0, 0, 1920, 1080), (1920, 1080))
    tight = one_shot(source(), (0, 0, 160, 90), (1920, 1080))

    with pytest.raises(TimelineError, match=r"^/a/talk.mp4: .* 29/2 frames .* conform it first"):
        written(odd, "premiere_xml")
    with pytest.raises(TimelineError, match=r"frame 100 needs 1200 %.* widen its crop"):
        written(tight, "premiere_xml")


def test_fcpxml_refuses_a_rate_it_cannot_express():
    odd = one_shot(source(rate=Fraction(2**33 + 1, 2**28)), (0, 0, 1920, 1080), (1920, 1080))

    with pytest.raises(TimelineError, match="conform it first"):
        written(odd, "fcpxml")


# Resolve -------------------------------------------------------------------------------------


def test_resolve_otio_is_laid_out_as_resolve_exports_it():
    document = json.loads(written(case_a(), "resolve_otio"))
    (picture, sound) = document["tracks"]["children"]
    (video_clip,), (audio_clip,) = picture["children"], sound["children"]
    reference = video_clip["media_references"]["DEFAULT_MEDIA"]

    assert document["metadata"]["Resolve_OTIO"] == {"Resolve OTIO Meta Version": "1.0"}
    assert document["global_start_time"]["value"] == 90000
    assert (video_clip["name"], reference["target_url"]) == ("talk.mp4", "/a/talk.mp4")
    assert video_clip["source_range"]["start_time"]["value"] == 90100
    assert reference["available_range"]["start_time"]["value"] == 90000
    assert video_clip["metadata"]["Resolve_OTIO"] == {"Link Group ID": 1}
    assert audio_clip["metadata"]["Resolve_OTIO"] == {
        "Link Group ID": 1,
        "Channels": [
            {"Source Channel ID": 0, "Source Track ID": 0},
            {"Source Channel ID": 1, "Source Track ID": 0},
        ],
    }
    assert sound["metadata"]["Resolve_OTIO"]["Audio Type"] == "Stereo"
    defaults = {
        p["Parameter ID"]: p["Default Parameter Value"]
        for effect in video_clip["effects"]
        for p in effect["metadata"]["Resolve_OTIO"]["Parameters"]
    }
    assert defaults == {
        "transformationZoomX": 1,
        "transformationZoomY": 1,
        "transformationPan": 0,
        "transformationTilt": 0,
        "scale": 0,
    }


@pytest.mark.parametrize(
    ("rate", "drop", "hour"),
    [("30000/1001", True, 107892), ("30000/1001", False, 108000), ("24000/1001", False, 86400)],
)
def test_resolve_starts_a_timeline_at_one_oclock(rate, drop, hour):
    media = source(rate=Fraction(rate), drop_frame=drop, start=0)
    text = written(one_shot(media, (0, 0, 1920, 1080), (1920, 1080)), "resolve_otio")

    assert json.loads(text)["global_start_time"]["value"] == hour


def test_resolve_falls_back_to_fill_for_a_framing_out_of_fits_reach():
    uhd = source(size=(3840, 2160))
    tight = one_shot(uhd, (0, 0, 405, 720), (1080, 1920))
    (clip,) = json.loads(written(tight, "resolve_otio"))["tracks"]["children"][0]["children"]
    values = readers.resolve_parameters(clip)

    assert values["scale"] == 3
    assert values["transformationZoomX"] == pytest.approx(3)
    (read,) = readers.resolve_otio(written(tight, "resolve_otio"), uhd.size, (1080, 1920))
    assert read.crop == pytest.approx((0, 0, 405, 720), abs=0.01)


def test_resolve_otio_refuses_what_neither_scaling_can_reach():
    tight = one_shot(source(), (0, 0, 160, 90), (1920, 1080))

    with pytest.raises(TimelineError, match=r"^/a/talk.mp4: the shot at frame 100 .*widen"):
        written(tight, "resolve_otio")


# Shotcut -------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", range(4))
def test_mlt_lies_on_a_black_background_as_shotcut_needs_it(streams):
    """Shotcut makes the first clip of the lowest track as long as the programme (22.12)."""
    audio_streams = tuple(AudioStream(48000, 1, Fraction(0), n + 1) for n in range(streams))
    project = readers.parse_xml(
        written(replace_media(two_people(), audio_streams=audio_streams), "mlt")
    )
    lists = {playlist.get("id"): playlist for playlist in project.iter("playlist")}
    (programme,) = project.iter("tractor")
    tracks = [track.get("producer") for track in programme.iterfind("track")]
    mixed = [
        [t.findtext(f"property[@name='{name}']") for name in ("mlt_service", "a_track", "b_track")]
        for t in programme.iterfind("transition")
    ]

    background, *others = tracks
    assert background == "background"
    assert len(others) == max(1, streams)
    (black,) = lists[background]
    assert project.find(f"producer[@id='{black.get('producer')}']/*[@name='mlt_service']").text == (
        "color"
    )
    assert (black.get("in"), black.get("out")) == (programme.get("in"), programme.get("out"))
    assert mixed == [["mix", "0", str(n)] for n in range(1, len(tracks))]
    indices = [
        project.findtext(
            f"producer[@id='{lists[track].find('entry').get('producer')}']/*[@name='audio_index']"
        )
        for track in others
    ]
    assert indices == ([str(stream.index) for stream in audio_streams] or ["-1"])


@pytest.mark.parametrize(("bad", "escape"), [("\x07", "x07"), ("\r", "r")])
def test_mlt_refuses_a_name_that_xml_cannot_hold_and_urls_encode_it(bad, escape):
    cut_list = replace_media(two_people(), path=Path(f"/a/ta{bad}lk.mp4"))
    refusal = rf"^'/a/ta\\{escape}lk.mp4': .* MLT cannot .* rename"
    for name in ("mlt", "kdenlive"):
        with pytest.raises(TimelineError, match=refusal):
            written(cut_list, name)
    for name in ("fcpxml", "premiere_xml"):
        assert f"ta{quote(bad)}lk.mp4" in written(cut_list, name)


def test_mlt_names_the_video_and_audio_streams():
    """MLT would take the first of each, which may be a thumbnail or a codec that it cannot read."""
    audio_streams = (AudioStream(48000, 2, Fraction(0), 4), AudioStream(48000, 1, Fraction(0), 1))
    cut_list = replace_media(two_people(), video_stream=3, audio_streams=audio_streams)
    producers = readers.parse_xml(written(cut_list, "mlt")).findall("producer")

    indices_of = {
        producer.get("id"): tuple(
            producer.findtext(f"property[@name='{kind}_index']") for kind in ("video", "audio")
        )
        for producer in producers
        if producer.get("id") != "black"
    }
    assert set(indices_of.values()) == {("3", "4"), ("3", "1")}
    assert indices_of["producer0"] == indices_of["producer1"] == ("3", "4")


@pytest.mark.parametrize("format_", ["mlt", "kdenlive"])
@pytest.mark.parametrize(
    ("name", "late", "warned"),
    [
        ("a talk.mp4", Fraction(4, 5), True),
        ("a talk.MOV", Fraction(4, 5), True),
        ("a talk.mkv", Fraction(4, 5), False),
        ("a talk.mp4", Fraction(1, 50), False),
        ("a talk.mp4", Fraction(-4, 5), False),
    ],
)
def test_mlt_warns_of_a_late_video_that_an_older_mlt_plays_out_of_sync(
    name, late, warned, format_, caplog
):
    audio_streams = (AudioStream(48000, 2, Fraction(0)), AudioStream(48000, 2, -late))
    path = Path("/a") / name
    written(replace_media(two_people(), path=path, audio_streams=audio_streams), format_)

    assert ("starts 0.80 s after its audio" in caplog.text) == warned
    # that it works as it is printed is tried among the odd sources
    assert caplog.text.rstrip().endswith("-c:s srt -ignore_unknown 'file:/a/a talk.mkv'") == warned
    assert len(caplog.messages) == warned


def replace_media(cut_list, **changes):
    return replace(cut_list, media=replace(cut_list.media, **changes))


# What every file tells an editor -------------------------------------------------------------


def two_people():
    anna, both = (Shot(FrameRange(100, 150), (1,), Box(0, 0, 960, 540), "Anna speaks", 0.3),
                  Shot(FrameRange(150, 200), (2, 1), Box(0, 0, 1920, 1080), "", 0.9))  # fmt: skip
    people = (Person(1, (), "Anna | A."), Person(2, ()))
    return CutList(source(), (1920, 1080), (anna, both), people)


def test_a_doubtful_cut_gets_a_marker_of_another_colour_everywhere():
    files = every_format(two_people())
    anna = "Anna speaks (confidence 0.30)"

    fcp = [dict(m.attrib) for m in readers.parse_xml(files["fcp"]).iter("marker")]
    assert [(m["value"], m.get("completed"), m["start"]) for m in fcp] == [
        (anna, "0", "3604s"),
        ("Person 2 + Anna | A. (confidence 0.90)", None, "3606s"),
    ]
    xmeml = readers.parse_xml(files["xmeml"]).findall("sequence/marker")
    assert [xmeml[0].findtext(k) for k in ("in", "out", "comment")] == [
        "0",
        "-1",
        anna,
    ]
    assert len({m.findtext("pproColor") for m in xmeml}) == 2
    for format_ in ("otio", "premiere"):
        markers = json.loads(files[format_])["tracks"]["markers"]
        assert [m["marked_range"]["start_time"]["value"] for m in markers] == [0, 50]
        assert [m["color"] for m in markers] == ["RED", "GREEN"]
        assert [m["name"] for m in markers] == ["Anna | A.", "Person 2 + Anna | A."]
    shotcut = readers.mlt_markers(files["mlt"])
    assert [m["start"] for m in shotcut] == ["0", "50"]
    assert shotcut[0]["text"] == f"Anna | A.: {anna}"
    assert len({m["color"] for m in shotcut}) == 2
    assert f"* LOC: 01:00:00:00 RED     Anna | A.: {anna}" in files["edl"]


def test_resolves_list_of_markers_is_laid_out_as_resolve_exports_it():
    assert written(two_people(), "edl", variant="markers").splitlines()[3:] == [
        "001  001      V     C        01:00:00:00 01:00:00:01 01:00:00:00 01:00:00:01  ",
        "Anna speaks (confidence 0.30) |C:ResolveColorRed |M:Anna / A. |D:1",
        "",
        "002  001      V     C        01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01  ",
        "Person 2 + Anna / A. (confidence 0.90) |C:ResolveColorGreen |M:Person 2 + Anna / A. |D:1",
        "",
    ]


def test_people_have_colours_in_premiere_and_roles_in_final_cut():
    files = every_format(two_people())
    labels = readers.parse_xml(files["xmeml"]).findall(".//video/track/clipitem/labels/label2")
    roles = [c.get("videoRole") for c in readers.parse_xml(files["fcp"]).iter("asset-clip")]

    assert [label.text for label in labels] == ["Caribbean", "Rose"]
    assert roles == ["video.Anna | A ", "video.Person 2 + Anna | A "]


def test_all_streams_and_channels_are_present_and_linked():
    audio_streams = tuple(
        AudioStream(48000, n, Fraction(0), at) for n, at in ((2, 1), (1, 3), (4, 4))
    )
    files = every_format(
        one_shot(source(audio_streams=audio_streams), (0, 0, 1920, 1080), (1920, 1080))
    )
    expected = [(0, 2), (1, 1), (2, 1), (2, 1), (2, 1), (2, 1)]

    tracks = [t for t in json.loads(files["otio"])["tracks"]["children"] if t["kind"] == "Audio"]
    clips = [track["children"][0]["metadata"]["Resolve_OTIO"] for track in tracks]
    assert [(h["Channels"][0]["Source Track ID"], len(h["Channels"])) for h in clips] == expected
    assert {h["Link Group ID"] for h in clips} == {1}
    tracks = [
        t for t in json.loads(files["premiere"])["tracks"]["children"] if t["kind"] == "Audio"
    ]
    clips = [track["children"][0]["metadata"]["PremierePro_OTIO"] for track in tracks]
    assert [h["OriginalChannelGroupIndex"] for h in clips] == [stream for stream, _ in expected]
    assert {h["LinkID"] for h in clips} == {"1"}
    asset = readers.parse_xml(files["fcp"]).find(".//asset")
    assert (asset.get("audioSources"), asset.get("audioChannels")) == ("3", "7")
    exploded = readers.parse_xml(files["xmeml"]).findall(".//audio/track")
    assert [t.get("premiereTrackType") for t in exploded] == ["Stereo"] * 2 + ["Mono"] * 5
    project = readers.parse_xml(files["mlt"])
    clips = [project.find(f"*[@id='sound{n}-0']/property[@name='audio_index']") for n in (1, 2)]
    assert [index.text for index in clips] == ["3", "4"]


def test_pycmx_reads_our_edl():
    read = list(pycmx.parse_cmx3600(io.StringIO(written(two_people(), "edl"))).events)

    assert [event.number for event in read] == [1, 2]
    for event, labels in zip(read, (("01:00:04:00", "01:00:06:00"), ("01:00:06:00", "01:00:08:00")),
                             strict=True):  # fmt: skip
        (edit,) = event.edits
        assert (edit.source_in, edit.source_out) == labels
        assert edit.clip_name == "talk.mp4"
        assert edit.channels.video
        assert (edit.channels.a1, edit.channels.a2) == (True, True)


@pytest.mark.parametrize("count", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_shots_are_written_but_not_as_an_edl(count):
    media = source(duration=25 * count)
    spans = (FrameRange(start, start + 25) for start in range(0, 25 * count, 25))
    many = CutList(media, (1920, 1080), tuple(Shot(s, (), Box(0, 0, 1920, 1080)) for s in spans))
    timeline = to_otio(many)

    for name, reader in (("fcpxml", "fcp"), ("mlt", media.size), ("kdenlive", media.size)):
        text = otio.adapters.write_to_string(timeline, f"speakerzoom_{name}")
        read = getattr(readers, name)(text, reader)
        assert [(s.record, s.end) for s in read[:: count // 9]] == [
            (s.range.start, s.range.end) for s in many.shots[:: count // 9]
        ]
    with pytest.raises(TimelineError, match=f"999 events, but the cut has {count} shots; cut it"):
        otio.adapters.write_to_string(timeline, "speakerzoom_edl")


# Paths, files, and the real thing ------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_urls_lead_back_to_the_file(name):
    path = f"/Volumes/Ton & Bild/{name}"
    files = every_format(one_shot(source(path=Path(path)), (0, 0, 960, 540), (1920, 1080)))
    fcp = readers.parse_xml(files["fcp"]).find(".//media-rep").get("src")
    premiere = readers.parse_xml(files["xmeml"]).findtext(".//pathurl")
    clip = json.loads(files["otio"])["tracks"]["children"][0]["children"][0]

    assert (urlparse(fcp).netloc, unquote(urlparse(fcp).path)) == ("", path)
    assert (urlparse(premiere).netloc, unquote(urlparse(premiere).path)) == ("localhost", path)
    assert not set("' ()!*+,;$&").intersection(fcp + premiere)
    assert clip["media_references"]["DEFAULT_MEDIA"]["target_url"] == path
    assert readers.parse_xml(files["fcp"]).find(".//asset").get("name") == name


def test_characters_that_xml_forbids_do_not_break_a_file():
    rung = replace(case_a().shots[0], reason="a bell \x07 rings")
    files = every_format(replace(case_a(), shots=(rung,)))

    assert readers.parse_xml(files["fcp"]).findtext(".//note") == "a bell \ufffd rings"


@pytest.mark.parametrize("name", NAMES_OF_WRITERS)
def test_files_are_written_through_otios_registry(name, tmp_path):
    path = tmp_path / "talk.file"
    otio.adapters.write_to_file(
        to_otio(case_a()), os.fspath(path), adapter_name=f"speakerzoom_{name}"
    )

    assert path.read_text(encoding="utf-8") == written(case_a(), name)


def test_every_format_that_can_be_written_is_tested():
    manifest = json.loads((REPOSITORY / "adapters" / "plugin_manifest.json").read_text())
    ours = {adapter for dialects in FORMATS.values() for adapter, _ in dialects.values()}

    names = {f"speakerzoom_{name}" for name in NAMES_OF_WRITERS}
    assert names == ours - {"otio_json"} == {entry["name"] for entry in manifest["adapters"]}


def test_a_foreign_timeline_is_refused_by_every_format():
    for name in NAMES_OF_WRITERS:
        with pytest.raises(TimelineError, match="speakerzoom export"):
            otio.adapters.write_to_string(otio.schema.Timeline("x"), f"speakerzoom_{name}")


def test_our_reader_understands_resolves_own_export():
    path = REFERENCE / "editor-exports" / "Resolve21.0.2_export_torture_ref.otio"
    if not path.is_file():
        pytest.skip("Resolve's own export is not in shared/reference/editor-exports")
    moved = [
        values
        for track in json.loads(path.read_text(encoding="utf-8"))["tracks"]["children"]
        for clip in track["children"]
        if clip["OTIO_SCHEMA"].startswith("Clip")
        and "transformationZoomX" in (values := readers.resolve_parameters(clip))
    ]

    # In its inspector: zoom 1.35, position -120 and +40 px on 1920x1080.
    assert moved[0]["transformationZoomX"] == 1.35
    assert moved[0]["transformationPan"] * 1920 == pytest.approx(-120)
    assert moved[0]["transformationTilt"] * 1080 == pytest.approx(40)
