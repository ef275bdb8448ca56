import sys
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dct

from otio_speakerzoom.speech.features import (
    LOWER_FACE,
    WHOLE_BOX,
    CropRecipe,
    crop_face,
    grid_frames,
    mfcc,
    mfcc_rows,
    smooth_boxes,
    to_source_frames,
)

PARITY = Path(__file__).parents[3] / "shared" / "parity"
RATES = [
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
]
THREE_HOURS = 3 * 3600


def noise(samples, seed=0):
    return np.random.default_rng(seed).normal(0, 3000, samples).astype(np.int16)


# --- MFCC --------------------------------------------------------------------------------------


def textbook_mfcc(pcm):
    """The same cepstra, as a textbook writes them: one row, one filter, one bin at a time."""
    sound = [float(x) for x in pcm]
    sharp = [x - 0.97 * before for x, before in zip(sound, [0.0, *sound], strict=False)]
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

    np.testing.assert_allclose(mfcc(pcm), textbook_mfcc(pcm), rtol=0, atol=1e-9)


def test_a_second_of_sound_has_99_rows():
    assert mfcc(noise(16000)).shape == (99, 13)


@pytest.mark.parametrize("block_rows", [1, 7, 100, 198])
def test_mfcc_in_blocks_is_mfcc_in_one_go(block_rows):
    pcm = noise(32000)

    np.testing.assert_allclose(mfcc(pcm, block_rows=block_rows), mfcc(pcm), rtol=0, atol=1e-10)


def test_silence_and_no_sound_at_all_are_finite():
    silence = mfcc(np.zeros(1000, np.int16))

    assert np.isfinite(silence).all()
    np.testing.assert_array_equal(mfcc(np.zeros(0, np.int16)), silence[:1])


@pytest.mark.weights
def test_mfcc_agrees_with_python_speech_features():
    sys.path.insert(0, str(PARITY))
    try:
        generated = pytest.importorskip("generated_weights", reason=f"no parity data in {PARITY}")
    finally:
        sys.path.remove(str(PARITY))
    stored = np.load(PARITY / "mfcc.npz")

    made = mfcc(generated.sound(int(stored["frames"]), int(stored["seed"])))

    np.testing.assert_allclose(made, stored["mfcc"], rtol=0, atol=1e-9)


@given(st.integers(1, 30), st.integers(0, 30))
def test_every_tick_has_four_rows(frames, start):
    features = np.arange(119.0)[:, None] * np.ones(13)  # of 30 ticks, which lack the last row

    rows = mfcc_rows(features, frames, start=start)

    assert rows.shape == (4 * frames, 13)
    expected = [min(row, 118) for row in range(4 * start, 4 * (start + frames))]
    assert rows[:, 0].tolist() == expected


# --- boxes and crops ---------------------------------------------------------------------------


def test_smoothing_leaves_a_still_face_alone():
    boxes = np.tile(np.float32([10, 20, 110, 140]), (30, 1))

    np.testing.assert_array_equal(smooth_boxes(boxes), boxes)


@pytest.mark.parametrize("frames", [1, 5, 13, 40])
def test_the_first_box_of_a_moving_face_does_not_lag(frames):
    boxes = np.float32([100, 100, 150, 160]) + np.float32([4, 2, 4, 2]) * np.arange(frames)[:, None]

    smooth = smooth_boxes(boxes.astype(np.float32))

    # An edge-padded running median of a straight line is that line, ends included.
    np.testing.assert_allclose(smooth, boxes, atol=1e-3)


def test_smoothing_removes_a_jump_shorter_than_half_the_kernel():
    boxes = np.tile(np.float32([10, 20, 110, 140]), (30, 1))
    jumped = boxes.copy()
    jumped[12:18] += 300

    np.testing.assert_array_equal(smooth_boxes(jumped), boxes)


def chart(axis):
    """A 400 by 400 picture in which a pixel's value is its place along `axis`, halved."""
    ramp = np.arange(400) / 2
    return np.broadcast_to(ramp if axis else ramp[:, None], (400, 400)).round().astype(np.uint8)


