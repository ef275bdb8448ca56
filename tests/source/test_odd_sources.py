"""A table of odd sources: the properties of each, and how every timeline describes it.

A row makes a file and has its correct properties. The sources of a second table cannot be read:
each fails with one line, whose command the test runs as printed.
"""

import json
import os
import re
import struct
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import opentimelineio as otio
import pytest
from remedies import remedied

from otio_speakerzoom.errors import MediaError, TimelineError
from otio_speakerzoom.interchange.lint import check
from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Microphone, Shot
from otio_speakerzoom.source import (
    matroska_command,
    probe,
    read_audio,
    read_frames,
    shift_audio_command,
    start_from_label,
)
from otio_speakerzoom.source.audio import SPEECH_SAMPLE_RATE
from otio_speakerzoom.source.decoded_facts import whole_frame_stamps
from otio_speakerzoom.source.grid import fit_grid
from otio_speakerzoom.source.start_timecode import convert_count
from otio_speakerzoom.timecode import allows_drop_frame
from otio_speakerzoom.timeline.build import to_otio
from otio_speakerzoom.timeline.formats import FORMATS
from otio_speakerzoom.timeline.frame_rates import COMMON_RATES, EDITOR_RATES, nearest_rate

NTSC = Fraction(30000, 1001)


# --- how to make them -----------------------------------------------------------------------------


def ffmpeg(*arguments):
    """Make with the packaged ffmpeg: older ones make other files. Remedies run with the user's."""
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([tool, "-v", "error", "-nostdin", "-y", *arguments], check=True)


def picture(rate="25", seconds=1, size="128x96", filters="null"):
    return ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds},{filters}"]


def tone(seconds=1, channels=1):
    expression = "|".join(["0.1*sin(2764*t)"] * channels)
    return ["-f", "lavfi", "-i", f"aevalsrc={expression}:s=48000:d={seconds}"]


X264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
WITH_B = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "12"]


def by_ffmpeg(*arguments):
    return lambda path: ffmpeg(*arguments, str(path))


def patched(*arguments, change):
    """Made by ffmpeg, then `change` gets its bytes."""

    def make(path):
        ffmpeg(*arguments, str(path))
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return make


def joined(path):
    one = path.with_name(f"one_{path.name}")
    ffmpeg(*picture(), *tone(), *X264, "-c:a", "mp2", str(one))
    path.write_bytes(2 * one.read_bytes())


def grown(path):
    """A call of which the other side's picture and sound change after a second."""
    parts = (("128x96", 1, 48000), ("256x144", 2, 44100))
    for number, (size, channels, rate) in enumerate(parts):
        offset = number * (1 + 1024 / 48000)  # the first picture follows what AAC begins with
        sound = [*tone(channels=channels), "-c:a", "aac", "-ar", str(rate)]
        ffmpeg(*picture(size=size), *sound, *X264, "-g", "5", "-output_ts_offset", f"{offset:.6f}",
               str(path.with_name(f"{number}.ts")))  # fmt: skip
    path.write_bytes(b"".join(path.with_name(f"{n}.ts").read_bytes() for n in range(2)))


def displayed(option, *values):
    """Stored upright, to be displayed by the matrix."""

    def make(path):
        plain = path.with_name(f"plain_{path.name}")
        ffmpeg(*picture(), *tone(), *X264, str(plain))
        with av.open(str(plain)) as source, av.open(str(path), "w") as out:
            streams = {s.index: out.add_stream_from_template(s) for s in source.streams}
            getattr(streams[0], option)(*values)
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    out.mux(packet)

    return make


def mark(data, *, drop=False, scale=None, duration=None, frames=None, count=None):
    """Change the timecode track of a QuickTime file."""
    at = data.index(b"tmcd", data.index(b"stsd", data.index(b"tmcd", data.index(b"hdlr"))))
    entry = at - 4  # flags, scale, duration and frames stand from byte 20 of it on
    if drop:
        data[entry + 20 : entry + 24] = struct.pack(">I", 1)
    if scale:
        data[entry + 24 : entry + 33] = struct.pack(">IIB", scale, duration, frames)
    if count is not None:
        offsets = [m.start() for m in re.finditer(b"stco|co64", data) if m.start() > entry]
        (where,) = struct.unpack(">I", data[offsets[0] + 12 : offsets[0] + 16])
        data[where : where + 4] = struct.pack(">I", count)


