"""The frames of every kind of source, converted when asked for, equal what filters make of them."""

import threading
from contextlib import closing
from dataclasses import replace

import av
import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.source import (
    FilterChain,
    UprightFilter,
    decode_frames,
    probe,
    read_frames,
    read_source_frames,
)
from otio_speakerzoom.source.luma import LumaReader
from otio_speakerzoom.source.luma_patch import PatchReader
from otio_speakerzoom.source.tone_mapping import tone_mapping_filters

NOISE = "testsrc2=s={}:r=25,noise=alls=80:allf=t+u,trim=end_frame=4"
"""Every luma from 0 to 255, next to each other."""


def made_of(pixel_format, *options, size="130x98", codec="ffv1", filters="null"):
    """A lossless file of these pixels."""

    def make(path):
        picture = f"{NOISE.format(size)},format={pixel_format},{filters}"
        ffmpeg("-f", "lavfi", "-i", picture, "-c:v", codec, "-pix_fmt", pixel_format, *options,
               "-frames:v", "4", str(path))  # fmt: skip

    return make


def colour(space, levels):
    return ("-colorspace", space, "-color_range", levels)


HLG = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
FIELDS = ("-qp", "0", "-flags", "+ildct+ilme", "-x264-params", "tff=1")
SOURCES = {
    # name: (how to make it, whether its luma comes from a table)
    "untagged.mkv": (made_of("yuv420p"), True),
    "untagged_full.mkv": (made_of("yuv420p", "-color_range", "pc"), True),
    "bt601.mkv": (made_of("yuv420p", *colour("smpte170m", "tv")), True),
    "pal.mkv": (made_of("yuv420p", *colour("bt470bg", "tv")), True),
    "pal_full.mkv": (made_of("yuv422p", *colour("bt470bg", "pc")), True),
    "422.mkv": (made_of("yuv422p", *colour("smpte170m", "tv")), True),
    "444.mkv": (made_of("yuv444p", *colour("smpte170m", "tv")), True),
    "alpha.mkv": (made_of("yuva420p", *colour("smpte170m", "tv")), True),
    "nv12.nut": (made_of("nv12", codec="rawvideo"), True),
    "phone.mkv": (made_of("yuvj420p", "-q:v", "2", codec="mjpeg"), True),
    "gray.mkv": (made_of("gray"), True),
    "odd.mkv": (made_of("yuv420p", size="131x97"), True),
    "narrow.mkv": (made_of("yuv444p", size="17x301"), True),
    "wide.mkv": (made_of("yuv420p", size="1026x34"), True),
    "limited.avi": (made_of("yuv420p", codec="ffvhuff"), True),
    "fields.mp4": (made_of("yuv420p", *FIELDS, codec="libx264", size="128x96"), True),
    "tiny.mkv": (made_of("yuv420p", size="16x10"), False),  # too small to hold every luma
    # the filters convert these to the matrix of Rec. 601
    "bt709.mkv": (made_of("yuv420p", *colour("bt709", "tv")), False),
    "large.mkv": (made_of("yuv420p", *colour("bt709", "tv"), size="320x256"), False),
    "bt709_full.mkv": (made_of("yuv444p", *colour("bt709", "pc")), False),
    "bt709.mp4": (made_of("yuv420p", "-qp", "0", *colour("bt709", "tv"), codec="libx264"), False),
    "bt709_nv12.mkv": (made_of("nv12", *colour("bt709", "tv"), codec="rawvideo"), False),
    "bt2020.mkv": (made_of("yuv420p", *colour("bt2020nc", "tv")), False),
    "packed.nut": (made_of("yuyv422", codec="rawvideo"), False),
    "10bit.mkv": (made_of("yuv420p10le"), False),
    "10bit.mp4": (made_of("yuv420p10le", "-qp", "0", codec="libx264"), False),
    "10bit_709.mkv": (made_of("yuv422p10le", *colour("bt709", "tv")), False),
    "rgb.mkv": (made_of("bgr0"), False),
    "gbr.mkv": (made_of("gbrp", codec="ffvhuff"), False),
    "palette.nut": (made_of("pal8", codec="rawvideo"), False),
    "hlg.mkv": (made_of("yuv420p", filters=HLG), False),
}  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")

    def make(name):
        path = folder / name
        if not path.exists():
            SOURCES[name][0](path)
        return probe(path)

    return make


def filtered(media, pixel_format, size=None):
    """Every frame, converted by filters alone."""
    width, height = size or media.size
    upright = UprightFilter(media, ("scale", f"{width}:{height}:flags=area"),
                            *tone_mapping_filters(media), ("format", pixel_format))  # fmt: skip
    return [upright.convert(f).to_ndarray().copy() for _, f in decode_frames(media, media.range)]


