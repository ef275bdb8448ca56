"""Recordings in hard containers and codecs, and with streams that are neither film nor audio."""

import os
from fractions import Fraction

import av
import pytest
from clips import Clip, Sound, write_clip
from reading import Case, case_of, check_whole, cut_and_render, facts_of, outcome, parameters
from tables import Table

PCM, MP2, AC3 = (Sound("pcm_s16le"),), (Sound("mp2"),), (Sound("ac3"),)
OPUS, MP3 = (Sound("libopus"),), (Sound("libmp3lame", late=0.05, seconds=0.95),)
LATER = (Sound(late=0.05, seconds=0.95),)
"""A sound whose first packet is not before the first frame."""
X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
REORDERED = {"preset": "medium", "bf": "2"}
LARGE = {"size": (704, 576), "options": {"g": "1"}}
"""Frames that fill a packet of .mpg, of which each has one timestamp."""
DNXHR = {"codec": "dnxhd", "pixels": "yuv422p", "size": (256, 144), "sounds": PCM}
"""DNxHR takes no smaller pictures."""


def plain(suffix, codec="libx264", sounds=None, quick=False, **others):
    sounds = (Sound(),) if sounds is None else sounds
    return case_of(f"film.{suffix}", Clip(codec=codec, sounds=sounds, **others), quick=quick)


def with_cover(path):
    """A picture attached as the cover, as players of music show it."""
    cover = write_clip(
        path.with_suffix(".jpg"),
        Clip(codec="mjpeg", pixels="yuvj420p", frames=1, sounds=(), format="image2"),
    )
    write_clip(path.with_suffix(".plain.mp4"), Clip())
    _copied(path, path.with_suffix(".plain.mp4"), cover, disposition="attached_pic")


def _copied(path, *parts, disposition=""):
    """Copy the streams of some files into one; the first of the last file gets a disposition."""
    with av.open(str(path), "w") as out:
        packets = []
        for number, part in enumerate(parts):
            container = av.open(str(part))
            streams = {s.index: out.add_stream_from_template(s) for s in container.streams}
            if number and disposition:
                streams[0].disposition = av.stream.Disposition[disposition]
            for packet in container.demux():
                if packet.dts is not None:
                    packet.stream = streams[packet.stream_index]
                    packets.append(packet)
        packets.sort(key=lambda packet: packet.dts * packet.time_base)
        out.mux(packets)
    for part in parts:
        part.unlink()


def with_subtitles(path):
    """Text at half a second, in a stream of its own."""
    text = path.with_suffix(".srt")
    text.write_text("1\n00:00:00,500 --> 00:00:00,900\nGood morning.\n", "utf-8")
    write_clip(path.with_suffix(".plain.mkv"), Clip())
    _copied(path, path.with_suffix(".plain.mkv"), text)


def with_data(path):
    """A transport stream with a private stream, as of a camera's gyroscope."""

    def prepare(out):
        stream = out.add_data_stream("bin_data")
        packet = av.Packet(b"\x01\x02\x03\x04" * 8)
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base = Fraction(1, 90000)
        data.append(packet)

    data = []
    write_clip(path, Clip(prepare_file=prepare, extra=data))


def with_chapters(path):
    def prepare(out):
        out.set_chapters(
            [
                {"id": n, "start": 500 * n, "end": 500 * (n + 1), "time_base": Fraction(1, 1000),
                 "metadata": {"title": f"part {n}"}}
                for n in range(2)
            ]
        )  # fmt: skip

    write_clip(path, Clip(prepare_file=prepare))


def two_films(path):
    """A second, shorter video stream after the first, as of a screen beside a camera."""
    write_clip(path.with_suffix(".a.mkv"), Clip())
    write_clip(path.with_suffix(".b.mkv"), Clip(frames=10, size=(32, 32), sounds=()))
    _copied(path, path.with_suffix(".a.mkv"), path.with_suffix(".b.mkv"))