def coded(old, new, nth=0):
    """Give the sample entry number `nth` of a coding another name."""

    def change(data):
        entries = [m.start() for m in re.finditer(b"stsd", data)]
        places = [data.find(old, entry, entry + 24) for entry in entries]
        at = [place for place in places if place > 0][nth]
        data[at : at + 4] = new
        inner = data.find(b"esds", at, at + 200)
        if inner > 0:
            data[inner : inner + 4] = b"free"

    return change


def late_by(offset):
    """The last picture comes `offset` ticks later than it should."""

    def change(data):
        while (edits := data.find(b"edts")) > 0:  # which would hide it
            data[edits : edits + 4] = b"free"
        at = data.index(b"ctts") + 8
        (entries,) = struct.unpack(">I", data[at : at + 4])
        data[at + 8 * entries : at + 4 + 8 * entries] = struct.pack(">I", offset)

    return change


AVC = (*picture(), *tone(), *WITH_B)
FINE = "settb=1/120,setpts={},"
COLOURS = "setparams=color_primaries=bt2020:color_trc={}:colorspace=bt2020nc"
TOP = "tinterlace=interleave_top,setfield=tff"
BOTTOM = "tinterlace=interleave_bottom,setfield=bff"
FIELDS = ("-flags", "+ildct+ilme")
TWO_SOUNDS = (*picture(), *tone(), *tone(), "-map", "0", "-map", "1", "-map", "2", *X264)
LATE = ("-itsoffset", "0.8", *picture(), *tone(3), "-map", "0", "-map", "1", *X264)


def timecode(label, rate="25", **changes):
    arguments = (*picture(rate), *tone(), *X264, "-timecode", label)
    return (
        patched(*arguments, change=lambda data: mark(data, **changes))
        if changes
        else by_ffmpeg(*arguments)
    )


def tagged(label, rate="25"):
    return by_ffmpeg(*picture(rate), *X264, "-metadata", f"timecode={label}")


# --- the table ------------------------------------------------------------------------------------

