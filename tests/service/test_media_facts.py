"""What a browser must know of a file: exact codecs, its clock, the times of its frames, words."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.model import Media, no_progress
from otio_speakerzoom.service import codec_string
from otio_speakerzoom.service.frame_times import first_frame_time, frame_times
from otio_speakerzoom.service.peaks import (
    BINS_PER_FRAME,
    load_peaks,
    peak_levels,
    read_peaks,
    save_peaks,
)
from otio_speakerzoom.service.pictures import frame_jpeg
from otio_speakerzoom.service.proxy import make_proxy
from otio_speakerzoom.service.words import find_transcript, read_words
from otio_speakerzoom.source import decode_frames, probe

# --- codecs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "extra", "expected"),
    [
        ("a.mp4", ("-c:v", "libx264", "-profile:v", "high", "-level", "4.0"),
         'video/mp4; codecs="avc1.640028, mp4a.40.2"'),
        ("b.mov", ("-c:v", "libx264", "-profile:v", "baseline", "-level", "3.0"),
         'video/mp4; codecs="avc1.42C01E, mp4a.40.2"'),
        ("c.mkv", ("-c:v", "libx264", "-profile:v", "main", "-level", "3.1", "-c:a", "mp3"),
         'video/x-matroska; codecs="avc1.4D401F, mp4a.6B"'),
        ("d.mp4", ("-c:v", "libx265", "-x265-params", "log-level=none"),
         'video/mp4; codecs="hvc1.1.6.L60.90, mp4a.40.2"'),
        ("e.webm", ("-c:v", "libvpx", "-c:a", "libopus"), 'video/webm; codecs="vp8, opus"'),
        ("f.webm", ("-c:v", "libvpx-vp9", "-c:a", "libopus"),
         'video/webm; codecs="vp09.00.41.08, opus"'),
        ("g.mov", ("-c:v", "prores_ks",), None),
        ("h.mov", ("-c:v", "libx264", "-c:a", "pcm_s16le"), None),
        ("i.mkv", ("-c:v", "libx264", "-level", "3.0", "-c:a", "wmav2"),
         'video/x-matroska; codecs="avc1.64001E, wmav2"'),
    ],
)  # fmt: skip
def test_the_codecs_are_named_as_browsers_name_them(make_clip, name, extra, expected):
    media = probe(make_clip(f"codec_{name}", seconds=0.4, extra=extra))

    assert codec_string.codec_string(media) == expected


def test_a_silent_file_names_its_picture_only(silent_clip):
    assert codec_string.codec_string(probe(silent_clip)).count(",") == 0


# --- the clock of the media element ---------------------------------------------------------------


def test_a_late_video_begins_late_on_the_browsers_clock(late_video_clip, ntsc_clip):
    assert first_frame_time(probe(late_video_clip)) == pytest.approx(0.5)
    assert first_frame_time(probe(ntsc_clip)) == 0


def test_a_file_that_begins_later_than_zero_does_so_in_the_browser(make_clip, tmp_path):
    moved = tmp_path / "moved.mp4"
    ffmpeg("-i", str(make_clip("unmoved.mp4")), "-c", "copy", "-output_ts_offset", "10", str(moved))

    assert first_frame_time(probe(moved)) == pytest.approx(10)


def test_frames_of_a_variable_rate_have_the_times_of_their_pictures(vfr_clip):
    media = probe(vfr_clip)
    times = np.frombuffer(frame_times(media), "<f8")
    pictures = [float(p.pts * p.time_base) for _, p in decode_frames(media, media.range)]

    assert media.variable_rate
    assert times.tolist() == pytest.approx(pictures)
    assert len(set(pictures)) < media.duration


def test_frames_of_a_constant_rate_have_the_times_of_the_grid(late_video_clip):
    media = probe(late_video_clip)
    times = np.frombuffer(frame_times(media), "<f8")

    assert times == pytest.approx(0.5 + np.arange(media.duration) / 25)


# --- the proxy ------------------------------------------------------------------------------------


def test_a_proxy_has_the_frames_of_the_grid_upright(vfr_clip, rotated_clip, tmp_path):
    for clip in (vfr_clip, rotated_clip):
        media = probe(clip)
        make_proxy(media, tmp_path / "proxy-1.mp4", no_progress)
        proxy = probe(tmp_path / "proxy-1.mp4")

        assert (proxy.rate, proxy.duration, proxy.size) == (media.rate, media.duration, media.size)
        assert not proxy.variable_rate
        assert (proxy.rotation, proxy.video_offset, first_frame_time(proxy)) == (0, 0, 0)
        assert codec_string.codec_string(proxy).startswith('video/mp4; codecs="avc1.')


def test_a_proxy_of_high_dynamic_range_looks_as_its_pictures_do(make_clip, tmp_path):
    tags = "setparams=color_trc=arib-std-b67:color_primaries=bt2020:colorspace=bt2020nc"
    media = probe(make_clip("hlg.mp4", seconds=0.4, extra=("-vf", f"format=yuv420p10le,{tags}")))
    (tmp_path / "proxy-0.mp4").write_bytes(b"of the file as it was")
    make_proxy(media, tmp_path / "proxy-1.mp4", no_progress)
    proxy = probe(tmp_path / "proxy-1.mp4")
    means = []
    for source in (media, proxy):
        with av.open(io.BytesIO(frame_jpeg(source, 5, 180)), format="image2pipe") as jpeg:
            means.append(next(jpeg.decode(video=0)).to_ndarray(format="rgb24").mean(axis=(0, 1)))

    assert (media.transfer, proxy.transfer, proxy.colour) == ("hlg", "sdr", (1, 1, 1))
    assert means[0] == pytest.approx(means[1], abs=3)  # of 255
    assert [path.name for path in tmp_path.iterdir()] == ["proxy-1.mp4"]


# --- the waveform ---------------------------------------------------------------------------------


def test_the_waveform_has_the_extremes_of_the_samples(make_clip, tmp_path):
    picture = "testsrc2=s=64x64:r=30000/1001:d=3"
    quiet_then_loud = tmp_path / "tone.mp4"
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i",
           "sine=440:r=48000:d=3,volume='if(lt(t,1.5),0,4)':eval=frame",
           str(quiet_then_loud))  # fmt: skip
    media = probe(quiet_then_loud)
    peaks = read_peaks(media, lambda: False)

    assert peaks.shape == (BINS_PER_FRAME * media.duration, 2)
    middle = len(peaks) // 2
    assert np.abs(peaks[: middle - 12].astype(int)).max() <= 2
    assert peaks[middle + 12 : -16, 0].max() < -50
    assert peaks[middle + 12 : -16, 1].min() > 50


def test_a_stored_waveform_is_used_only_where_it_fits(ntsc_clip, tmp_path):
    media, path = probe(ntsc_clip), tmp_path / "peaks-1.npy"
    peaks = read_peaks(media, lambda: False)
    (tmp_path / "peaks-0.npy").write_bytes(b"of an earlier file")
    save_peaks(path, peaks)

    assert [file.name for file in tmp_path.iterdir()] == ["peaks-1.npy"]
    loaded = load_peaks(path, media)
    assert all((a == b).all() for a, b in zip(loaded, peak_levels(peaks), strict=True))
    save_peaks(path, peaks[:-4])
    assert load_peaks(path, media) is None
    path.write_bytes(b"damaged")
    assert load_peaks(path, media) is None
    assert read_peaks(media, lambda: True) is None


# --- words ----------------------------------------------------------------------------------------

MEDIA = Media(path=None, rate=Fraction(25), duration=1000, size=(64, 64))


def words(tmp_path, text, name="talk.srt", media=MEDIA, encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return [(word["start"], word["end"], word["text"]) for word in read_words(path, media)]


def test_cues_of_subrip_become_frames_without_their_marks(tmp_path):
    text = (
        "\ufeff1\r\n00:00:01,000 --> 00:00:02,500\r\n<i>Hello</i> &amp; welcome\r\nto us\r\n\r\n"
        "2\r\n00:00:03,00 --> 00:00:04,000 X1:1\r\n{\\an8}Yes\r\n"
    )

    assert words(tmp_path, text) == [(25, 62, "Hello & welcome to us"), (75, 100, "Yes")]


def test_words_of_webvtt_have_their_own_times(tmp_path):
    text = (
        "WEBVTT\n\nNOTE made by hand\n\nSTYLE\n::cue {}\n\n"
        "first\n00:01.000 --> 00:03.000 align:start\n"
        "<v Ann>Well,<00:01.400><c> then</c> <00:02.000>go\n"
    )

    assert words(tmp_path, text, "talk.vtt") == [
        (25, 35, "Well,"), (35, 50, "then"), (50, 75, "go"),
    ]  # fmt: skip


def test_words_are_placed_by_the_first_frame_of_a_late_video(tmp_path):
    late = Media(path=None, rate=Fraction(25), duration=100, size=(64, 64),
                 video_offset=Fraction(1, 2))  # fmt: skip
    text = "00:00:01,000 --> 00:00:01,500\nA\n\n00:00:00,100 --> 00:00:00,400\nbefore\n"

    assert words(tmp_path, text, media=late) == [(12, 25, "A")]


@pytest.mark.parametrize(
    "text", ["", "no cue at all", "00:00:02,000 --> 00:00:01,000\nbackwards",
             "99999:00:00,000 --> 99999:00:01,000\nfar away", "1\n\n2\n\n", "-->\n-->"],
)  # fmt: skip
def test_what_is_no_cue_is_left_out(tmp_path, text):
    assert words(tmp_path, text) == []


def test_a_transcript_in_an_old_encoding_is_read(tmp_path):
    text = "00:00:01,000 --> 00:00:02,000\nGrüße\n"

    assert words(tmp_path, text, encoding="cp1252") == [(25, 50, "Grüße")]


def test_the_transcript_is_the_one_named_after_the_source(tmp_path):
    source = tmp_path / "talk.mp4"
    assert find_transcript(source) is None
    (tmp_path / "talk.mp4.vtt").write_text("WEBVTT")
    assert find_transcript(source).name == "talk.mp4.vtt"
    (tmp_path / "talk.srt").write_text("")
    assert find_transcript(source).name == "talk.srt"
