"""The 25 Hz grid: no drift, and back to the source's frames."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otio_speakerzoom.speech.ticks import frames_at_ticks, to_source_frames

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


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.sampled_from(RATES))
def test_a_tick_shows_the_last_frame_begun_by_half_a_tick_later(frames, rate):
    expected = []
    for tick in range(ceil(frames / rate * 25)):
        latest = Fraction(tick, 25) + Fraction(1, 50)
        expected.append(max(n for n in range(frames) if n / rate <= latest))

    assert frames_at_ticks(frames, rate).tolist() == expected


@pytest.mark.parametrize("rate", RATES)
def test_the_grid_does_not_drift_in_three_hours(rate):
    frames = floor(THREE_HOURS * rate)

    grid = frames_at_ticks(frames, rate)

    assert len(grid) == ceil(frames / rate * 25)
    for tick in [*range(0, len(grid), 7919), len(grid) - 2]:
        late = Fraction(tick, 25) - int(grid[tick]) / rate
        assert Fraction(-1, 50) <= late < 1 / rate - Fraction(1, 50)


def test_at_25_every_frame_is_a_tick():
    assert frames_at_ticks(1000, Fraction(25)).tolist() == list(range(1000))


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