ROWS = {
    # name: (how to make it, rate, frames, other correct properties)
    "bframes.avi": (by_ffmpeg(*AVC, "-c:a", "pcm_s16le"), 25, 25, {"delay": 0, "stamped": False}),
    "divx.avi": (by_ffmpeg(*picture(), *tone(), "-c:v", "mpeg4", "-bf", "2"), 25, 25, {"delay": 0}),
    "fine_clock.mp4": (
        by_ffmpeg(*picture("30", filters=FINE.format("4*N+mod(N\\,3)") + "null"), *X264,
                  "-enc_time_base", "1/120", "-fps_mode", "passthrough"), 30, 30, {}),
    "fine_clock.mkv": (
        by_ffmpeg(*picture("30", filters=FINE.format("4*N+mod(N\\,2)") + "null"), *X264,
                  "-enc_time_base", "1/120", "-fps_mode", "passthrough"), 30, 30, {}),
    "fields.mp4": (by_ffmpeg(*picture("50", filters=TOP), *tone(), *X264, "-x264-params", "tff=1",
                             *FIELDS), 25, 25, {"fields": "top"}),
    "fields.ts": (by_ffmpeg(*picture("50", filters=TOP), *tone(), *X264, "-x264-params", "tff=1",
                            *FIELDS), 25, 25, {"fields": "top"}),
    "bottom.mov": (by_ffmpeg(*picture("60000/1001", filters=BOTTOM), *X264, "-x264-params", "bff=1",
                             *FIELDS), NTSC, 30, {"fields": "bottom"}),
    "fields.mxf": (by_ffmpeg(*picture("50", filters=TOP), *tone(), "-c:v", "mpeg2video", *FIELDS),
                   25, 25, {"fields": "top"}),
    "whole_in_fields.mov": (by_ffmpeg(*picture(), "-c:v", "prores_ks"), 25, 25, {}),
    "hlg.mp4": (by_ffmpeg(*picture(filters=COLOURS.format("arib-std-b67")), *X264), 25, 25,
                {"colour": (9, 18, 9)}),
    "pq.mov": (by_ffmpeg(*picture(filters=COLOURS.format("smpte2084")), *X264), 25, 25,
               {"colour": (9, 16, 9)}),
    "thumbnail_first.mkv": (
        by_ffmpeg(*picture(seconds=0.04, size="64x48"), *picture(), *tone(), "-map", "0", "-map",
                  "1", "-map", "2", *X264), 25, 25,
        {"picture": 1, "size": (128, 96), "warns": "after a shorter one"}),
    "apac_second.mov": (patched(*TWO_SOUNDS, change=coded(b"mp4a", b"apac", 1)), 25, 25,
                        {"audio": [1], "warns": "audio stream 2 has the codec apac"}),
    "apac_first.mov": (patched(*TWO_SOUNDS, change=coded(b"mp4a", b"apac", 0)), 25, 25,
                       {"audio": [2], "warns": "audio stream 1 has the codec apac"}),
    "empty_sound.mkv": (
        by_ffmpeg(*picture(), "-f", "lavfi", "-i", "sine=d=0.1,atrim=end_sample=0", *X264, "-c:a",
                  "pcm_s16le"), 25, 25, {"audio": [], "warns": "audio stream 1 is empty"}),
    "channels10.mkv": (by_ffmpeg(*picture(), *tone(channels=10), *X264, "-c:a", "pcm_s16le"),
                       25, 25, {"channels": 10}),
    "channels12.mov": (by_ffmpeg(*picture(), *tone(channels=12), *X264, "-c:a", "pcm_s16le"),
                       25, 25, {"channels": 12}),
    "late.mp4": (by_ffmpeg(*LATE), 25, 25, {"delay": -0.8, "offset": 0.8}),
    "late.mkv": (by_ffmpeg(*LATE), 25, 25, {"delay": -0.8, "offset": 0.8}),
    "late.ts": (by_ffmpeg(*LATE), 25, 25, {"delay": -0.8, "offset": 0.8}),
    "late_sound.ts": (by_ffmpeg(*picture(seconds=2), "-itsoffset", "0.6", *tone(), *X264), 25, 50,
                      {"delay": 0.6}),
    "almost_square.mp4": (by_ffmpeg(*picture(filters="setsar=1279/1280"), *X264), 25, 25, {}),
    "upside_down.mp4": (displayed("set_display_rotation", 180), 25, 25, {"rotation": 180}),
    "grown.ts": (grown, 25, 50, {"warns": "its frame size changes", "varies": True}),
    # timecode: each label is that of the file, worked out by hand
    "capitals.mkv": (tagged("10:00:00:00"), 25, 25, {"start": 900000, "label": "10:00:00:00"}),
    "semicolon25.mkv": (tagged("10:00:00;00"), 25, 25, {"start": 900000, "label": "10:00:00:00"}),
    "semicolon24.mkv": (tagged("10:00:00;00", "24"), 24, 24,
                        {"start": 864000, "label": "10:00:00:00"}),
    "semicolon50.mkv": (tagged("10:00:00;10", "50"), 50, 50,
                        {"start": 1800010, "label": "10:00:00:10"}),
    "drop.mkv": (tagged("01:00:00;00", "30000/1001"), NTSC, 30,
                 {"start": 107892, "drop": True, "label": "01:00:00;00"}),
    "drop30.mov": (timecode("01:00:00;00", "30"), 30, 30,
                   {"start": 107892, "drop": True, "label": "01:00:00;00"}),
    "drop_beside_60p.mov": (
        timecode("01:00:00;00", "60000/1001", scale=30000, duration=1001, frames=30, count=107907),
        2 * NTSC, 60, {"start": 215814, "drop": True, "label": "01:00:00;30"}),
    "ntsc_beside_60p.mov": (
        timecode("01:00:00:00", "60000/1001", scale=30000, duration=1001, frames=30, count=108010),
        2 * NTSC, 60, {"start": 216020, "label": "01:00:00:20"}),
    "pal_beside_50p.mov": (
        timecode("10:00:00:00", "50", scale=25, duration=1, frames=25, count=900012),
        50, 50, {"start": 1800024, "label": "10:00:00:24"}),
    "drop_flag24.mov": (timecode("10:00:00:00", "24", drop=True), 24, 24,
                        {"start": 864000, "label": "10:00:00:00", "warns": "drop-frame at 24"}),
    "clock_of_30_beside_24.mov": (
        timecode("00:00:00:00", "24", scale=30, duration=1, frames=30, count=108005), 24, 24,
        {"start": 86404, "label": "01:00:00:04"}),
    "label_of_another_rate.mkv": (tagged("10:00:00:29"), 25, 25,
                                  {"start": 0, "label": "00:00:00:00", "warns": "10:00:00:29"}),
    "timecode.mxf": (by_ffmpeg(*picture(), *tone(), "-c:v", "mpeg2video", "-timecode",
                               "10:00:00:00"), 25, 25, {"start": 900000, "label": "10:00:00:00"}),
    # names that ffmpeg takes for something else
    "a:b.mp4": (lambda path: plain(path), 25, 25, {}),
    "concat:plain.mp4": (lambda path: plain(path), 25, 25, {}),
    "http:x.mp4": (lambda path: plain(path), 25, 25, {}),
    "-i.mp4": (lambda path: plain(path), 25, 25, {}),
    "100%.mp4": (lambda path: plain(path), 25, 25, {}),
}  # fmt: skip


