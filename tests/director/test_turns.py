"""Who speaks, who leads an overlap, and when a voice is off screen."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from otio_speakerzoom.director.frame_arrays import moving_average, runs
from otio_speakerzoom.director.speaker_activity import find_active_speakers
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import (
    _best_states,
    fill_pauses_and_drop_bursts,
    find_turns,
)
from otio_speakerzoom.model import (
    FrameRange,
)

RATE = Fraction(25)

odds = arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 40)),
    elements=st.floats(-4, 4, width=32),
)


def value_of_states(log_odds, voice_odds, style, states):
    """The value of a sequence of states: tuples of people, or "off_screen"."""
    total = 0.0
    for t, state in enumerate(states):
        who = () if state == "off_screen" else state
        total += sum((0.5 if n in who else -0.5) * log_odds[n, t] for n in range(len(log_odds)))
        total += voice_odds[t] / 2 * (-1 if state == () else 1)
    total /= max(1.0, float(style.smooth_seconds * RATE))
    rarity = {"off_screen": -np.log(style.off_screen_prior)}
    for before, state in pairwise([None, *states]):
        if state != before:
            total -= rarity.get(state, -np.log(style.overlap_share) if len(state) == 2 else 0)
            turn = style.expected_turn_seconds / max(style.smooth_seconds, 1 / RATE)
            total -= 0 if before is None else np.log(max(1.0, turn))
    return total


@given(
    arrays(np.float32, st.tuples(st.just(2), st.integers(1, 5)), elements=st.integers(-3, 3)),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_no_sequence_of_states_is_likelier_than_the_result(log_odds, data):
    frames = log_odds.shape[1]
    voice = data.draw(arrays(np.float32, frames, elements=st.sampled_from((0.05, 0.5, 0.95))))
    # changes cheap enough for five frames
    style = replace(Style(), expected_turn_seconds=0.1)
    speaks, off_screen = find_turns(log_odds, voice, RATE, style)
    voice_odds = np.log(voice / (1 - voice))
    log_odds = np.where(voice < 0.5, np.maximum(log_odds, 0), log_odds)  # who, in a pause?
    states = [(), "off_screen", (0,), (1,), (0, 1)]

    def every(length):
        return [[]] if not length else [[s, *rest] for s in states for rest in every(length - 1)]

    best = [
        "off_screen" if out else tuple(np.flatnonzero(who))
        for who, out in zip(speaks.T, off_screen, strict=True)
    ]
    values = [value_of_states(log_odds, voice_odds, style, path) for path in every(frames)]
    assert value_of_states(log_odds, voice_odds, style, best) == pytest.approx(
        max(values), abs=1e-4
    )


def frame_by_frame(reward, change_cost, rarity):
    """The states with the highest sum, every state followed through every frame."""
    value, came_from = reward[:, 0] - rarity, []
    for gain in reward.T[1:]:
        entry = value.max() - (change_cost + rarity)
        came_from.append(np.where(value >= entry, np.arange(len(value)), value.argmax()))
        value = np.maximum(value, entry) + gain
    path = [int(value.argmax())]
    for before in reversed(came_from):
        path.append(int(before[path[-1]]))
    return path[::-1]


@given(st.integers(0, 10_000), st.sampled_from((0.0, 0.5, 4.0)), st.sampled_from((0.0, 0.3, 1.0)))
@settings(max_examples=60, deadline=None)
def test_runs_of_a_clear_state_change_nothing(seed, change_cost, noise):
    rng = np.random.default_rng(seed)
    reward = rng.choice([-0.6, 0.0, 0.6], (4, 40)).repeat(25, axis=1)
    reward += noise * rng.normal(size=reward.shape)
    rarity = rng.choice([0.0, 1.6], 4)

    states = _best_states(reward, change_cost, rarity)
    assert states.tolist() == frame_by_frame(reward, change_cost, rarity)


@given(odds, st.floats(0.01, 3))
@settings(deadline=None)
def test_a_higher_threshold_never_adds_speech(log_odds, threshold):
    lower, _ = find_turns(log_odds, None, RATE, Style())
    higher, _ = find_turns(log_odds, None, RATE, replace(Style(), speech_threshold=threshold))

    assert higher.sum() <= lower.sum()


@given(arrays(np.bool_, st.integers(0, 200)), st.integers(1, 30), st.integers(1, 30))
def test_no_pause_and_no_stretch_of_speech_is_too_short(speech, min_pause, min_speech):
    stretches = runs(
        fill_pauses_and_drop_bursts(speech, min_pause=min_pause, min_speech=min_speech)
    )

    assert all(end - start >= min_speech for start, end in stretches)
    # dropping a burst can only widen a gap
    assert all(after[0] - before[1] >= min_pause for before, after in pairwise(stretches))


def test_a_face_with_even_scores_speaks_where_there_is_a_voice_and_nobody_else_speaks():
    log_odds = np.full((2, 150), -4, np.float32)
    log_odds[0, :50] = log_odds[0, 100:] = 4
    log_odds[1, 50:100] = 0.5
    voice, no_voice = np.full(150, 0.99, np.float32), np.full(150, 0.99, np.float32)
    no_voice[50:100] = 0.01

    assert find_turns(log_odds, voice, RATE, Style())[0][1, 52:98].all()
    assert not find_turns(log_odds, no_voice, RATE, Style())[0][1].any()


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(60), Fraction(120)])
def test_the_frame_rate_does_not_decide_whether_a_turn_counts(rate):
    frames = [round(seconds * rate) for seconds in (3, 4, 7)]
    log_odds = np.full((2, frames[2]), -1, np.float32)
    log_odds[0] = 0.2
    log_odds[:, frames[0] : frames[1]] = [[-1], [0.2]]
    speaks, _ = find_turns(log_odds, np.full(frames[2], 0.99, np.float32), rate, Style())

    assert runs(speaks[1]) == [(frames[0], frames[1])]


def test_a_voice_without_a_speaking_face_is_off_screen():
    log_odds = np.full((2, 150), -4, np.float32)
    voice = np.zeros(150, np.float32)
    voice[50:100] = 0.99
    speaks, off_screen = find_turns(log_odds, voice, RATE, Style())

    assert not speaks.any()
    assert runs(off_screen) == [(50, 100)]


def test_a_pause_in_a_turn_in_doubt_does_not_make_its_voice_off_screen():
    log_odds = np.full((2, 200), -3, np.float32)
    log_odds[0] = 0.5
    log_odds[0, 90:100] = -3
    voice = np.full(200, 0.99, np.float32)
    voice[90:100] = 0.1
    log_odds[0, 150:] = np.nan  # and then a voice off screen
    speaks, off_screen = find_turns(log_odds, voice, RATE, Style())

    assert speaks[0, :90].all()
    assert speaks[0, 100:150].all()
    assert runs(off_screen) == [(150, 200)]


def test_a_frame_without_a_face_is_not_speech():
    log_odds = np.full((1, 100), 4, np.float32)
    log_odds[0, 40:70] = np.nan

    assert runs(find_turns(log_odds, None, RATE, Style())[0][0]) == [(0, 40), (70, 100)]
    assert np.isnan(moving_average(log_odds[0], 5)[40:70]).all()


def test_a_moving_average_is_centred_and_leaves_out_nan():
    scores = np.array([0, 3, 6, np.nan, 9], np.float32)

    assert moving_average(scores, 3).tolist()[:3] == pytest.approx([1.5, 3, 4.5])


def overlap(first, second, **style):
    """Two people who speak from 0 and 50 to 100 and 150 of 200 frames, with these log odds."""
    log_odds = np.full((2, 200), -4, np.float32)
    log_odds[0, :100], log_odds[1, 50:150] = first, second
    visible = np.ones_like(log_odds, bool)
    return find_active_speakers(
        log_odds, visible, None, FrameRange(0, 200), RATE, replace(Style(), **style)
    )


def test_the_highest_score_leads_an_overlap_and_nobody_a_tie():
    assert overlap(2, 3).leads[:, 75].tolist() == [False, True]
    assert overlap(3, 2.8).leads[:, 75].tolist() == [False, False]
    assert overlap(3, 2, overlap="longest").leads[:, 75].tolist() == [True, False]


def test_an_overlap_too_short_to_count_belongs_to_the_leader():
    activity = overlap(3, 2, min_overlap_seconds=3)

    assert activity.speaks.sum(axis=0).max() == 1
    assert activity.speaks[0, :100].all()