RECIPES = [
    (WHOLE_BOX, (150 - 72, 200 - 48, 144, 96)),
    (LOWER_FACE, (150 - 42, 200 + 24 - 42, 84, 84)),
    (CropRecipe(scale=2.2, shift=0.0, square=True), (18, 68, 264, 264)),
]


@pytest.mark.parametrize(("recipe", "region"), RECIPES)
def test_a_crop_shows_the_region_its_recipe_names(recipe, region):
    box = np.float32([90, 160, 210, 240])  # 120 wide, 80 high, around 150, 200
    left, top, width, height = region
    middle = (np.arange(112) + 0.5) / 112  # of each crop pixel, along its region

    across = crop_face(chart(1), box, recipe)
    down = crop_face(chart(0), box, recipe)

    # A source pixel n has its middle at n + 0.5; the chart's own rounding is half a gray level.
    assert np.abs(across - (left + width * middle - 0.5) / 2).max() <= 1
    assert np.abs(down - (top + height * middle - 0.5)[:, None] / 2).max() <= 1


def test_a_crop_of_its_own_size_is_the_picture_untouched():
    picture = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)

    cropped = crop_face(picture, np.float32([30, 40, 142, 152]), CropRecipe(1.0, 0.0, square=True))

    np.testing.assert_array_equal(cropped, picture[40:152, 30:142])


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_large_face_is_averaged_not_sampled(factor):
    side = 112 * factor
    picture = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    means = picture.reshape(112, factor, 112, factor).mean(axis=(1, 3))

    cropped = crop_face(picture, np.float32([0, 0, side, side]), CropRecipe(1.0, 0.0, square=True))

    assert np.abs(cropped - means).max() <= 1


def test_outside_the_picture_is_gray():
    picture = np.zeros((100, 100), np.uint8)

    away = crop_face(picture, np.float32([500, 500, 600, 600]), WHOLE_BOX)
    corner = crop_face(picture, np.float32([-50, -50, 50, 50]), WHOLE_BOX)

    assert (away == 110).all()
    assert (corner[:50] == 110).all()
    assert (corner[62:, 62:] == 0).all()


# --- the 25 Hz grid ----------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.sampled_from(RATES))
def test_a_tick_shows_the_last_frame_begun_by_half_a_tick_later(frames, rate):
    expected = []
    for tick in range(ceil(frames / rate * 25)):
        latest = Fraction(tick, 25) + Fraction(1, 50)
        expected.append(max(n for n in range(frames) if n / rate <= latest))

    assert grid_frames(frames, rate).tolist() == expected


@pytest.mark.parametrize("rate", RATES)
def test_the_grid_does_not_drift_in_three_hours(rate):
    frames = floor(THREE_HOURS * rate)

    grid = grid_frames(frames, rate)

    assert len(grid) == ceil(frames / rate * 25)
    for tick in [*range(0, len(grid), 7919), len(grid) - 2]:
        late = Fraction(tick, 25) - int(grid[tick]) / rate
        assert Fraction(-1, 50) <= late < 1 / rate - Fraction(1, 50)


def test_at_25_every_frame_is_a_tick():
    assert grid_frames(1000, Fraction(25)).tolist() == list(range(1000))


@pytest.mark.parametrize("rate", RATES)
def test_scores_return_to_source_frames_without_drift(rate):
    ticks, start = 25 * 60, 25 * (THREE_HOURS - 60)
    first = ceil(Fraction(start, 25) * rate)
    frames = floor(58 * rate)
    slow = np.arange(ticks, dtype=np.float32)  # a score that is its own tick

    spread = to_source_frames(slow, start, first, frames, rate)

    exact = [float(25 * n / rate - start) for n in range(first, first + frames)]
    np.testing.assert_allclose(spread, exact, rtol=0, atol=2e-4)  # float32 of up to 1500


def test_outside_the_scored_ticks_the_outermost_score_holds():
    spread = to_source_frames(np.float32([1, 3]), 10, 0, 50, Fraction(50))

    assert (spread[:21] == 1).all()
    assert spread[21] == 2
    assert (spread[22:] == 3).all()


def test_no_scores_cannot_be_spread():
    with pytest.raises(ValueError, match="at least one score"):
        to_source_frames(np.zeros(0, np.float32), 0, 0, 10, Fraction(25))