def plain(path):
    """A file whose name cannot be given to ffmpeg as it is."""
    ffmpeg(*picture(), *X264, f"file:{path}")


@pytest.fixture(scope="module")
def row(tmp_path_factory):
    """Return a function that makes a row's file once."""
    folder = tmp_path_factory.mktemp("odd")

    def make(name):
        path = folder / name
        if not path.exists():
            ROWS[name][0](path)
        return path

    return make


@pytest.mark.parametrize("name", ROWS)
def test_each_source_is_read_as_it_is(row, name, monkeypatch):
    path = row(name)
    monkeypatch.chdir(path.parent)
    media = probe(Path(name))  # as a user names it: relative
    _, rate, frames, right = ROWS[name]

    assert (media.rate, media.duration) == (rate, frames)
    assert (media.start, media.drop_frame) == (right.get("start", 0), right.get("drop", False))
    assert media.field_order == right.get("fields", "progressive")
    assert media.colour == right.get("colour", (1, 1, 1))
    assert (media.video_stream, media.rotation) == (
        right.get("picture", 0),
        right.get("rotation", 0),
    )
    assert media.size == right.get("size", (128, 96))
    assert float(media.video_offset) == pytest.approx(right.get("offset", 0), abs=0.04)
    assert media.size_varies == right.get("varies", False)
    assert all(stream.varies == right.get("varies", False) for stream in media.audio_streams)
    assert media.has_timestamps == right.get("stamped", media.path.suffix != ".avi")
    if "audio" in right:
        assert [stream.index for stream in media.audio_streams] == right["audio"]
    if "channels" in right:
        assert [stream.channels for stream in media.audio_streams] == [right["channels"]]
    for stream in media.audio_streams:  # to one frame
        assert float(stream.delay) == pytest.approx(right.get("delay", 0), abs=1 / 25)
    if "warns" in right:
        assert any(right["warns"] in line for line in media.warnings)
    else:
        assert all("starts" in line for line in media.warnings)


# --- how timelines describe them ------------------------------------------------------------------


def wide(media):
    width, height = media.size
    shot = Shot(FrameRange(2, media.duration - 2), (), Box(0, 0, width, height))
    return CutList(media, media.size, (shot,))


def written(media, adapter, **options):
    timeline = to_otio(wide(media))
    return otio.adapters.write_to_string(timeline, adapter_name=adapter, **options)


def of_fcpxml(text):
    """Rate, start and length of the source, in its frames, and whether labels are dropped."""
    root = ET.fromstring(text)
    (source,) = (f for f in root.iter("format") if f.get("id") == "r2")
    step = Fraction(source.get("frameDuration")[:-1])
    asset = root.find("resources/asset")
    clip = next(root.iter("asset-clip"))
    frames = [Fraction(asset.get(key)[:-1]) / step for key in ("start", "duration")]
    return 1 / step, *frames, clip.get("tcFormat") == "DF", Fraction(clip.get("start")[:-1]) / step


def of_xmeml(text):
    root = ET.fromstring(text)
    file = next(f for f in root.iter("file") if f.find("pathurl") is not None)
    rate = Fraction(file.findtext("rate/timebase"))
    rate *= Fraction(1000, 1001) if file.findtext("rate/ntsc") == "TRUE" else 1
    code = file.find("timecode")
    assert code is not None
    start = int(code.findtext("frame", ""))
    inside = int(next(root.iter("clipitem")).findtext("in", ""))
    drop, length = code.findtext("displayformat") == "DF", int(file.findtext("duration", ""))
    return (rate, start, length, drop, start + inside), code.findtext("string")


def of_otio(text):
    clip = next(iter(json.loads(text)["tracks"]["children"][0]["children"]))
    span = clip["media_references"]["DEFAULT_MEDIA"]["available_range"]
    start, length = span["start_time"], span["duration"]["value"]
    return start["rate"], start["value"], length, clip["source_range"]["start_time"]["value"]