CASES = {
    "H.264 in .mp4": plain("mp4", quick=True),
    "H.264 with reordered frames in .mp4": plain("mp4", options=REORDERED),
    "H.264 in .m4v": plain("m4v", format="mp4"),
    "H.264 in .3gp": plain("3gp"),
    "H.264 in .f4v": plain("f4v"),
    "H.264 in .flv": plain("flv"),
    "H.264 in .ts": plain("ts"),
    "H.264 in .m2ts": plain("m2ts", sounds=AC3, format="mpegts", muxer={"mpegts_m2ts_mode": "1"}),
    "H.264 in .nut": plain("nut"),
    "H.264 in .avi": plain("avi", sounds=PCM),
    "H.264 with reordered frames in .avi": plain("avi", sounds=PCM, options=REORDERED),
    "H.264 in .mp4 with its index in front": plain("mp4", muxer={"movflags": "faststart"}),
    "H.264 in fragments, one a keyframe": plain(
        "mp4", sounds=LATER, muxer={"movflags": "frag_keyframe+empty_moov"}, options={"g": "5"},
        quick=True),
    "H.264 in fragments, one a frame": plain(
        "mp4", sounds=LATER, muxer={"movflags": "frag_every_frame+empty_moov"}),
    "H.264 in .ismv": plain("ismv", format="ismv"),
    "HEVC in .mp4": plain("mp4", "libx265", options=X265),
    "HEVC in .ts": plain("ts", "libx265", options=X265),
    "AV1 in .mp4": plain("mp4", "libsvtav1", size=(64, 64), options={"preset": "12"}, quick=True),
    "AV1 in .webm": plain("webm", "libsvtav1", OPUS, size=(64, 64), options={"preset": "12"}),
    "VP8 in .webm": plain("webm", "libvpx", OPUS),
    "VP9 in .webm": plain("webm", "libvpx-vp9", OPUS),
    "VP9 in .mp4": plain("mp4", "libvpx-vp9"),
    "VP8 in .ogg": plain("ogg", "libvpx", ()),
    "VP9 in .ivf": plain("ivf", "libvpx-vp9", ()),
    "MPEG-1 in .mpg": plain("mpg", "mpeg1video", MP2, **LARGE),
    "MPEG-2 in .mpg": plain("mpg", "mpeg2video", MP2, **LARGE),
    "MPEG-2 in .vob": plain("vob", "mpeg2video", AC3, format="dvd", **LARGE),
    "MPEG-2 in .ts": plain("ts", "mpeg2video", MP2),
    "MPEG-2 4:2:2 in .mxf": plain("mxf", "mpeg2video", PCM, pixels="yuv422p", quick=True),
    "MPEG-4 in .avi": plain("avi", "mpeg4", MP3),
    "MPEG-4 with reordered frames in .avi": plain("avi", "mpeg4", PCM, options={"bf": "2"}),
    "WMV in .wmv": plain("wmv", "wmv2", PCM, format="asf"),
    "Sorenson in .flv": plain("flv", "flv", (Sound("libmp3lame", 44100),)),
    "MJPEG in .avi": plain("avi", "mjpeg", PCM, pixels="yuvj420p"),
    "MJPEG in .mov": plain("mov", "mjpeg", PCM, pixels="yuvj422p"),
    "ProRes in .mov": plain("mov", "prores_ks", PCM, pixels="yuv422p10le", quick=True),
    "ProRes 4444 with alpha in .mov": plain("mov", "prores_ks", PCM, pixels="yuva444p10le"),
    "DNxHR in .mov": plain("mov", options={"profile": "dnxhr_hq"}, **DNXHR),
    "DNxHR in .mxf": plain("mxf", options={"profile": "dnxhr_hq"}, **DNXHR),
    "CineForm in .mov": plain("mov", "cfhd", PCM, pixels="yuv422p10le"),
    "JPEG 2000 in .mxf": plain("mxf", "jpeg2000", PCM),
    "FFV1 in .mkv": plain("mkv", "ffv1", (Sound("flac"),)),
    "FFV1 in .avi": plain("avi", "ffv1", PCM),
    "HuffYUV in .avi": plain("avi", "huffyuv", PCM, pixels="yuv422p"),
    "Ut Video in .avi": plain("avi", "utvideo", PCM, pixels="yuv422p"),
    "MagicYUV in .avi": plain("avi", "magicyuv", PCM, pixels="yuv422p"),
    "Cinepak in .avi": plain("avi", "cinepak", PCM, pixels="rgb24"),
    "YUV4MPEG2 in .y4m": plain("y4m", "wrapped_avframe", (), format="yuv4mpegpipe"),
    "an animated GIF": plain("gif", "gif", (), pixels="gray"),
    "an animated PNG": plain("apng", "apng", (), pixels="gray", format="apng"),
    "an animated WebP": Case(
        "film.webp", Clip(codec="libwebp_anim", sounds=(), format="webp"), None),
    "H.264 without a container": Case("film.h264", Clip(sounds=(), format="h264"), None, True),
    "HEVC without a container": Case(
        "film.hevc", Clip(codec="libx265", sounds=(), format="hevc", options=X265), None),
    "a cover beside the film": Case("cover.mp4", with_cover, facts_of(Clip()), True),
    "subtitles in .mkv": Case("text.mkv", with_subtitles, facts_of(Clip()), True),
    "a data stream in .ts": Case("data.ts", with_data, facts_of(Clip())),
    "chapters in .mp4": Case("chapters.mp4", with_chapters, facts_of(Clip())),
    "chapters in .mkv": Case("chapters.mkv", with_chapters, facts_of(Clip())),
    "a second, shorter video": Case("two.mkv", two_films, facts_of(Clip())),
}  # fmt: skip
TABLE = Table("hard containers", ("recording", "outcome"), list(CASES))
WHOLE = [
    "H.264 in fragments, one a frame", "HEVC in .ts", "AV1 in .mp4", "VP9 in .webm",
    "MPEG-2 4:2:2 in .mxf", "MPEG-4 with reordered frames in .avi", "ProRes in .mov",
    "DNxHR in .mxf", "WMV in .wmv", "H.264 in .flv", "YUV4MPEG2 in .y4m", "an animated GIF",
    "a cover beside the film", "a data stream in .ts", "chapters in .mp4",
    "a second, shorter video",
]  # fmt: skip
"""Those that are also cut and rendered: one of each kind."""


@pytest.mark.parametrize("name", parameters(CASES))
def test_a_hard_container_is_right_or_one_line(name, tmp_path):
    TABLE.check(name, outcome(CASES[name], tmp_path))


def test_the_table_of_hard_containers_is_complete():
    check_whole(TABLE)


def test_a_clip_in_av1_leaves_the_priority_of_this_process_as_it_was(tmp_path):
    policy = getattr(os, "sched_getscheduler", lambda process: None)  # not on macOS and Windows
    before = policy(0)

    av1 = {"codec": "libsvtav1", "size": (64, 64), "options": {"preset": "12"}}
    write_clip(tmp_path / "film.mp4", Clip(**av1))

    assert policy(0) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", WHOLE)
def test_a_hard_container_is_cut_exported_and_rendered(name, tmp_path):
    cut_and_render(CASES[name], tmp_path)
