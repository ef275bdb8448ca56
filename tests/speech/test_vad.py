"""Voice activity: none in silence and noise, and the same however the audio is split."""

import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.speech.vad import VoiceThread, voice_activity


def noise(samples, amplitude=1000, seed=0):
    wave = np.random.default_rng(seed).normal(0, amplitude, samples)
    return np.clip(wave, -32768, 32767).astype(np.int16)


def vowels(seconds):
    """Return a crude voice: a gliding pitch through gliding resonances, 3.5 syllables a second."""
    time = np.arange(16000 * seconds) / 16000
    pitch = 120 * (1 + 0.15 * np.sin(2 * np.pi * 0.9 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / 16000
    glide = np.sin(2 * np.pi * 2.3 * time)
    formants = ((500 + 250 * glide, 120, 1), (1400 - 600 * glide, 150, 0.5), (2500, 200, 0.25))
    wave = np.zeros(len(time))
    for harmonic in range(1, 30):
        at = harmonic * pitch
        strength = sum(gain * np.exp(-(((at - f) / width) ** 2)) for f, width, gain in formants)
        wave += strength * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 3.5 * time) + 0.6, 0, 1)
    return (8000 * wave / np.abs(wave).max() * syllables).astype(np.int16)


def test_silence_has_no_voice():
    assert voice_activity(np.zeros(32000, np.int16)).max() < 0.5


@pytest.mark.parametrize("amplitude", [30, 1000, 8000])
def test_noise_has_no_voice_most_of_the_time(amplitude):
    assert (voice_activity(noise(48000, amplitude)) < 0.5).mean() > 0.9


def test_a_voice_between_two_silences_is_detected_where_it_is():
    silence = np.zeros(16000, np.int16)

    voice = voice_activity([silence, vowels(2), silence])

    assert voice[:24].max() < 0.5
    assert voice[30:70].mean() > 0.5
    assert voice[-12:].max() < 0.5


@given(samples=st.integers(0, 3000))
@settings(max_examples=10, deadline=None)
def test_there_is_one_value_for_every_tick_begun(samples):
    voice = voice_activity(noise(samples))

    assert voice.shape == (-(-samples // 640),)
    assert voice.dtype == np.float32
    assert ((voice >= 0) & (voice <= 1)).all()


@given(cuts=st.lists(st.integers(0, 20000), max_size=8))
@settings(max_examples=10, deadline=None)
def test_blocks_of_any_length_give_the_same_result(cuts):
    pcm = vowels(2)[:20000]

    blocks = (part for part in np.split(pcm, sorted(cuts)))

    np.testing.assert_array_equal(voice_activity(blocks), voice_activity(pcm))


def test_no_blocks_give_no_ticks():
    assert voice_activity([]).shape == (0,)


@pytest.fixture
def three_cores():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def cores_in_a_new_thread():
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(torch.get_num_threads).result()


def test_the_callers_thread_count_is_left_as_it_was(three_cores):
    voice_activity(noise(1000))

    assert torch.get_num_threads() == 3
    assert cores_in_a_new_thread() == 3


def test_it_uses_one_core_and_other_threads_every_core(three_cores, monkeypatch):
    cores = []

    def load_fake():
        return lambda chunk: float(torch.get_num_threads()) / 8

    monkeypatch.setattr("otio_speakerzoom.speech.vad._load_silero", load_fake)
    with ThreadPoolExecutor(1) as executor:
        cores.append(executor.submit(torch.get_num_threads).result())

        def blocks():
            for _ in range(9):
                yield noise(16000)
                cores.append(torch.get_num_threads())
                cores.append(executor.submit(torch.get_num_threads).result())
                cores.append(cores_in_a_new_thread())

        voice = voice_activity(blocks())

    assert (voice == 1 / 8).all()
    assert cores == [3] * 28


def test_threads_that_begin_after_it_is_made_find_every_core(monkeypatch):
    steps = []

    def use_one_core():
        time.sleep(0.1)
        steps.append("every core for the others again")

    monkeypatch.setattr("otio_speakerzoom.speech.vad._use_one_core", use_one_core)
    with closing(VoiceThread()):
        assert steps == ["every core for the others again"]


def test_an_error_of_the_detector_is_raised_and_its_thread_ends(monkeypatch):
    def load_failing():
        def fail(chunk):
            raise ArithmeticError("no probability")

        return fail

    monkeypatch.setattr("otio_speakerzoom.speech.vad._load_silero", load_failing)
    with pytest.raises(ArithmeticError, match="no probability"):
        voice_activity(noise(16000))

    assert not any("voice" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
def test_only_torchs_warning_about_sileros_format_is_suppressed(category, monkeypatch):
    load = torch.jit.load

    def loaded(*arguments, **options):
        deprecation = "`torch.jit.load` is deprecated. Please switch to `torch.export`."
        warnings.warn(deprecation, category, stacklevel=2)
        warnings.warn("the file is older than this torch", category, stacklevel=2)
        return load(*arguments, **options)

    monkeypatch.setattr("torch.jit.load", loaded)
    with warnings.catch_warnings(record=True, action="always") as caught:
        voice_activity(noise(1000))

    texts = [str(warning.message) for warning in caught]
    assert [text for text in texts if "torch" in text] == ["the file is older than this torch"]