@pytest.mark.parametrize("name", [name for name in ROWS if "label" in ROWS[name][3]])
def test_each_timeline_starts_the_source_at_its_own_timecode(row, name):
    _, rate, frames, right = ROWS[name]
    media = probe(row(name))
    start, drop, label = right["start"], right.get("drop", False), right["label"]

    for variant in ("fcp", "resolve"):
        assert of_fcpxml(written(media, "speakerzoom_fcpxml", variant=variant)) == (
            rate, start, frames, drop, start + 2)  # fmt: skip
    for variant in ("premiere", "resolve"):
        xmeml = of_xmeml(written(media, "speakerzoom_premiere_xml", variant=variant))
        assert xmeml == ((rate, start, frames, drop, start + 2), label)
    for adapter in ("speakerzoom_resolve_otio", "otio_json"):
        assert of_otio(written(media, adapter)) == (float(rate), start, frames, start + 2)
    event = written(media, "speakerzoom_edl").splitlines()[3].split()
    assert int(event[4][-2:]) == (int(label[-2:]) + 2)
    assert event[4][:9] == label[:9]


def test_timelines_name_fields_and_colours(row):
    names = {"fields.mp4": ("upper", "upper first"), "bottom.mov": ("lower", "lower first"),
             "hlg.mp4": ("none", None)}  # fmt: skip
    for name, (xmeml, order) in names.items():
        media = probe(row(name))
        document = ET.fromstring(written(media, "speakerzoom_premiere_xml"))
        dominances = [e.text for e in document.iter("fielddominance")]
        assert sorted(dominances) == sorted(("none", xmeml))  # the sequence is progressive
        formats = list(ET.fromstring(written(media, "speakerzoom_fcpxml")).iter("format"))
        assert [f.get("fieldOrder") for f in formats] == [None, order]
    spaces = {"hlg.mp4": "9-18-9 (Rec. 2020 HLG)", "pq.mov": "9-16-9 (Rec. 2020 PQ)",
              "late.mp4": "1-1-1 (Rec. 709)"}  # fmt: skip
    for name, space in spaces.items():
        formats = ET.fromstring(written(probe(row(name)), "speakerzoom_fcpxml")).iter("format")
        assert {f.get("colorSpace") for f in formats} == {space}


# --- what cannot be read, and the remedy, run as printed ------------------------------------------

REFUSED = {
    # name: (how to make it, part of the message, rate and frames of the remedy's output)
    "joined.ts": (joined, "start again after 1.0 s", 25, (49, 52)),
    "bad_stamp.mp4": (
        patched(*picture(), *tone(), *WITH_B, change=late_by(0x08000000)),
        "a timestamp is damaged", 25, (25, 25)),
    "oblong.mp4": (
        by_ffmpeg(*picture(size="126x94", filters="setsar=64/45"), *tone(), *X264),
        r"not square \(64/45\)", 25, (25, 25)),
    "oblong_fields.mov": (
        by_ffmpeg(*picture("50", filters=f"{TOP},setsar=16/15"), *tone(), *tone(), "-map", "0",
                  "-map", "1", "-map", "2", *X264, "-x264-params", "tff=1", *FIELDS, "-timecode",
                  "10:00:00:00"), r"not square \(16/15\)", 25, (25, 25)),
    "mirrored.mp4": (
        displayed("set_display_matrix", [-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30]),
        "flagged to be mirrored", 25, (25, 25)),
    "flipped.mp4": (
        displayed("set_display_matrix", [65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30]),
        "flagged to be mirrored", 25, (25, 25)),
    "raw.h264": (by_ffmpeg(*picture(), *WITH_B, "-f", "h264"), "no timestamps", 25, (25, 25)),
}  # fmt: skip


def streams(path):
    with av.open(f"file:{path}") as container:
        return [stream.type for stream in container.streams]


