"""MFCC against a textbook, python_speech_features, and itself in blocks."""

import sys
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct

from otio_speakerzoom.speech.mfcc import MfccStream, compute_mfcc, mfcc_at_ticks

PARITY = Path(__file__).parents[3] / "shared" / "parity"


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


def textbook_mfcc(pcm):
    """The same MFCC, as a textbook writes them: one row, one filter, one bin at a time."""
    samples = [float(x) for x in pcm]
    sharp = [x - 0.97 * before for x, before in zip(samples, [0.0, *samples], strict=False)]
    count = 1 if len(sharp) <= 400 else 1 + ceil((len(sharp) - 400) / 160)
    sharp += [0.0] * (400 + 160 * count - len(sharp))
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28)
    corners = [floor(513 * 700 * (10 ** (mel / 2595) - 1) / 16000) for mel in mels]
    rows = []
    for row in range(count):
        power = np.abs(np.fft.fft(sharp[160 * row : 160 * row + 400], 512)[:257]) ** 2 / 512
        bands = []
        for left, peak, right in zip(corners, corners[1:], corners[2:], strict=False):
            band = sum(power[k] * (k - left) / (peak - left) for k in range(left, peak))
            band += sum(power[k] * (right - k) / (right - peak) for k in range(peak, right))
            bands.append(np.log(band or np.finfo(float).eps))
        cepstrum = dct(np.array(bands), type=2, norm="ortho")[:13]
        cepstrum *= [1 + 11 * np.sin(np.pi * n / 22) for n in range(13)]
        cepstrum[0] = np.log(power.sum() or np.finfo(float).eps)
        rows.append(cepstrum)
    return np.array(rows)


@pytest.mark.parametrize("samples", [1, 399, 400, 401, 560, 561, 5000])
def test_mfcc_agrees_with_the_textbook(samples):
    pcm = noise(samples)

    np.testing.assert_allclose(compute_mfcc(pcm), textbook_mfcc(pcm), rtol=0, atol=1e-9)


def test_a_second_of_audio_has_99_rows():
    assert compute_mfcc(noise(16000)).shape == (99, 13)


@pytest.mark.parametrize("block_rows", [1, 7, 100, 198])
def test_mfcc_in_blocks_is_mfcc_in_one_pass(block_rows):
    pcm = noise(32000)

    np.testing.assert_allclose(
        compute_mfcc(pcm, block_rows=block_rows), compute_mfcc(pcm), rtol=0, atol=1e-10
    )


def test_silence_and_empty_audio_are_finite():
    silence = compute_mfcc(np.zeros(1000, np.int16))

    assert np.isfinite(silence).all()
    np.testing.assert_array_equal(compute_mfcc(np.zeros(0, np.int16)), silence[:1])


@pytest.mark.weights
def test_mfcc_agrees_with_python_speech_features():
    sys.path.insert(0, str(PARITY))
    try:
        generated = pytest.importorskip("generated_weights", reason=f"no parity data in {PARITY}")
    finally:
        sys.path.remove(str(PARITY))
    stored = np.load(PARITY / "mfcc.npz")

    actual = compute_mfcc(generated.sound(int(stored["frames"]), int(stored["seed"])))

    np.testing.assert_allclose(actual, stored["mfcc"], rtol=0, atol=1e-9)


@given(st.integers(1, 30), st.integers(0, 30))
def test_every_tick_has_four_rows(ticks, start):
    mfcc = np.arange(119.0)[:, None] * np.ones(13)  # of 30 ticks, which lack the last row

    rows = mfcc_at_ticks(mfcc, ticks, start=start)

    assert rows.shape == (4 * ticks, 13)
    expected = [min(row, 118) for row in range(4 * start, 4 * (start + ticks))]
    assert rows[:, 0].tolist() == expected


@given(st.integers(1, 20_000), st.integers(1, 7000))
@settings(deadline=None, max_examples=60)
def test_mfcc_of_streamed_blocks_is_mfcc_of_the_whole(samples, block):
    pcm = np.random.default_rng(samples).normal(0, 3000, samples).astype(np.int16)

    stream = MfccStream()
    for start in range(0, samples, block):
        stream.push(pcm[start : start + block])
    stream.finish()

    rows = stream.rows.read(0, len(stream.rows))
    assert rows == pytest.approx(compute_mfcc(pcm).astype(np.float32), abs=1e-5)
