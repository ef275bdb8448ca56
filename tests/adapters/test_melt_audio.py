"""melt plays each stream of sound with the picture that belongs to it."""

import shlex
from itertools import pairwise

import av
import numpy as np
import pytest
from conftest import ffmpeg
from melting import rendered_by_melt

from otio_speakerzoom.model import Box, CutList, FrameRange, Microphone, Shot
from otio_speakerzoom.source import matroska_command, probe, read_audio
from otio_speakerzoom.source.audio import SPEECH_SAMPLE_RATE

# Seconds at which each stream clicks: no two distances are alike, so a shift fits nowhere else.
CLICKS = ((0.3, 0.75, 1.4, 2.25, 3.3), (0.5, 1.15, 1.9, 2.75, 3.6))
RATE = 48000


def a_source(path, *, rate="25", late=0, codec="pcm_s16le"):
    """A picture that starts `late` seconds after two streams of sound, which click."""
    inputs = ["-itsoffset", late, "-f", "lavfi", "-i", f"testsrc2=s=64x36:r={rate}:d=4"]
    for times in CLICKS:
        on = "+".join(f"between(t,{time},{time + 0.004})" for time in times)
        tone = f"aevalsrc='0.8*({on})*sin(2*PI*1500*t)':s={RATE}:d=5"
        inputs += ["-f", "lavfi", "-i", tone]
    maps = [x for stream in range(3) for x in ("-map", stream)]
    ffmpeg(*map(str, [*inputs, *maps, "-pix_fmt", "yuv420p", "-c:a", codec, path]))
    return probe(path)


def clicks(samples, rate):
    """Seconds at which the sound, which is silent else, begins anew."""
    loud = np.abs(np.asarray(samples, float))
    (at,) = np.nonzero(loud > 0.2 * loud.max())
    return at[np.diff(at, prepend=-rate) > rate / 20] / rate


@pytest.mark.parametrize("format_", ["mlt", "kdenlive"])
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("pcm.mov", {}),
        ("aac.mp4", {"codec": "aac", "rate": "30000/1001"}),
        ("late.mkv", {"late": 0.8}),
    ],
)
def test_every_audio_stream_is_in_sync_with_the_video(name, changes, format_, tmp_path):
    media = a_source(tmp_path / name, **changes)
    cuts = (3, 40, 71, media.duration - 8)
    shots = (Shot(FrameRange(start, end), (), Box(0, 0, 64, 36)) for start, end in pairwise(cuts))
    cut_list = CutList(media, (64, 36), tuple(shots))
    rendered_by_melt(cut_list, tmp_path, f"acodec=pcm_s16le ar={RATE}", format_)

    with av.open(str(tmp_path / "melt.mkv")) as film:
        samples = np.concatenate(
            [f.to_ndarray().reshape(-1, 2)[:, 0] for f in film.decode(audio=0)]
        )
    expected = [
        time
        for stream in range(len(CLICKS))
        for time in clicks(
            np.concatenate(
                list(read_audio(media, within=cut_list.range, microphone=Microphone(stream)))
            ),
            SPEECH_SAMPLE_RATE,
        )
    ]
    assert len(samples) / RATE == pytest.approx(cut_list.range.duration / media.rate, abs=0.04)
    assert len(expected) >= 7
    assert clicks(samples, RATE) == pytest.approx(sorted(expected), abs=0.5 / float(media.rate))


@pytest.mark.parametrize(("channels", "warned"), [(2, False), (4, False), (3, True), (10, True)])
def test_channels_that_melt_does_not_play_are_reported_with_a_remedy(
    channels, warned, tmp_path, caplog
):
    tones = [400 + 150 * n for n in range(channels)]
    wave = "|".join(f"0.5*sin(2*PI*{tone}*t)" for tone in tones)
    path = tmp_path / "many microphones.mov"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=1", "-f", "lavfi", "-i",
           f"aevalsrc={wave}:s={RATE}:d=1:c={channels}c",
           "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", str(path))  # fmt: skip

    assert (played(path, tones, tmp_path) == tones) == (not warned)
    remedies = [
        text.partition("the output of this command instead: ")[2] for text in caplog.messages
    ]
    assert bool(remedies) == warned
    for remedy in remedies:
        ffmpeg(*shlex.split(remedy)[1:])
        assert played(path.with_name("many microphones_mixed.mov"), tones, tmp_path) == tones


def test_a_remux_for_an_older_mlt_keeps_subtitles(make_clip, tmp_path):
    """Those of an .mp4 are of a kind that Matroska does not hold."""
    text, clip = tmp_path / "said.srt", tmp_path / "subtitled.mp4"
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nGood evening.\n")
    ffmpeg("-i", str(make_clip("plain.mp4", seconds=1)), "-i", str(text), "-map", "0", "-map", "1",
           "-c", "copy", "-c:s", "mov_text", str(clip))  # fmt: skip
    ffmpeg(*shlex.split(matroska_command(clip))[1:])

    with av.open(str(clip.with_suffix(".mkv"))) as film:
        assert [stream.type for stream in film.streams] == ["video", "audio", "subtitle"]


def played(path, tones, folder):
    """Those of the tones that melt plays on either side: 579 or more; of others it leaves 158."""
    cut_list = CutList(probe(path), (64, 36), (Shot(FrameRange(0, 25), (), Box(0, 0, 64, 36)),))
    rendered_by_melt(cut_list, folder, f"acodec=pcm_s16le ar={RATE}")
    with av.open(str(folder / "melt.mkv")) as film:
        samples = np.concatenate([f.to_ndarray().reshape(-1, 2) for f in film.decode(audio=0)])
    strength = np.abs(np.fft.rfft(samples.astype(float), axis=0)).max(axis=1) / len(samples)
    at = np.fft.rfftfreq(len(samples), 1 / RATE)
    return [tone for tone in tones if strength[np.abs(at - tone) < 3].max() > 300]
