"""The audio is decoded once, and gives the same as each of its microphones read apart."""

import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom.model import AudioSelection, FrameRange, Microphone
from otio_speakerzoom.source import audio, probe, read_audio, read_microphones
from otio_speakerzoom.speech import audio_analysis
from otio_speakerzoom.speech.analyze import detect_voice
from otio_speakerzoom.speech.audio_analysis import analyze_audio, compute_mfcc_of
from otio_speakerzoom.speech.mfcc import compute_mfcc
from otio_speakerzoom.speech.ticks import to_source_frames
from otio_speakerzoom.speech.vad import VoiceThread, voice_activity

PICTURE = "testsrc2=s=64x64:r=25:d=13"
TONE = r"0.3*sin(2*PI*(200+20*t)*t)*gt(mod(t\,2)\,0.7)"
TURNS = r"0.4*sin(600*PI*t)*lt(mod(t\,4)\,2)|0.4*sin(999*PI*t)*gte(mod(t\,4)\,2)"
PAIR = "0.4*sin(600*PI*t)|0.3*sin(600*PI*t+0.3)"
SILENCE = "0|0"
SOURCES = {
    "mono.mp4": ("aac", 48000, TONE),
    "stereo.mp4": ("aac", 44100, PAIR),
    "two_microphones.mov": ("pcm_s24le", 96000, TURNS),
    "opus.mkv": ("libopus", 48000, TURNS),
    "several_streams.mp4": ("aac", 44100, TONE, TURNS),
    "silent_first_stream.ts": ("mp2", 48000, SILENCE, PAIR),
    "late.mkv": ("libmp3lame", 48000, TONE),
    "gap.mkv": ("pcm_s16le", 48000, rf"{TONE}:d=13,aselect=not(between(t\,5\,9))"),
    "short.mp4": ("aac", 44100, f"{PAIR}:d=7"),
    "mp3.avi": ("libmp3lame", 44100, PAIR),
    "four_channels.mov": ("pcm_s16le", 48000, rf"{TURNS}|0.1*sin(999*t)|0.2*sin(99*t)*gt(t\,9)"),
    "surround.mp4": ("ac3", 48000, f"{TURNS}|0.1*sin(999*t)|0|0|0:c=5.1:d=13"),
}
WITHIN = FrameRange(30, 305)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a function that makes one of `SOURCES`."""
    folder = tmp_path_factory.mktemp("audio")

    def make(name):
        path = folder / name
        if not path.exists():
            codec, rate, *streams = SOURCES[name]
            inputs = ["-f", "lavfi", "-i", PICTURE]
            for audio_stream in streams:
                late = ("-itsoffset", "1.3") if name == "late.mkv" else ()
                expression, _, options = audio_stream.partition(":")
                generator = f"aevalsrc={expression}:s={rate}:{options or 'd=13'}"
                inputs += [*late, "-f", "lavfi", "-i", generator]
            maps = [part for n in range(len(streams) + 1) for part in ("-map", str(n))]
            ffmpeg(*inputs, *maps, "-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p",
                   "-c:a", codec, str(path))  # fmt: skip
        return probe(path)

    return make


def all_microphones(media):
    return [
        microphone
        for stream, facts in enumerate(media.audio_streams)
        for microphone in (
            Microphone(stream),
            *(Microphone(stream, channel) for channel in range(facts.channels)),
        )
    ]


def read_apart(media, within, microphone):
    return np.concatenate(list(read_audio(media, within=within, microphone=microphone)))


def rows_of(buffers):
    return [rows.read(0, len(rows)) for rows in buffers]


@pytest.mark.parametrize("name", SOURCES)
def test_microphones_read_together_are_those_read_apart(source, name):
    media = source(name)
    microphones = all_microphones(media)

    for within in (media.range, WITHIN):
        blocks = [[] for _ in microphones]
        for number, block in read_microphones(media, microphones, within=within):
            blocks[number].append(block)
        for microphone, together in zip(microphones, blocks, strict=True):
            apart = read_apart(media, within, microphone)
            assert len(apart) == within.duration * 640
            np.testing.assert_array_equal(np.concatenate(together), apart)


@pytest.mark.parametrize("name", SOURCES)
def test_a_part_has_exactly_the_samples_of_the_whole(source, name):
    media = source(name)

    for microphone in (all_microphones(media)[0], all_microphones(media)[-1]):
        part = read_apart(media, WITHIN, microphone)
        whole = read_apart(media, media.range, microphone)
        np.testing.assert_array_equal(part, whole[WITHIN.start * 640 : WITHIN.end * 640])


@pytest.mark.parametrize(
    ("name", "selection", "expected"),
    [
        ("mono.mp4", {}, [Microphone(0)]),
        ("stereo.mp4", {}, [Microphone(0)]),
        ("two_microphones.mov", {}, [Microphone(0, 0), Microphone(0, 1)]),
        ("opus.mkv", {"mixed": True}, [Microphone(0)]),
        ("several_streams.mp4", {"stream": 2, "channel": 1}, [Microphone(1, 0)]),
        ("silent_first_stream.ts", {}, [Microphone(1)]),
        ("gap.mkv", {}, [Microphone(0)]),
    ],
)
def test_the_analysis_is_that_of_the_microphones_read_apart(source, name, selection, expected):
    media = source(name)

    analysis = analyze_audio(media, WITHIN, AudioSelection(**selection))

    assert analysis.voice.microphones == tuple(expected)
    apart = [read_apart(media, WITHIN, microphone) for microphone in expected]
    at_ticks = np.max([voice_activity(pcm) for pcm in apart], axis=0)
    at_frames = to_source_frames(at_ticks, 0, 0, WITHIN.duration, media.rate)
    np.testing.assert_array_equal(analysis.voice.probability, at_frames)
    assert analysis.voice.start == WITHIN.start
    for rows, pcm in zip(rows_of(analysis.mfcc), apart, strict=True):
        np.testing.assert_array_equal(rows, compute_mfcc(pcm).astype(np.float32))
    for rows, alone in zip(
        rows_of(analysis.mfcc), rows_of(compute_mfcc_of(media, WITHIN, expected)), strict=True
    ):
        np.testing.assert_array_equal(rows, alone)


@pytest.mark.parametrize(
    ("name", "selection", "passes"),
    [
        ("mono.mp4", {}, 1),
        ("stereo.mp4", {}, 1),
        ("several_streams.mp4", {"stream": 2}, 2),
        ("several_streams.mp4", {"mixed": True}, 1),
        ("two_microphones.mov", {}, 2),
        ("two_microphones.mov", {"channel": 2}, 1),
    ],
)
def test_the_file_is_decoded_once_unless_the_probable_microphone_is_wrong(
    source, name, selection, passes, monkeypatch
):
    media, decode_audio, calls = source(name), audio.decode_audio, []

    def counted(*arguments, **options):
        calls.append(arguments)
        return decode_audio(*arguments, **options)

    monkeypatch.setattr(audio, "decode_audio", counted)
    progress = []
    detect_voice(media, WITHIN, AudioSelection(**selection), lambda *done: progress.append(done))

    assert len(calls) == passes
    assert progress[-1] == (WITHIN.duration, WITHIN.duration)
    assert all(0 <= done <= total for done, total in progress)


@pytest.mark.parametrize(
    ("name", "most_s"), [("two_microphones.mov", 10 + 2 * 11), ("stereo.mp4", 11)]
)
def test_the_mix_of_several_microphones_is_not_analyzed_to_the_end(
    source, name, most_s, monkeypatch
):
    media, push, lengths = source(name), VoiceThread.push, []
    without = analyze_audio(media, WITHIN, AudioSelection())

    def counted(self, pcm):
        lengths.append(len(pcm))
        push(self, pcm)

    monkeypatch.setattr(VoiceThread, "push", counted)
    monkeypatch.setattr(audio_analysis, "FIRST_CHECK_S", 5)
    analysis = analyze_audio(media, WITHIN, AudioSelection())

    assert sum(lengths) == most_s * 16000
    np.testing.assert_array_equal(analysis.voice.probability, without.voice.probability)
    assert analysis.voice.microphones == without.voice.microphones


def test_a_mix_that_is_needed_after_all_is_analyzed(source, monkeypatch):
    media = source("stereo.mp4")
    without = analyze_audio(media, WITHIN, AudioSelection())

    monkeypatch.setattr(audio_analysis, "FIRST_CHECK_S", 5)
    monkeypatch.setattr(audio_analysis, "independent_channels", lambda levels: [0, 1])
    analysis = analyze_audio(media, WITHIN, AudioSelection())

    np.testing.assert_array_equal(analysis.voice.probability, without.voice.probability)
    for rows, expected in zip(rows_of(analysis.mfcc), rows_of(without.mfcc), strict=True):
        np.testing.assert_array_equal(rows, expected)