def equal(media):
    """Whether every frame equals the filters' output, in luma, in small RGB and in regions."""
    small = (64, 36)
    frames = list(read_source_frames(media))
    numbers = [frame.number for frame in frames]
    luma = [np.array_equal(*pair) for pair in zip(
        (frame.luma() for frame in frames), filtered(media, "gray"), strict=True)]  # fmt: skip
    rgb = [np.array_equal(*pair) for pair in zip(
        (frame.rgb(small) for frame in frames), filtered(media, "rgb24", small),
        strict=True)]  # fmt: skip
    regions = [equal_within(frame) for frame in frames]
    return all(luma) and all(rgb) and all(regions) and numbers == list(range(media.duration))


def equal_within(frame):
    """Whether the luma of regions, in the frame and beyond its edges, is that of the frame."""
    luma, rng = frame.luma(), np.random.default_rng(frame.number)
    height, width = luma.shape
    for _ in range(8):
        left, top = rng.integers(-20, width), rng.integers(-20, height)
        region = (left, top, left + rng.integers(1, 40), top + rng.integers(1, 40))
        rows, columns = (
            slice(max(0, top), max(0, region[3])),
            slice(max(0, left), max(0, region[2])),
        )
        if not np.array_equal(frame.luma_within(region)[rows, columns], luma[rows, columns]):
            return False
    return True


@pytest.fixture
def tables(monkeypatch):
    """The tables that are measured in a test."""
    measured, measure = [], LumaReader._measure_table

    def spied(*arguments):
        measured.append(measure(*arguments))
        return measured[-1]

    monkeypatch.setattr(LumaReader, "_measure_table", spied)
    return measured


@pytest.mark.parametrize("name", SOURCES)
def test_every_kind_of_frame_equals_what_the_filters_make_of_it(source, name, tables):
    media = source(name)

    assert media.field_order == ("top" if name == "fields.mp4" else "progressive")
    assert equal(media)
    assert any(table is not None for table in tables) == SOURCES[name][1]
    assert len(tables) <= 1  # one for the whole file


def test_of_a_frame_without_a_table_only_the_region_is_converted(source, monkeypatch):
    patches, convert = [], PatchReader._convert_patch

    def spied(reader, frame, patch):
        patches.append(patch)
        return convert(reader, frame, patch)

    monkeypatch.setattr(PatchReader, "_convert_patch", spied)
    media = source("large.mkv")
    first, frame, *_ = read_source_frames(media)
    first.luma_within((100, 50, 120, 70))  # compares with the whole frame, once
    monkeypatch.setattr(LumaReader, "convert", lambda *_: pytest.fail("converts all of it"))

    luma = frame.luma_within((100, 50, 120, 70))
    inside = frame.luma_within((104, 55, 120, 60))
    edge = frame.luma_within((300, 240, 330, 270))

    assert inside is luma
    assert patches[-2:] == [(64, 40, 128, 104), (288, 224, 320, 256)]
    assert luma.shape == edge.shape == (256, 320)


@pytest.fixture
def rotated(source, tmp_path):
    """Return a function that copies a source to be shown turned clockwise."""

    def turn(name, rotation):
        stored, path = source(name).path, tmp_path / "rotated.mp4"
        with av.open(str(stored)) as lying, av.open(str(path), "w") as turned:
            stream = turned.add_stream_from_template(lying.streams.video[0])
            stream.set_display_rotation(-rotation)
            for packet in lying.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    turned.mux(packet)
        return probe(path)

    return turn


@pytest.mark.parametrize("rotation", [90, 180, 270])
@pytest.mark.parametrize("name", ["fields.mp4", "bt709.mp4", "10bit.mp4"])
def test_rotated_frames_equal_what_the_filters_make_of_them(name, rotation, rotated):
    media = rotated(name, rotation)

    assert media.rotation == rotation
    assert equal(media)


@pytest.mark.parametrize(
    ("name", "rotation"), [("large.mkv", 0), ("untagged.mkv", 0), ("bt709.mp4", 90)]
)
def test_no_whole_frame_is_converted_for_a_region(name, rotation, source, rotated, monkeypatch):
    first, frame, *_ = read_source_frames(rotated(name, rotation) if rotation else source(name))
    first.luma_within((40, 30, 50, 35))  # compares with the whole frame, once
    monkeypatch.setattr(LumaReader, "convert", lambda *_: pytest.fail("converts all of it"))

    assert frame.luma_within((40, 30, 50, 35))[30:35, 40:50].std() > 10


