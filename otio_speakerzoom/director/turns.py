"""Who speaks when: the likeliest sequence of turns in the whole conversation (Viterbi).

In each frame the conversation is in one state: nobody speaks, one person does, two do, or a voice
off screen does. The reward of a state comes from the faces' log odds and from those of a voice: a
face with a score around even counts as speaking where there is a voice and no other face speaks.
Neighbouring frames carry nearly the same evidence, so all frames of `smooth_seconds` count as one
observation. The state changes about once in `expected_turn_seconds`, so each change costs the log
of that; an overlap and a voice off screen are rarer and cost more. Dynamic programming finds the
sequence of states with the highest sum.

Thresholds with hysteresis, person by person, were tried too: they miss a turn whose scores are only
a little above even, even if there is a voice and nobody else can be speaking.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.style import Style

MAX_LOG_ODDS = 3.0
"""Log odds are clipped to this (P = .95), so that a few frames never outweigh a second."""

ABSENT_LOG_ODDS = -9.0
"""Log odds of a face that is not visible: three times the clipped maximum."""

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
    change_cost = np.log(max(1.0, float(style.expected_turn_seconds * rate)))
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
    for row, group in zip(reward, speakers, strict=True):
        row[:] = nobody
        for n in group:
            row += faces[n]
    reward[SILENCE] -= voice / 2
    reward[OFF_SCREEN:] += voice / 2
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
    stays = np.zeros((states, frames), bool)
    best_before = np.zeros(frames, np.int64)
    winners, run_ends = _winners(reward)
    value = reward[:, 0] - rarity
    entry_cost = change_cost + rarity
    t = 1
    while t < frames:
        best, end = int(value.argmax()), t + 1
        highest = float(value[best])
        np.greater_equal(value, highest - entry_cost, out=stays[:, t])
        if winners[t] == best and np.count_nonzero(stays[:, t]) == 1:
            end = run_ends[bisect_right(run_ends, t)]
            for gain in reward[best, t : end - 1].tolist():
                highest += gain
            stays[best, t:end] = True
            value[:] = -np.inf  # of what is entered anew
            value[best] = highest
        np.maximum(value, highest - entry_cost, out=value)
        value += reward[:, end - 1]
        best_before[t:end] = best
        t = end
    return _path(stays, best_before, int(value.argmax()))


def _winners(reward: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """Return (T,) the state whose reward is clearly the highest, -1 for none, and its runs' ends.

    It wins by so much that no sum of a film's rewards is rounded by as much.
    """
    near_best = reward > reward.max(axis=0) - MIN_MARGIN
    winners = np.where(near_best.sum(axis=0) == 1, reward.argmax(axis=0), -1)
    return winners.tolist(), [*(np.flatnonzero(np.diff(winners)) + 1).tolist(), len(winners)]


def _path(stays: NDArray[np.bool_], best_before: NDArray[np.int64], last: int) -> NDArray[np.int64]:
    """Return the (T,) states that end with `last`: each stays since it was last entered."""
    rows = [row.tobytes() for row in stays]
    path = np.zeros(len(best_before), np.int64)
    end, state = len(path), last
    while end > 0:
        start = rows[state].rfind(b"\0", 0, end)  # none stays in frame 0
        path[start:end] = state
        end, state = start, int(best_before[start])
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
