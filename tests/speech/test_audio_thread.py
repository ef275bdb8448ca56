"""The audio thread gives its results to others as soon as they are final, or its error."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for

import numpy as np
import pytest
from conftest import ffmpeg

from otio_speakerzoom import source as source_file
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioSelection, FrameRange
from otio_speakerzoom.source import probe, read_microphones
from otio_speakerzoom.speech.audio_analysis import AudioPasses, analyze_audio
from otio_speakerzoom.speech.audio_thread import AudioCancelledError, AudioThread
from otio_speakerzoom.speech.mfcc import read_mfcc

WITHIN = FrameRange(10, 600)
TICKS = 590


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    """Two microphones, for 24 s."""
    path = tmp_path_factory.mktemp("audio") / "two.mov"
    turns = r"0.4*sin(600*PI*t)*lt(mod(t\,4)\,2)|0.4*sin(999*PI*t)*gte(mod(t\,4)\,2)"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=24", "-f", "lavfi", "-i",
           f"aevalsrc={turns}:s=48000:d=24", "-c:a", "pcm_s16le", str(path))  # fmt: skip
    return probe(path)


@pytest.fixture
def gate(monkeypatch):
    """Let the audio pass block by block: a semaphore, released once for each."""
    gate = threading.Semaphore(0)

    def gated(*arguments, **options):
        for item in read_microphones(*arguments, **options):
            gate.acquire()
            yield item

    monkeypatch.setattr(source_file, "read_microphones", gated)
    return gate


@pytest.fixture
def in_thread():
    """Return a function that calls another in a thread, and returns the future of its result."""
    with ThreadPoolExecutor(4) as executor:
        yield executor.submit


def is_waiting(future: Future[object]) -> bool:
    wait_for([future], timeout=0.3)
    return not future.done()


def whole_mfcc(analysis):
    return np.stack([read_mfcc(rows, 0, TICKS) for rows in analysis.mfcc])


@pytest.mark.parametrize("selection", [AudioSelection(), AudioSelection(mixed=True)])
def test_the_thread_returns_what_the_function_returns(media, selection):
    expected = analyze_audio(media, WITHIN, selection)
    voices, progress = [], []

    with AudioThread(
        AudioPasses(media, WITHIN, selection),
        on_voice=voices.append,
        on_progress=lambda *done: progress.append(done),
    ) as audio:
        np.testing.assert_array_equal(audio.read_mfcc(0, TICKS), whole_mfcc(expected))
        np.testing.assert_array_equal(audio.read_mfcc(99, 50), whole_mfcc(expected)[:, 396:596])
        voice = audio.voice()

    np.testing.assert_array_equal(voice.probability, expected.voice.probability)
    assert voice.microphones == expected.voice.microphones
    assert voices == [voice]
    assert progress[-1] == (WITHIN.duration, WITHIN.duration)


def test_with_a_cached_voice_activity_only_the_mfcc_are_computed(media, monkeypatch):
    expected = analyze_audio(media, WITHIN, AudioSelection())
    monkeypatch.setattr("otio_speakerzoom.speech.vad._load_silero", None)  # which fails if called

    passes = AudioPasses(media, WITHIN, AudioSelection(), voice=expected.voice)
    with AudioThread(passes) as audio:
        assert audio.voice() is expected.voice
        np.testing.assert_array_equal(audio.read_mfcc(0, TICKS), whole_mfcc(expected))


def test_rows_of_a_certain_microphone_are_returned_at_once(media, gate, in_thread):
    passes = AudioPasses(media, WITHIN, AudioSelection(channel=2))
    with AudioThread(passes) as audio:
        first, second = in_thread(audio.read_mfcc, 0, 240), in_thread(audio.read_mfcc, 200, 240)
        voice = in_thread(audio.voice)
        gate.release()  # the first ten seconds
        assert first.result(timeout=20).shape == (1, 960, 13)
        assert is_waiting(second)
        gate.release()
        assert second.result(timeout=20).shape == (1, 960, 13)
        assert is_waiting(voice)
        gate.release(9)
        assert voice.result(timeout=20).microphones[0].channel == 1


def test_rows_are_not_returned_before_the_microphones_are_certain(media, gate, in_thread):
    with AudioThread(AudioPasses(media, WITHIN, AudioSelection())) as audio:
        rows = in_thread(audio.read_mfcc, 0, 100)
        gate.release(8)  # of nine blocks: two channels and their mix, three of each
        assert is_waiting(rows)
        gate.release(3)  # of the second pass, the first block of both channels
        assert rows.result(timeout=20).shape == (2, 400, 13)
        gate.release(9)


def test_an_error_reaches_all_who_wait(media, monkeypatch, in_thread):
    may_fail = threading.Event()

    def failing(*_, **options):
        yield 0, np.zeros(160000, np.int16)
        may_fail.wait()
        raise MediaError("the disk is gone")

    monkeypatch.setattr(source_file, "read_microphones", failing)
    with AudioThread(AudioPasses(media, WITHIN, AudioSelection(mixed=True))) as audio:
        waiting = [in_thread(audio.voice), in_thread(audio.read_mfcc, 300, 25)]
        assert all(is_waiting(future) for future in waiting)
        may_fail.set()
        for future in waiting:
            with pytest.raises(MediaError, match="the disk is gone"):
                future.result(timeout=20)
        with pytest.raises(MediaError):
            audio.voice()


def test_an_error_while_the_voice_activity_is_saved_is_raised_too(media):
    def fail(voice):
        raise OSError("no space")

    passes = AudioPasses(media, WITHIN, AudioSelection(mixed=True))
    with AudioThread(passes, on_voice=fail) as audio, pytest.raises(OSError, match="no space"):
        audio.voice()


def test_cancelling_ends_the_thread_and_releases_those_who_wait(media, gate, in_thread):
    voices = []
    passes = AudioPasses(media, WITHIN, AudioSelection())
    with AudioThread(passes, on_voice=voices.append) as audio:
        waiting = [in_thread(audio.voice), in_thread(audio.read_mfcc, 0, 1)]
        assert all(is_waiting(future) for future in waiting)
        audio.cancel()
        for future in waiting:
            with pytest.raises(AudioCancelledError):
                future.result(timeout=20)
        gate.release()  # the block that it is at

    assert voices == []
    names = [thread.name for thread in threading.enumerate()]
    assert not any(name.startswith(("audio", "voice")) for name in names)


def test_leaving_early_does_not_wait_for_the_end_of_the_film(media, monkeypatch):
    blocks = []

    def endless(*_, **options):
        while True:
            time.sleep(0.01)
            blocks.append(1)
            yield 0, np.zeros(1600, np.int16)

    monkeypatch.setattr(source_file, "read_microphones", endless)
    passes = AudioPasses(media, WITHIN, AudioSelection(mixed=True))
    with pytest.raises(KeyboardInterrupt), AudioThread(passes):
        raise KeyboardInterrupt

    assert len(blocks) <= 2