def test_a_size_that_changes_midway_is_fitted(tmp_path):
    parts = []
    for number, size in enumerate(("130x98", "256x144", "64x98")):
        parts.append(tmp_path / f"{number}.ts")
        ffmpeg("-f", "lavfi", "-i", NOISE.format(size), "-c:v", "libx264", "-qp", "0", "-g", "2",
               "-pix_fmt", "yuv420p", "-output_ts_offset", str(number * 4 / 25),
               str(parts[-1]))  # fmt: skip
    path = tmp_path / "grown.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    media = probe(path)

    assert media.size == (130, 98)
    assert media.duration == 12
    assert equal(media)


def test_a_frame_that_fills_several_places_is_converted_once(vfr_clip, monkeypatch):
    media, converted, convert = probe(vfr_clip), [], LumaReader.convert

    def counted(reader, frame):
        converted.append(frame)
        return convert(reader, frame)

    monkeypatch.setattr(LumaReader, "convert", counted)
    frames = [frame.luma() for frame in read_source_frames(media)]
    decoded = {id(frame): frame for _, frame in decode_frames(media, media.range)}

    assert len(converted) == len(decoded) < len(frames) == media.duration
    assert all(map(np.array_equal, frames, filtered(media, "gray")))


def test_two_threads_ask_for_the_same_frames(source):
    media = source("bt601.mkv")
    frames, converted = list(read_source_frames(media)), {"luma": [], "rgb": []}
    threads = [
        threading.Thread(target=lambda: converted["luma"].extend([f.luma() for f in frames * 8])),
        threading.Thread(target=lambda: converted["luma"].extend([f.luma() for f in frames * 8])),
        threading.Thread(target=lambda: converted["rgb"].extend([f.rgb() for f in frames * 8])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    luma, rgb = filtered(media, "gray"), filtered(media, "rgb24")
    assert all(any(np.array_equal(a, b) for b in luma) for a in converted["luma"])
    assert all(map(np.array_equal, converted["rgb"], rgb * 8))


def test_frames_keep_their_pixels_when_later_ones_are_converted(source):
    """A caller may hold on to them."""
    media = source("odd.mkv")
    frames = list(read_source_frames(media))
    luma = [frame.luma() for frame in frames]
    rgb = [frame.rgb() for frame in frames]

    assert all(map(np.array_equal, luma, filtered(media, "gray")))
    assert all(map(np.array_equal, rgb, filtered(media, "rgb24")))


def test_a_range_of_source_frames_is_that_of_read_frames(ntsc_clip):
    media, within = probe(ntsc_clip), FrameRange(21, 33)
    frames = {f.number: f.luma((64, 36)) for f in read_source_frames(media, within)}
    arrays = dict(read_frames(media, gray=True, size=(64, 36), within=within))

    assert list(frames) == list(arrays) == list(range(21, 33))
    assert all(np.array_equal(frames[number], arrays[number]) for number in frames)


def test_a_file_that_ends_early_is_an_error_here_too(ntsc_clip):
    media = replace(probe(ntsc_clip), duration=70)
    with pytest.raises(MediaError, match=r"ends at frame 60 of 70"):
        list(read_source_frames(media))


def test_stopping_early_ends_the_decoder_of_source_frames(ntsc_clip):
    frames = read_source_frames(probe(ntsc_clip))
    next(frames).luma()
    frames.close()

    assert not any(thread.name == "decode" for thread in threading.enumerate())


@pytest.mark.parametrize("name", ["bt709.mkv", "odd.mkv", "10bit.mkv"])
@pytest.mark.parametrize("pixel_format", ["rgb24", "gray"])
def test_the_number_of_threads_changes_no_pixel(name, pixel_format, source):
    media = source(name)
    filters = (("scale", "96:72:flags=area"), ("format", pixel_format))
    one, many = FilterChain(*filters, threads=1), FilterChain(*filters, threads=7)

    for _, stored in decode_frames(media, media.range):
        arrays = [chain.convert(stored).to_ndarray() for chain in (one, many)]
        assert np.array_equal(*arrays)


def test_a_frame_that_is_scaled_fast_shows_the_same_upright(rotated_clip):
    media = probe(rotated_clip)
    size = (media.size[0] // 4, media.size[1] // 4)
    with closing(read_source_frames(media)) as frames:
        frame = next(frames)
        fast, careful = frame.rgb_fast(size), frame.rgb(size)

    assert fast.shape == careful.shape == (size[1], size[0], 3)
    assert np.abs(fast.astype(int) - careful).mean() < 20  # 85 between pictures of noise
    assert frame.rgb_fast(size) is fast