@pytest.mark.parametrize("name", REFUSED)
def test_unreadable_sources_are_refused_with_a_remedy_that_works(tmp_path, name, monkeypatch):
    make, message_part, rate, (least, most) = REFUSED[name]
    make(tmp_path / name)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(MediaError, match=message_part) as refused:
        probe(Path(name))
    message = str(refused.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message

    remedy = remedied(message, tmp_path)
    media = probe(remedy)
    assert media.rate == rate
    assert least <= media.duration <= most
    assert not any(side % 2 for side in media.size)
    assert streams(remedy) == streams(tmp_path / name)  # no track is lost
    with_timecode = "timecode" in "".join(
        str(s.metadata) for s in av.open(str(tmp_path / name)).streams
    )
    assert media.start == (900000 if with_timecode else 0)


def test_a_mirrored_video_is_mirrored_by_the_remedy(tmp_path):
    make = REFUSED["mirrored.mp4"][0]
    make(tmp_path / "m.mp4")
    with pytest.raises(MediaError) as refused:
        probe(tmp_path / "m.mp4")

    remedy = remedied(str(refused.value), tmp_path)
    stored, mirrored = (
        next(av.open(str(path)).decode(video=0)).to_ndarray(format="gray")
        for path in (tmp_path / "m.mp4", remedy)
    )
    assert np.abs(stored[:, ::-1].astype(int) - mirrored).mean() < 3


@pytest.mark.parametrize("name", ["late.mp4", "grown.ts", "thumbnail_first.mkv"])
def test_the_remedy_of_a_warning_works(row, tmp_path, name):
    source = tmp_path / name
    source.write_bytes(row(name).read_bytes())
    (line,) = [line for line in probe(source).warnings if " -i " in line]

    media = probe(remedied(line, tmp_path))
    assert media.warnings == ()
    assert media.rate == 25
    assert media.size == (128, 96)
    lengths = {"late.mp4": 25 + 20, "grown.ts": 50, "thumbnail_first.mkv": 25}
    assert media.duration == pytest.approx(lengths[name], abs=2)
    assert len(media.audio_streams) == 1
    samples = np.concatenate(list(read_audio(media))).astype(int)
    fifths = np.split(samples, range(3200, len(samples), 3200))[:-2]  # the end may come early
    assert (
        min(np.abs(fifth).mean() for fifth in fifths) > 500
    )  # all of it: no part is lost or played at another rate


def test_a_stored_warning_names_the_file_from_every_folder(row, monkeypatch):
    path = row("late.mp4")
    monkeypatch.chdir(path.parent)
    (line,) = probe(Path(path.name)).warnings

    assert f" -i file:{path} " in line


def test_a_name_with_a_colon_gets_a_remedy_that_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ffmpeg(*picture(filters="setsar=2"), *X264, f"file:{tmp_path / 'a:b.mp4'}")
    with pytest.raises(MediaError) as refused:
        probe(Path("a:b.mp4"))

    assert probe(remedied(str(refused.value), tmp_path)).size == (256, 96)


def test_an_unknown_video_codec_is_named(tmp_path):
    make = patched(*picture(), *tone(), *X264, change=coded(b"avc1", b"craw"))
    make(tmp_path / "canon.mov")

    with pytest.raises(MediaError, match="cannot decode its video codec, craw"):
        probe(tmp_path / "canon.mov")


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.mp4"])
def test_a_still_image_is_refused(tmp_path, name):
    sound = tone() if name.endswith("mp4") else []
    ffmpeg(*picture(seconds=0.04), *sound, str(tmp_path / name))

    with pytest.raises(MediaError, match="not a recording"):
        probe(tmp_path / name)


def test_anything_but_a_file_is_refused_for_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    cases = {tmp_path: "is a folder", tmp_path / "pipe.mp4": "not a regular file",
             Path("https://example.com/talk.mp4"): "is a URL",
             tmp_path / "missing.mp4": "no such file",
             tmp_path / ("x" * 300): "File name too long"}  # fmt: skip
    for path, fault in cases.items():
        with pytest.raises(MediaError, match=fault):
            probe(path)


def test_a_playlist_reaches_no_network(tmp_path):
    """An HLS list in a file called .mp4 may name addresses; libav may open files only."""
    path = tmp_path / "talk.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")

    with pytest.raises(MediaError, match=r"not a video|has no video|is empty"):
        probe(path)


# --- the grid -------------------------------------------------------------------------------------


def stamped(seconds, base, average):
    ticks = np.array([round(s * 90000) for s in seconds], np.int64)
    result = fit_grid(ticks, Fraction(1, 90000), Fraction(base), Fraction(average))
    return result.rate, result.duration, result.variable


def test_fields_are_not_counted_as_frames():
    assert stamped([n / 25 for n in range(50)], 50, 25) == (25, 50, False)


