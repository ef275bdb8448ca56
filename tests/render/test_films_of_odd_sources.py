"""Films of odd sources: every frame is its own, every cut on its frame, the sound where it was."""

import re
import shlex
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.errors import MediaError, ToolError
from otio_speakerzoom.model import Box, CutList, FrameRange, Microphone, Shot
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import FilterChain, probe, read_audio, read_frames

FRAMES = 24
SIZE = (256, 144)  # the least that DNxHR takes
LEFT, RIGHT = Box(11, 5, 107, 59), Box(139, 5, 203, 41)
"""Crops of two sizes at odd pixels, inside the halves of the picture, which count apart."""
CUTS = [(0, 7, LEFT), (7, 8, RIGHT), (8, FRAMES, LEFT)]


def level(frame, right):
    """The luma of a half of the picture in a frame; neighbours are 37 or 53 apart."""
    return 30 + (37 * frame + (90 + 16 * frame) * right) % 190


LUMA = r"30+mod(37*N+(90+16*N)*gte(X\,W/2)\,190)"
HALVES = f"color=black:s=256x144:r=25,geq=lum='{LUMA}':cb=118:cr=138"
BEEP = r"aevalsrc=0.5*sin(2*PI*440*t)*between(t\,0.4\,0.6):s=48000:d=1"

