"""Who speaks when: the likeliest sequence of turns in the whole conversation (Viterbi).

In each frame the conversation is in one state: nobody speaks, one person does, two do, or a voice
off screen does. The reward of a state comes from the faces' log odds and from those of a voice: a
face with a score around even counts as speaking where there is a voice and no other face speaks.
In a pause a low score says only that nobody is heard, not who had the floor, so it counts as even:
a short pause within a turn does not give its rest to a voice off screen. Neighbouring frames carry
nearly the same evidence, so all frames of `smooth_seconds` count as one observation. The state
changes about once in `expected_turn_seconds`, so each change costs the log of the observations in
that time, at any frame rate; an overlap and a voice off screen are rarer and cost more. Dynamic
programming finds the sequence of states with the highest sum.

Thresholds with hysteresis, person by person, were tried too: they miss a turn whose scores are only
a little above even, even if there is a voice and nobody else can be speaking.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations
from operator import ge

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.style import Style

MAX_LOG_ODDS = 3.0
"""Log odds are clipped to this (P = .95), so that a few frames never outweigh a second."""

ABSENT_LOG_ODDS = -9.0
"""Log odds of a face that is not visible: three times the clipped maximum."""

MIN_VOICE = 0.5
"""Probability from which a voice is heard."""

MIN_MARGIN = 1e-6
"""Difference of two rewards that rounding cannot hide: sums of 1e8 are rounded to 1e-8."""

SILENCE, OFF_SCREEN, SINGLE = 0, 1, 2
"""States: nobody speaks, a voice off screen, and the first of those in which one person speaks; the
states in which two do follow."""


def find_turns(
    odds: NDArray[np.float32], voice: NDArray[np.float32] | None, rate: Fraction, style: Style
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (P, T) who speaks in each frame, and (T,) where a voice is off screen.

    `odds` are (P, T) calibrated log odds, NaN where a face is not visible; `voice` is the (T,)
    probability of voice, None where it is unknown.
    """
    people = len(odds)
    clipped = np.clip(odds - style.speech_threshold, -MAX_LOG_ODDS, MAX_LOG_ODDS)
    if voice is not None:
        clipped = np.where(voice < MIN_VOICE, np.maximum(clipped, 0), clipped)
    log_odds = np.where(np.isnan(odds), ABSENT_LOG_ODDS, clipped)
    pairs = [
        (a, b)
        for a, b in combinations(range(people), 2)
        if ((log_odds[a] > 0) & (log_odds[b] > 0)).any()
    ]
    speakers = [(), (), *((n,) for n in range(people)), *pairs]  # of each state
    reward = _rewards(log_odds, _voice_log_odds(voice, odds.shape[1]), speakers)
    reward /= max(1.0, float(style.smooth_seconds * rate))
    rarity = np.zeros(len(speakers))
    rarity[OFF_SCREEN] = -np.log(style.off_screen_prior)
    rarity[SINGLE + people :] = -np.log(style.overlap_share)
    observations = style.expected_turn_seconds * rate / max(1, style.smooth_seconds * rate)
    change_cost = np.log(max(1.0, float(observations)))
    states = _best_states(reward, change_cost, rarity)
    speaks_in = np.array([[n in group for group in speakers] for n in range(people)], bool)
    return speaks_in.reshape(people, len(speakers))[:, states], states == OFF_SCREEN


def _rewards(
    log_odds: NDArray[np.float32],
    voice: NDArray[np.float64],
    speakers: Sequence[tuple[int, ...]],
) -> NDArray[np.float64]:
    """Return the (S, T) reward of each state: half of each log odds, negative where it says no."""
    faces = log_odds.astype(float)
    nobody = -faces.sum(axis=0) / 2
    reward = np.empty((len(speakers), len(nobody)))
    for state, group in enumerate(speakers):
        row = reward[state]
        row[:] = nobody
        for n in group:
            row += faces[n]
        row += -voice / 2 if state == SILENCE else voice / 2
    return reward


def _voice_log_odds(voice: NDArray[np.float32] | None, frames: int) -> NDArray[np.float64]:
    """Return (T,) clipped log odds of a voice; 0 where it is unknown."""
    if voice is None:
        return np.zeros(frames)
    highest = 1 / (1 + np.exp(-MAX_LOG_ODDS))
    probability = np.clip(voice.astype(float), 1 - highest, highest)
    return np.log(probability / (1 - probability))


def _best_states(
    reward: NDArray[np.float64], change_cost: float, rarity: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the (T,) states with the highest sum of (S, T) `reward`, less the cost of changes.

    To enter state s from any other costs `change_cost + rarity[s]`. In most frames the reward of
    one state is so high that each other one is best entered from it anew. Through a run of such
    frames we follow only that state.
    """
    states, frames = reward.shape
    value, costs = (reward[:, 0] - rarity).tolist(), (change_cost + rarity).tolist()
    stays, best_before = [bytes(states)], [0]  # of each frame; none stays in the first
    t = 1
    for winner, run_end in _clear_runs(reward):
        while t < run_end:
            highest, end = max(value), t + 1
            best = value.index(highest)
            entry = [highest - cost for cost in costs]
            stay = bytes(map(ge, value, entry))
            if winner == best and stay.count(True) == 1:
                end = run_end
                for gain in reward[best, t : end - 1].tolist():
                    highest += gain
                value[best], entry = highest, [highest - cost for cost in costs]
            stays += [stay] * (end - t)
            best_before += [best] * (end - t)
            rows = zip(value, entry, stay, reward[:, end - 1].tolist(), strict=True)
            value = [(v if stays_on else e) + gain for v, e, stays_on, gain in rows]
            t = end
    flags = np.frombuffer(b"".join(stays), np.bool_).reshape(frames, states)
    return _path(flags, best_before, value.index(max(value)))


def _clear_runs(reward: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the state whose (S, T) reward is clearly the highest, and until which frame; in order.

    -1 where there is none. It wins by so much that no sum of a film's rewards is rounded by as
    much.
    """
    near_best = reward > reward.max(axis=0) - MIN_MARGIN
    is_clear = near_best.sum(axis=0, dtype=np.int16) == 1
    winners = np.where(is_clear, near_best.argmax(axis=0), -1)
    ends = [*(np.flatnonzero(np.diff(winners)) + 1).tolist(), len(winners)]
    return [(int(winners[end - 1]), end) for end in ends]


def _path(stays: NDArray[np.bool_], best_before: Sequence[int], last: int) -> NDArray[np.int64]:
    """Return the (T,) states that end with `last`: each stays since it was last entered.

    `stays` is (T, S).
    """
    rows: list[bytes] = [row.tobytes() for row in stays.T]
    path = np.zeros(len(stays), np.int64)
    end = len(path)
    while end > 0:
        start = rows[last].rfind(b"\0", 0, end)  # none stays in frame 0
        path[start:end] = last
        end, last = start, best_before[start]
    return path


def fill_pauses_and_drop_bursts(
    row: NDArray[np.bool_], *, min_pause: int, min_speech: int
) -> NDArray[np.bool_]:
    """Return (T,) speech without pauses, then without bursts, of fewer frames than these.

    Pauses are filled first: a hesitant sentence becomes one stretch, a cough disappears.
    """
    speech = row.copy()
    for start, end in runs(~speech):
        if start > 0 and end < len(speech) and end - start < min_pause:
            speech[start:end] = True
    for start, end in runs(speech):
        if end - start < min_speech:
            speech[start:end] = False
    return speech