def test_fields_in_separate_packets_are_not_counted_as_frames():
    """As interlaced AVCHD is written: two packets a picture, a field's time apart."""
    fields = np.arange(7, 107) * 1800
    decoded = [int(n) for n in fields[:24:2]]

    assert whole_frame_stamps(fields, decoded).tolist() == fields[::2].tolist()
    assert (
        whole_frame_stamps(fields, [int(n) for n in fields[1:24:2]]).tolist()
        == fields[1::2].tolist()
    )
    assert whole_frame_stamps(fields[::2], decoded).tolist() == fields[::2].tolist()


def test_invisible_frames_are_not_counted(tmp_path):
    """VP8 stores reference frames in packets of their own, with the timestamp of a visible one."""
    options = ["-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "300k",
               "-passlogfile", str(tmp_path / "log"), "-pass"]  # fmt: skip
    for step in ("1", "2"):
        ffmpeg(*picture(seconds=2), *options, step, str(tmp_path / "hidden.webm"))
    with av.open(str(tmp_path / "hidden.webm")) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) > 50

    media = probe(tmp_path / "hidden.webm")
    assert (media.rate, media.duration, media.variable_rate) == (25, 50, False)


@pytest.mark.parametrize(
    ("rate", "may"),
    [("30000/1001", True), ("2997/100", True), ("30", True), ("60000/1001", True), ("120", True),
     ("24000/1001", False), ("25", False), ("59/2", False), ("50", False), ("31", False)],
)  # fmt: skip
def test_labels_are_dropped_at_multiples_of_30_alone(rate, may):
    assert allows_drop_frame(Fraction(rate)) == may