PIXELS = {
    "prores_422.mov": ("prores_ks", "yuv422p10le"),
    "prores_4444_alpha.mov": ("prores_ks", "yuva444p10le"),
    "dnxhr.mov": ("dnxhd", "yuv422p", "-profile:v", "dnxhr_hq"),
    "dnxhr_444.mxf": ("dnxhd", "yuv444p10le", "-profile:v", "dnxhr_444"),
    "v210.mov": ("v210", "yuv422p10le"),
    "uyvy.mov": ("rawvideo", "uyvy422"),
    "rgb.mov": ("png", "rgb24"),
    "rgba.mov": ("qtrle", "argb"),
    "gbrp10.mkv": ("ffv1", "gbrp10le"),
    "h264_10_bit.mp4": ("libx264", "yuv420p10le", "-qp", "1"),
    "h264_422.mp4": ("libx264", "yuv422p", "-qp", "1"),
    "h264_444.mp4": ("libx264", "yuv444p", "-qp", "1"),
    "full_range.mp4": ("libx264", "yuvj420p", "-qp", "1"),
    "gray.mkv": ("ffv1", "gray"),
    "gray16.mkv": ("ffv1", "gray16le"),
    "mjpeg.avi": ("mjpeg", "yuvj422p", "-q:v", "1"),
    "yuv410p.mkv": ("ffv1", "yuv410p"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


def make(path, *extra, picture=HALVES, frames=FRAMES):
    """A clip of `frames` pictures with a beep from 0.4 s to 0.6 s."""
    ffmpeg("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", BEEP, "-frames:v", str(frames),
           "-c:a", "pcm_s16le", *extra, str(path))  # fmt: skip
    return path


def film_of(path, tmp_path, cuts=CUTS, canvas=(96, 54)):
    """Render `cuts` of a source, and return the luma of each frame's middle, 16 to 235."""
    media = probe(path)
    assert media.size == SIZE
    assert media.duration == cuts[-1][1]
    shots = tuple(Shot(FrameRange(start, end), (), crop) for start, end, crop in cuts)
    render_film(CutList(media, canvas, shots), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert film.streams.video[0].average_rate == media.rate
        planes = [frame.to_ndarray()[:54] for frame in film.decode(video=0)]
    return [plane[8:-8, 8:-8].mean() for plane in planes]


def expected(cuts=CUTS):
    return [level(n, crop == RIGHT) for start, end, crop in cuts for n in range(start, end)]


def beep(path):
    """When a film's sound begins and ends to be loud, in seconds."""
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray()[0] for frame in film.decode(audio=0)]
        rate = film.streams.audio[0].rate
    loud = np.flatnonzero(np.abs(np.concatenate(frames)) > 0.1)
    return loud[0] / rate, loud[-1] / rate


@pytest.mark.parametrize("name", PIXELS)
def test_every_pixel_format_renders_frame_by_frame(folder, tmp_path, name):
    codec, pixels, *extra = PIXELS[name]
    source = make(folder / name, "-c:v", codec, "-pix_fmt", pixels, *extra)

    assert film_of(source, tmp_path) == pytest.approx(expected(), abs=3)
    assert beep(tmp_path / "film.mp4") == pytest.approx((0.4, 0.6), abs=0.04)


def test_a_crop_at_odd_pixels_shifts_no_colour(folder, tmp_path):
    """A red square in green: where the film turns red is where it turns dark."""
    square = "drawbox=x=101:y=51:w=40:h=40:color=red:t=fill"
    source = make(folder / "square.mkv", "-c:v", "ffv1", "-pix_fmt", "yuv420p",
                  picture=f"color=0x00ff00:s=256x144:r=25,format=yuv444p,{square}")  # fmt: skip
    media = probe(source)
    edges = []
    for left in (61, 62):
        crop = Box(left, 27, left + 96, 27 + 54)
        cut_list = CutList(media, (384, 216), (Shot(FrameRange(0, FRAMES), (), crop),))
        render_film(cut_list, tmp_path / "film.mp4")
        with av.open(str(tmp_path / "film.mp4")) as film:
            red = next(film.decode(video=0)).to_ndarray(format="rgb24")[200, :, 0].astype(float)
        edges.append(np.interp(128, red[100:200], np.arange(100, 200)))

    assert edges[0] - edges[1] == pytest.approx(4, abs=0.8)  # a pixel of the source


@pytest.mark.parametrize("first", ["top", "bottom"])
def test_interlaced_frames_are_progressive_in_the_film(folder, tmp_path, first):
    """A bar that moves between the fields shows no comb, and frames stay as many."""
    bar = r"lum='16+219*between(X\,4*N\,4*N+40)':cb=128:cr=128"
    both = (
        f"color=black:s=256x144:r=50,geq={bar},interlace=scan={'tff' if first == 'top' else 'bff'}"
    )
    source = make(folder / f"{first}.mkv", "-c:v", "libx264", "-qp", "1", "-pix_fmt", "yuv420p",
                  "-flags", "+ildct+ilme", "-x264-params", f"{first[0]}ff=1",
                  picture=f"{both}:lowpass=off")  # fmt: skip
    media = replace(probe(source), field_order=first)
    assert (media.rate, media.duration) == (25, FRAMES)
    shot = Shot(FrameRange(0, FRAMES), (), Box(0, 0, *SIZE))
    render_film(CutList(media, SIZE, (shot,)), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        film_frames = [frame.to_ndarray()[:144].astype(int) for frame in film.decode(video=0)]
    analysed = [frame.astype(int) for _, frame in read_frames(media, gray=True)]
    woven = [
        p.astype(int) for _, p in read_frames(replace(media, field_order="progressive"), gray=True)
    ]

    assert len(film_frames) == len(analysed) == len(woven) == FRAMES
    assert min(comb(frame) for frame in woven[2:-2]) > 5
    assert max(comb(frame) for frame in (*film_frames[2:-2], *analysed[2:-2])) < 3


def comb(picture):
    """How unlike neighbouring lines are."""
    return np.abs(picture[41:101:2] - picture[40:100:2]).mean()


def joined(folder, name, *parts):
    """One .ts of parts of a second each, (picture, arguments), whose stamps go on."""
    path = folder / f"{name}.ts"
    path.write_bytes(b"")
    for n, (size, tone, *extra) in enumerate(parts):
        piece = folder / f"{name}_{n}.ts"
        lum = f"color=black:s={size}:r=25:d=1,geq=lum='30+2*(N+{25 * n})':cb=128:cr=128"
        ffmpeg("-f", "lavfi", "-i", lum, "-f", "lavfi", "-i", tone,
               "-c:v", "libx264", "-bf", "0", "-qp", "1", "-pix_fmt", "yuv420p",
               "-output_ts_offset", str(n + 10), *extra, str(piece))  # fmt: skip
        path.write_bytes(path.read_bytes() + piece.read_bytes())
    return path


TONE = "aevalsrc=0.4*sin(2*PI*440*t)*lt(mod(t\\,0.5)\\,0.1):s=48000:d=1"


def onsets(samples, rate):
    """When sound begins, in seconds, wherever silence was before it."""
    loud = np.abs(np.asarray(samples, float)) > 0.1 * np.abs(samples).max()
    at = np.flatnonzero(loud)
    return at[np.diff(at, prepend=-rate) > rate / 5] / rate


def test_a_size_that_changes_midway_shifts_no_frame(folder, tmp_path):
    source = joined(folder, "sizes", ("256x144", TONE), ("128x72", TONE), ("256x144", TONE))
    media = probe(source)
    assert (media.size, media.duration) == (SIZE, 75)
    levels = [p.mean() * 219 / 255 + 16 for _, p in read_frames(media, gray=True, size=(64, 36))]
    assert levels == pytest.approx([30 + 2 * n for n in range(75)], abs=2)

    cuts = [(0, 24, LEFT), (24, 26, RIGHT), (26, 75, LEFT)]
    assert film_of(source, tmp_path, cuts) == pytest.approx([30 + 2 * n for n in range(75)], abs=2)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("2 48000", "2 44100"),
        ("2 48000", "1 22050"),
        ("2 48000", "6 48000"),
        ("1 48000", "2 48000"),
    ],
)
def test_audio_that_changes_midway_stays_in_place(folder, tmp_path, first, then):
    aac = ("256x144", TONE, "-c:a", "aac", "-ac")
    parts = [(*aac, channels, "-ar", rate) for channels, rate in map(str.split, (first, then))]
    source = joined(folder, f"sound {first} {then}", *parts, parts[0])
    media = probe(source)
    samples = np.concatenate([*read_audio(media)])
    meant = [0, 0.5, 1, 1.5, 2, 2.5]

    assert len(samples) == 3 * 16000
    assert onsets(samples, 16000) == pytest.approx(meant, abs=0.04)
    film_of(source, tmp_path, [(0, 75, LEFT)])
    with av.open(str(tmp_path / "film.mp4")) as film:
        samples = np.concatenate([f.to_ndarray()[0] for f in film.decode(audio=0)])
    assert onsets(samples, 48000) == pytest.approx(meant, abs=0.04)


def with_streams(folder, name, *tones):
    """A clip with one audio stream for each expression."""
    path = folder / f"{name}.mkv"
    inputs = [a for t in tones for a in ("-f", "lavfi", "-i", f"aevalsrc={t}:s=48000:d=1")]
    maps = [a for n in range(len(tones)) for a in ("-map", str(n + 1))]
    ffmpeg("-f", "lavfi", "-i", "color=black:s=256x144:r=25:d=0.96", *inputs, "-map", "0",
           *maps, "-c:v", "libx264", "-c:a", "pcm_s16le", str(path))  # fmt: skip
    return path


def film_samples(path, tmp_path):
    media = probe(path)
    shot = Shot(FrameRange(0, media.duration), (), Box(0, 0, *media.size))
    render_film(CutList(media, SIZE, (shot,)), tmp_path / "film.mkv")
    with av.open(str(tmp_path / "film.mkv")) as film:
        return np.concatenate([f.to_ndarray() for f in film.decode(audio=0)], axis=1)


def strength(samples, tone):
    """The amplitude of a tone."""
    wave = np.exp(2j * np.pi * tone * np.arange(len(samples)) / 48000)
    return 2 * np.abs((samples * wave).mean())


def test_all_streams_are_in_the_film_at_their_own_level(folder, tmp_path):
    tones = (r"0", r"0.3*sin(2*PI*440*t)", r"0.2*sin(2*PI*1000*t)|0")
    samples = film_samples(with_streams(folder, "streams", *tones), tmp_path)[:, 4800:-4800]

    assert len(samples) == 2
    assert [strength(side, 440) for side in samples] == pytest.approx([0.3, 0.3], rel=0.05)
    assert [strength(side, 1000) for side in samples] == pytest.approx([0.2, 0], abs=0.01)


def test_streams_that_are_too_loud_together_are_turned_down_and_not_clipped(folder, tmp_path):
    loud = r"(0.2+0.7*between(t\,0.4\,0.6))*sin(2*PI*440*t)"
    samples = film_samples(with_streams(folder, "loud", loud, loud), tmp_path)[0]

    assert np.abs(samples).max() < 0.95
    part = samples[int(0.45 * 48000) : int(0.55 * 48000)]
    assert strength(part, 440) == pytest.approx(0.89, rel=0.03)
    assert strength(part, 3 * 440) < 0.01  # clipping a sine makes its third harmonic
    assert strength(samples[4800:9600], 440) == pytest.approx(0.4, rel=0.05)


def test_channels_without_a_layout_are_all_mixed(folder, tmp_path):
    tones = "|".join(f"0.1*sin(2*PI*{200 * (n + 1)}*t)" for n in range(10))
    path = folder / "ten.mov"
    ffmpeg("-f", "lavfi", "-i", "color=black:s=256x144:r=25:d=0.96", "-f", "lavfi", "-i",
           f"aevalsrc={tones}:s=48000:d=1", "-c:v", "libx264", "-c:a", "pcm_s16le",
           str(path))  # fmt: skip
    samples = film_samples(path, tmp_path)[0, 4800:-4800]
    fourth = np.concatenate([*read_audio(probe(path), microphone=Microphone(0, 3))])

    assert [strength(samples, 200 * (n + 1)) for n in range(10)] == pytest.approx(
        [0.1] * 10, rel=0.15
    )
    peak = np.argmax(np.abs(np.fft.rfft(fourth[:16000].astype(float))))
    assert peak * 16000 / len(fourth[:16000]) == pytest.approx(800, abs=3)


CONTAINERS = {
    "mp4": ("libx264", "aac", "-movflags", "+faststart"),
    "mkv": ("libx264", "aac"),
    "mov": ("prores_ks", "pcm_s16le", "-movflags", "+faststart"),
    "avi": ("mjpeg", "pcm_s16le"),
    "mxf": ("mpeg2video", "pcm_s16le"),
}


@pytest.fixture(scope="module", params=CONTAINERS)
def half_a_copy(request, folder):
    """Six seconds of film in a file, and the first half of its bytes in another."""
    video, audio, *extra = CONTAINERS[request.param]
    whole, half = (folder / f"{name}_copy.{request.param}" for name in ("whole", "half"))
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=256x144:r=25:d=6", "-f", "lavfi", "-i",
           "sine=440:r=48000:d=6", "-c:v", video, "-c:a", audio, *extra, str(whole))  # fmt: skip
    content = whole.read_bytes()
    half.write_bytes(content[: len(content) // 2])
    return whole, half


def test_half_a_copy_is_refused_with_a_remedy_that_works(half_a_copy):
    whole, half = half_a_copy
    assert probe(whole).duration == 150
    with pytest.raises(MediaError, match=r"ends after \d\.\d of 6\.\d s.*copy it again") as error:
        probe(half)

    command = shlex.split(str(error.value).rpartition("the part that exists: ")[2])
    assert "ffmpeg" in command.pop(0)
    ffmpeg(*command)
    media = probe(Path(command[-1].removeprefix("file:")))
    assert 50 < media.duration < 100
    assert len(media.audio_streams) == 1
    # what a decoder cannot show for want of what follows is told too, and where to stop
    try:
        count = len(list(read_frames(media, size=(16, 9))))
    except MediaError as error:
        count = int(re.search(r"--out (\d+)f", str(error))[1])
        assert len(list(read_frames(media, size=(16, 9), within=FrameRange(0, count)))) == count
    assert count > 50


def test_a_film_of_a_source_that_ends_early_is_an_error_and_leaves_the_old_film(folder, tmp_path):
    source = make(folder / "early.mkv", "-c:v", "ffv1")
    media = replace(probe(source), duration=40)
    shot = Shot(FrameRange(0, 40), (), Box(0, 0, *SIZE))
    (tmp_path / "film.mp4").write_text("the last one")

    with pytest.raises(MediaError, match=r"early\.mkv: .* ends at frame 24 of 40"):
        render_film(CutList(media, SIZE, (shot,)), tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_text() == "the last one"


def test_damage_in_the_middle_shifts_nothing_and_is_reported(folder, caplog):
    source = folder / "whole_damage.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=256x144:r=25:d=4", "-f", "lavfi", "-i", TONE[:-1] + "4",
           "-c:v", "libx264", "-g", "10", "-c:a", "aac", str(source))  # fmt: skip
    content = bytearray(source.read_bytes())
    middle = slice(len(content) * 4 // 10, len(content) // 2)
    content[middle] = np.random.default_rng(1).bytes(middle.stop - middle.start)
    damaged = folder / "damaged.mp4"
    damaged.write_bytes(content)
    pairs = zip(
        read_frames(probe(source), gray=True), read_frames(probe(damaged), gray=True), strict=True
    )
    alike = [np.abs(a.astype(int) - b).mean() < 1 for (_, a), (_, b) in pairs]

    assert len(alike) == 100
    assert all(alike[:20])
    assert all(alike[-30:])
    assert not all(alike)
    assert "damaged packets of video" in caplog.text
    assert len(np.concatenate([*read_audio(probe(damaged))])) == 4 * 16000
    assert "damaged packets of audio" in caplog.text


@pytest.mark.parametrize(("transfer", "code"), [("arib-std-b67", 499.5), ("smpte2084", 449.6)])
def test_high_dynamic_range_becomes_what_a_standard_screen_shows(folder, tmp_path, transfer, code):
    """A grey of 50 cd/m2, in 10 bits of BT.2100, where paper is 203: (50 / 203) ** (1 / 2.4)."""
    grey = f"color=black:s=256x144:r=25,format=yuv420p10le,geq=lum={code}:cb=512:cr=512"
    tags = ("setparams", "bt2020nc", transfer, "bt2020")
    grey += ",{}=colorspace={}:color_trc={}:color_primaries={}:range=tv".format(*tags)
    source = make(folder / f"{transfer}.mkv", "-c:v", "ffv1", picture=grey)
    media = probe(source)
    assert media.transfer == {"arib-std-b67": "hlg", "smpte2084": "pq"}[transfer]
    light = (50 / 203) ** (1 / 2.4)

    film = film_of(source, tmp_path)
    assert film == pytest.approx([16 + 219 * light] * FRAMES, abs=1.5)
    with av.open(str(tmp_path / "film.mp4")) as container:
        coder = container.streams.video[0].codec_context
        assert (coder.color_primaries, coder.color_trc, coder.colorspace) == (1, 1, 1)
    _, analysed = next(read_frames(media, size=(64, 36)))
    assert analysed.mean(axis=(0, 1)) == pytest.approx([255 * light] * 3, abs=2)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_is_upright_as_in_ffmpeg(folder, make_clip, rotation):
    path = folder / f"turned{rotation}.mp4"
    with av.open(str(make_clip("lying.mp4"))) as lying, av.open(str(path), "w") as turned:
        stream = turned.add_stream_from_template(lying.streams.video[0])
        stream.set_display_rotation(-rotation)
        for packet in lying.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                turned.mux(packet)
    media = probe(path)
    raw = path.with_suffix(".rgb")
    ffmpeg("-i", str(path), "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", str(raw))
    meant = np.frombuffer(raw.read_bytes(), np.uint8).reshape(*reversed(media.size), 3)

    _, upright = next(read_frames(media))
    assert media.rotation == rotation
    assert np.abs(upright.astype(int) - meant).mean() < 2
    assert np.abs(upright.astype(int) - meant[::-1]).mean() > 20


def test_a_clip_trimmed_by_its_edit_list_starts_where_players_start_it(numbered_clip, folder):
    whole, trimmed = numbered_clip("whole.mp4", frames=60), folder / "trimmed.mp4"
    ffmpeg("-ss", "0.68", "-i", str(whole), "-c", "copy", str(trimmed))
    media = probe(trimmed)
    levels = [p.mean() * 219 / 255 for _, p in read_frames(media, gray=True)]

    assert levels == pytest.approx([2 * n for n in range(17, 60)], abs=1)


def test_both_channels_mixed_are_as_loud_as_each(folder):
    source = with_streams(folder, "pair", "0.8*sin(2*PI*440*t)|0.8*sin(2*PI*440*t)")
    samples = np.concatenate([*read_audio(probe(source))])

    assert np.abs(samples).max() / 32768 == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("name", ["small", "large"])
@pytest.mark.parametrize("pixels", ["rgb24", "yuv420p"])
def test_colours_are_those_of_the_source(folder, tmp_path, name, pixels):
    """Small or large, RGB or not, marked or not: the film is marked as it is made."""
    size = {"small": "256x144", "large": "1280x720"}[name]
    path = folder / f"colour_{name}_{pixels}.mkv"
    matrix = {"small": "smpte170m", "large": "bt709"}[name]
    ffmpeg("-f", "lavfi", "-i", f"color=0xc04020:s={size}:r=25,format=rgb24", "-frames:v", "3",
           "-vf", f"scale=out_color_matrix={matrix}:out_range=tv,format={pixels}",
           "-c:v", "ffv1", str(path))  # fmt: skip
    media = probe(path)
    shot = Shot(FrameRange(0, 3), (), Box(0, 0, *media.size))
    render_film(CutList(media, (640, 360), (shot,)), tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        picture = next(film.decode(video=0))
    convert = FilterChain(("scale", "out_range=pc"), ("format", "rgb24"))
    rgb = convert.convert(picture).to_ndarray()

    assert rgb[100:200, 100:200].mean(axis=(0, 1)) == pytest.approx([0xC0, 0x40, 0x20], abs=4)


def test_without_x264_the_film_is_mpeg4_with_a_warning(folder, tmp_path, monkeypatch, caplog):
    source = make(folder / "mpeg4.mkv", "-c:v", "ffv1")
    monkeypatch.setattr("av.codecs_available", {"mpeg4", "aac"})

    assert film_of(source, tmp_path) == pytest.approx(expected(), abs=4)
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].codec_context.name == "mpeg4"
    assert "has no libx264" in caplog.text


def test_a_canvas_of_odd_sides_is_refused_before_the_first_frame(folder, tmp_path):
    source = make(folder / "odd_canvas.mkv", "-c:v", "ffv1")
    shot = Shot(FrameRange(0, FRAMES), (), Box(0, 0, 255, 143))

    with pytest.raises(ToolError, match=r"255x143.* even"):
        render_film(CutList(probe(source), (255, 143), (shot,)), tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


RENDER = """
import sys
from pathlib import Path
from otio_speakerzoom.model import Box, CutList, FrameRange, Shot
from otio_speakerzoom.render.film import render_film
from otio_speakerzoom.source import probe
media = probe(Path(sys.argv[1]))
shot = Shot(media.range, (), Box(0, 0, *media.size))
render_film(CutList(media, (1920, 1080), (shot,)), Path(sys.argv[2]))
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="children are looked up in /proc")
def test_a_render_that_is_killed_leaves_no_process_and_its_leftovers_go(folder, tmp_path):
    source = make(folder / "long.mkv", "-c:v", "mjpeg", frames=FRAMES,
                  picture="testsrc2=s=1280x720:r=25")  # fmt: skip
    long = folder / "longer.mkv"
    ffmpeg("-stream_loop", "40", "-i", str(source), "-c", "copy", str(long))
    command = [sys.executable, "-c", RENDER, str(long), str(tmp_path / "film.mp4")]
    with subprocess.Popen(command) as process:
        while not list(tmp_path.iterdir()) and process.poll() is None:
            time.sleep(0.01)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        process.kill()
    assert process.returncode < 0
    assert children == ""
    assert not (tmp_path / "film.mp4").exists()

    shot = Shot(FrameRange(0, FRAMES), (), Box(0, 0, 1280, 720))
    render_film(CutList(probe(source), (128, 72), (shot,)), tmp_path / "film.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
