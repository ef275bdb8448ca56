"""Choosing the microphones of a source, tested with tones on its channels and streams."""

import subprocess

import numpy as np
import pytest
from conftest import find_ffmpeg

from otio_speakerzoom import source
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioSelection, Microphone
from otio_speakerzoom.speech.audio_analysis import analyze_audio
from otio_speakerzoom.speech.audio_channels import independent_channels

RATE = 48000


def turns(*, own, other):
    """(2, 6 s) two tones in turns of a second, each louder in its own channel."""
    t = np.arange(6 * RATE) / RATE
    first = t % 2 < 1
    tone = 8000 * np.sin(2 * np.pi * np.where(first, 300, 500) * t)
    return np.stack([tone * np.where(first, own, other), tone * np.where(first, other, own)])


@pytest.fixture(scope="module")
def with_audio(tmp_path_factory):
    """Return a function that makes a clip with these audio streams, each (channels, samples)."""
    folder = tmp_path_factory.mktemp("microphones")

    def make(name, *streams):
        inputs = ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=6"]
        for number, samples in enumerate(streams):
            raw = folder / f"{name}{number}.raw"
            raw.write_bytes(samples.T.astype("<i2").tobytes())
            inputs += ["-f", "s16le", "-ar", str(RATE), "-ac", str(len(samples)), "-i", str(raw)]
        maps = [part for n in range(len(streams) + 1) for part in ("-map", str(n))]
        path = folder / f"{name}.mov"
        command = [find_ffmpeg(), "-v", "error", "-y", *inputs, *maps, "-c:a", "pcm_s16le"]
        subprocess.run([*command, str(path)], check=True)
        return source.probe(path)

    return make


@pytest.fixture(scope="module")
def two_microphones(with_audio):
    return with_audio("two", turns(own=1, other=0.2))


def choose(source, **selection):
    return analyze_audio(source, source.range, AudioSelection(**selection)).voice.microphones


def test_each_talkers_microphone_is_used_separately(two_microphones, caplog):
    caplog.set_level("INFO")

    assert choose(two_microphones) == (Microphone(0, 0), Microphone(0, 1))
    assert "2 microphones (stream 1, channel 1; stream 1, channel 2)" in caplog.text


def test_a_stereo_pair_is_mixed(with_audio):
    assert choose(with_audio("pair", turns(own=1, other=0.7))) == (Microphone(0),)


def test_microphones_may_be_separate_streams(with_audio):
    left, right = turns(own=1, other=0.1)
    source = with_audio("streams", left[None], right[None])

    assert [stream.channels for stream in source.audio_streams] == [1, 1]
    assert choose(source) == (Microphone(0, 0), Microphone(1, 0))
    assert choose(source, stream=2) == (Microphone(1),)


def test_a_silent_first_stream_is_skipped(with_audio, caplog):
    caplog.set_level("INFO")
    talk = turns(own=1, other=1)
    source = with_audio("camera", np.zeros_like(talk), talk)

    assert choose(source) == (Microphone(1),)
    assert "stream 1 is silent; using stream 2" in caplog.text


def test_if_all_is_silent_the_first_stream_is_used(with_audio):
    assert choose(with_audio("silence", np.zeros((2, 6 * RATE)))) == (Microphone(0),)


def test_the_selected_channel_is_read(two_microphones):
    assert choose(two_microphones, mixed=True) == (Microphone(0),)
    (right,) = choose(two_microphones, channel=2)

    def levels(microphone):
        audio = np.concatenate(list(source.read_audio(two_microphones, microphone=microphone)))
        return np.abs(audio.reshape(6, -1).astype(float)).mean(axis=1)

    assert right == Microphone(0, 1)
    assert levels(right)[1] == pytest.approx(5 * levels(right)[0], rel=0.05)
    both = levels(Microphone(0))
    assert both[1] == pytest.approx(both[0], rel=0.05)


@pytest.mark.parametrize(
    ("selection", "message"),
    [({"stream": 2}, "--audio-stream 2: there is no such stream; choose 1"),
     ({"channel": 3}, "audio stream 1 has no channel 3; --channels takes 1 to 2 or mix")],
)  # fmt: skip
def test_a_missing_stream_or_channel_is_refused(two_microphones, selection, message):
    with pytest.raises(MediaError, match=message):
        choose(two_microphones, **selection)


def test_silent_channels_and_copies_of_another_do_not_count():
    talk = np.where(np.arange(200) // 20 % 2, -20.0, -40.0)
    levels = np.stack([talk, talk - 6, np.full(200, -80.0), -60 - talk])

    assert independent_channels(levels.astype(np.float32)) == [0, 3]