def test_soft_telecine_is_read_at_the_rate_of_film():
    film = Fraction(24000, 1001)
    places = [n * 5 // 2 for n in range(48)]  # 2, 3, 2, 3 fields
    assert stamped([p / (2 * NTSC) for p in places], 2 * NTSC, film) == (film, 48, False)


def test_a_screen_recording_keeps_the_rate_of_its_movement():
    moving = [n / 60 for n in range(120)]
    still = [2 + 2 * n for n in range(30)]
    rate, duration, variable = stamped([*moving, *still], 60, "2.5")

    assert (rate, variable) == (60, True)
    assert duration == 60 * 60 + 1


@pytest.mark.parametrize(
    ("count", "track", "picture", "frames"),
    [
        (107892, 30, NTSC, 107892),  # 30 is written for 29.97
        (86400, 24, Fraction(24000, 1001), 86400),
        (100, NTSC, 2 * NTSC, 200),
        (101, 50, 25, Fraction(101, 2)),
        (90000, 25, 24, 86400),  # an hour by the clock
    ],
)
def test_a_timecode_track_is_converted_to_frames_of_the_video(count, track, picture, frames):
    assert convert_count(count, Fraction(track), Fraction(picture)) == frames


# --- rates of editors -----------------------------------------------------------------------------


def source_at(rate):
    return Media(Path("/a/talk.mp4"), Fraction(rate), 100, (128, 96))


ODD_RATES = ["1", "10", "12", "25/2", "15", "20", "59/2", "48", "90", "100", "120", "240"]


@pytest.mark.parametrize("rate", ODD_RATES)
def test_a_rate_that_an_editor_does_not_support_is_written_with_a_warning(rate, caplog):
    editors = {"resolve": "Resolve", "premiere": "Premiere", "fcp": "Final Cut", "edl": "an EDL",
               "markers": "an EDL"}  # fmt: skip
    for editor, (adapter, options) in (
        d for dialects in FORMATS.values() for d in dialects.items()
    ):
        caplog.clear()
        try:
            written(source_at(rate), adapter, **options)
        except TimelineError as error:
            message = str(error)
        else:
            message = caplog.text
        name = editors.get(editor)
        supported = not name or Fraction(rate) in EDITOR_RATES[name]
        assert supported or re.search(r"ffmpeg\S* .*-i .*fps=\d+", message), (adapter, message)


def test_the_common_rates_are_written_without_a_warning(caplog):
    for rate in COMMON_RATES:
        for kinds in FORMATS.values():
            for adapter, options in kinds.values():
                written(source_at(rate), adapter, **options)
    assert not caplog.text


@pytest.mark.parametrize(
    ("rate", "best"),
    [("12", 24), ("25/2", 25), ("15", 30), ("100", 50), ("120", 60), ("240", 60), ("48", 24),
     ("59/2", NTSC), ("10", 30), ("120000/1001", 2 * NTSC)],
)  # fmt: skip
def test_the_rate_to_conform_to_keeps_all_frames_equally_long(rate, best):
    assert nearest_rate(Fraction(rate), COMMON_RATES) == best


# --- the frames match the properties --------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_each_source_yields_as_many_frames_as_probed(row, name):
    media = probe(row(name))
    frames = [frame for _, frame in read_frames(media, size=(64, 48), gray=True)]

    assert len(frames) == media.duration
    fresh = [not np.array_equal(a, b) for a, b in pairwise(frames)]
    assert np.mean(fresh) > 0.95  # the test picture moves in each: none is held, none is lost


def test_frames_of_an_avi_come_in_order(tmp_path):
    """AVI has no stamps of showing; each picture is lighter than the one before."""
    path = tmp_path / "numbered.avi"
    light = "color=black:s=64x48:r=25,geq=lum='16+8*N':cb=128:cr=128"
    coders = (
        ("libx264", "-bf", "2", "-b_strategy", "0"),
        ("libx264", "-bf", "0"),
        ("mpeg4", "-bf", "2"),
        ("mjpeg",),
    )
    for coder in coders:
        ffmpeg("-f", "lavfi", "-i", light, "-frames:v", "25", "-c:v", *coder, "-g", "12",
               "-pix_fmt", "yuv420p", "-q:v", "2", str(path))  # fmt: skip
        levels = [frame.mean() for _, frame in read_frames(probe(path), gray=True)]
        assert levels == pytest.approx([8 * n * 255 / 219 for n in range(25)], abs=4)


def onset(media, stream):
    """Seconds from the first picture to the first sound of a stream that is silent before."""
    samples = np.concatenate(list(read_audio(media, microphone=Microphone(stream))))
    return np.argmax(np.abs(samples.astype(int)) > 1000) / SPEECH_SAMPLE_RATE


def test_the_remedy_for_audio_out_of_sync_shifts_all_of_it(tmp_path):
    late = ["-f", "lavfi", "-i", "aevalsrc=0.5*sin(2764*t)*gt(t\\,0.5):s=48000:d=1"]
    ffmpeg(*picture(), *late, *late, "-map", "0", "-map", "1", "-map", "2", *X264, "-timecode",
           "10:00:00:00", str(tmp_path / "talk.mov"))  # fmt: skip
    before = probe(tmp_path / "talk.mov")
    for shift in (0.24, -0.24):
        media = probe(remedied(shift_audio_command(before.path, shift), tmp_path))

        assert len(media.audio_streams) == 2
        assert (media.start, media.duration) == (before.start, before.duration)
        for stream in range(2):
            moved = onset(media, stream) - onset(before, stream)
            assert moved == pytest.approx(shift, abs=0.04)


def test_the_copy_in_matroska_keeps_time_and_timecode(row, tmp_path):
    (tmp_path / "late.mov").write_bytes(row("late.mp4").read_bytes())
    media = probe(remedied(matroska_command(tmp_path / "late.mov"), tmp_path))
    assert (media.rate, media.duration) == (25, 25)
    assert float(media.audio_streams[0].delay) == pytest.approx(-0.8, abs=0.04)

    ffmpeg(*picture(), *tone(), *X264, "-timecode", "10:00:00:00", str(tmp_path / "code.mov"))
    assert probe(remedied(matroska_command(tmp_path / "code.mov"), tmp_path)).start == 900000


# --- what `check` reports of a timecode -----------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ROWS if "label" in ROWS[name][3]])
def test_two_readings_of_a_timecode_agree(row, name):
    media = probe(row(name))
    assert start_from_label(media) in (media.start, None)


def test_check_finds_a_start_that_was_read_at_another_rate(row, tmp_path):
    """A timecode track of 30 DF beside 59.94: its label, read at the video's rate, is 15 off."""
    media = probe(row("drop_beside_60p.mov"))
    right, wrong = tmp_path / "right.fcpxml", tmp_path / "wrong.fcpxml"
    right.write_text(written(media, "speakerzoom_fcpxml"))
    wrong.write_text(written(replace(media, start=media.start - 15), "speakerzoom_fcpxml"))

    assert check(right).problems == ()
    (problem,) = check(wrong).problems
    assert "starts at frame 215814" in problem


def test_check_finds_a_track_whose_count_is_not_its_label(row):
    media = replace(probe(row("pal_beside_50p.mov")), start=900012)

    assert start_from_label(media) == 1800024
