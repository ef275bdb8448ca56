"""A part of a source is decoded from a keyframe near it, and equals that part of the whole."""

import os

import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.source import (
    audio_decode,
    decode,
    decode_frames,
    film_audio,
    limit_threads,
    probe,
    threads,
)

FRAMES, GOP = 300, 40
PICTURE = f"testsrc2=s=96x54:r=25,trim=end_frame={FRAMES}"
FIELDS = f"testsrc2=s=96x64:r=50,tinterlace=interleave_top,fieldorder=tff,trim=end_frame={FRAMES}"
UNEVEN = PICTURE + r",select=not(eq(mod(n\,50)\,7)),setpts=PTS+mod(N\,3)*0.002/TB"
X264 = ("-c:v", "libx264", "-bf", "3", "-g", str(GOP), "-pix_fmt", "yuv420p")
MPEG2 = ("-c:v", "mpeg2video", "-bf", "2", "-g", "15", "-q:v", "3", "-pix_fmt", "yuv420p")
SOURCES = {
    "closed.mp4": (PICTURE, X264),
    "open.mp4": (PICTURE, (*X264, "-x264-params", "open-gop=1")),
    "open.mkv": (PICTURE, (*X264, "-x264-params", "open-gop=1")),
    "open.ts": (PICTURE, (*X264, "-x264-params", "open-gop=1")),
    "refresh.mp4": (PICTURE, (*X264[:4], "-g", "40", "-x264-params", "intra-refresh=1")),
    "mpeg2.ts": (PICTURE, MPEG2),
    "fields.mp4": (FIELDS, (*X264, "-flags", "+ildct+ilme")),
    "fields.mpg": (FIELDS, (*MPEG2, "-flags", "+ildct+ilme")),
    "uneven.mkv": (UNEVEN, (*X264, "-fps_mode", "passthrough")),
    "x264.avi": (PICTURE, (*X264[:2], "-bf", "0", "-g", str(GOP))),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a function that makes one of `SOURCES`, with a rising tone."""
    folder = tmp_path_factory.mktemp("seek")

    def make(name, *audio):
        picture, options = SOURCES[name]
        path = folder / "_".join([*audio[1:2], name])
        tone = "aevalsrc=0.4*sin(2*PI*(200+20*t)*t):s=48000:d=12"
        ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone, *options,
               *(audio or ("-an",)), str(path))  # fmt: skip
        return probe(path)

    return make


def arrays(media, within):
    return [(number, frame.to_ndarray()) for number, frame in decode_frames(media, within)]


@pytest.mark.parametrize("name", SOURCES)
def test_a_part_has_exactly_the_frames_of_the_whole(source, name):
    media = source(name)
    whole = [frame for _, frame in arrays(media, media.range)]

    for start in (1, 33, 79, 80, 81, 118, 160, 203, 287):
        end = min(start + 9, media.duration)
        part = arrays(media, FrameRange(start, end))
        assert [number for number, _ in part] == list(range(start, end))
        assert all((frame == whole[number]).all() for number, frame in part), start


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {"x264.avi", "refresh.mp4"}))
def test_a_part_is_not_decoded_from_the_start(source, name, monkeypatch):
    media, decoded, decode_all = source(name), [], decode._decode

    def counted(*arguments):
        for frame in decode_all(*arguments):
            decoded.append(frame)
            yield frame

    monkeypatch.setattr(decode, "_decode", counted)
    arrays(media, FrameRange(285, 290))

    assert len(decoded) < 150


@pytest.mark.parametrize(
    ("name", "codec", "shift", "most"),
    [
        ("closed.mp4", "pcm_s16le", 0, 0),
        ("open.mkv", "pcm_s16le", 48, 0),  # its timestamps are whole milliseconds
        ("closed.mp4", "aac", 0, 1e-4),
    ],
)
def test_the_audio_of_a_part_is_that_of_the_whole(source, name, codec, shift, most):
    extra = ("-f", "mov") if codec.startswith("pcm") and name.endswith(".mp4") else ()
    media = source(name, "-c:a", codec, *extra)
    whole = np.concatenate(list(film_audio(media, media.range)), axis=1)

    for start in (20, 101, 250):
        part = np.concatenate(list(film_audio(media, FrameRange(start, start + 25))), axis=1)
        assert part.shape == (1, 48000)
        differences = [
            np.abs(part - whole[:, start * 1920 + lag :][:, :48000]).max()
            for lag in range(-shift, shift + 1)
        ]
        assert min(differences) <= most


def test_the_audio_of_a_part_is_not_decoded_from_the_start(source, monkeypatch):
    media, decoded, decode_all = source("closed.mp4", "-c:a", "aac"), [], audio_decode._decode

    def counted(*arguments):
        for piece in decode_all(*arguments):
            decoded.append(piece)
            yield piece

    monkeypatch.setattr(audio_decode, "_decode", counted)
    list(film_audio(media, FrameRange(250, 275)))

    assert len(decoded) < 5 * 48000 / 1024


@pytest.mark.parametrize(
    ("size", "cores", "threads"),
    [((1920, 1080), 2, 3), ((1920, 1080), 64, 16), ((3840, 2160), 2, 3), ((3840, 2160), 64, 4),
     ((2160, 3840), 64, 4), ((7680, 4320), 64, 2), ((16384, 16384), 1, 2), ((64, 36), 1, 2)],
)  # fmt: skip
def test_large_frames_are_decoded_by_fewer_threads(size, cores, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)

    assert decode.thread_count(*size) == threads


@pytest.mark.parametrize(
    ("size", "cores", "threads"),
    [((1920, 1080), 1, 1), ((1080, 1920), 2, 1), ((1920, 1080), 3, 4), ((3840, 2160), 2, 3)],
)
def test_on_few_cores_one_thread_decodes_beside_an_analysis(size, cores, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(cores), raising=False)

    assert decode.thread_count(*size, beside_work=True) == threads


def test_one_thread_decodes_the_same_frames_as_several(source, monkeypatch):
    media, frames = source("closed.mp4"), {}
    for cores in (2, 4):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=cores: range(n), raising=False)
        decoded = decode_frames(media, media.range, beside_work=True)
        frames[cores] = [(number, frame.to_ndarray().tobytes()) for number, frame in decoded]

    assert frames[2] == frames[4]


def test_a_process_that_shares_the_cores_decodes_and_filters_with_few_threads(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16), raising=False)
    monkeypatch.setattr(threads, "_limit", None)
    unlimited = decode.thread_count(1920, 1080), threads.filter_threads()

    limit_threads(1)

    assert unlimited == (16, 0)
    assert (decode.thread_count(1920, 1080), threads.filter_threads()) == (2, 1)


def test_as_many_threads_decode_as_were_counted(source, monkeypatch):
    opened, stream_of = [], decode.stream_of

    def spied(*arguments):
        opened.append(stream_of(*arguments))
        return opened[-1]

    monkeypatch.setattr(decode, "stream_of", spied)
    monkeypatch.setattr(decode, "thread_count", lambda *_, **__: 5)
    arrays(source("closed.mp4"), FrameRange(0, 3))

    assert {stream.codec_context.thread_count for stream in opened} == {5}
