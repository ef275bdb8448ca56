"""Who speaks when: the likeliest course of the whole conversation.

In each frame one of these holds: nobody speaks, one person does, two do, or a voice off screen
does. A face's log odds speak for or against it, and so do the odds that anybody is heard: a face
that looks half sure is believed where a voice is there and no other face wants it. As log odds of
neighbouring frames say nearly the same thing, all of `smooth_seconds` count as one observation.
Going from one to another is rare, about once in `expected_turn_seconds`, and so costs what that is
worth; to an overlap or a voice off screen it costs more, as these are rarer. The sum over the
programme is highest along one course, found exactly by dynamic programming (Viterbi).

Thresholds with hysteresis, person by person, were tried beside it: they lose a turn in which the
scores are only a little above even, though a voice is heard and nobody else can be speaking.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.style import Style

SUREST = 3.0
"""Log odds count for no more than this (P = .95), so that no few frames outweigh a second."""

ABSENT = -9.0
"""Log odds of a face that is not seen: three times as sure as the surest."""


def find_turns(
    odds: NDArray[np.float32], voice: NDArray[np.float32] | None, rate: Fraction, style: Style
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (P, T) who speaks in each frame, and (T,) where a voice off screen does.

    `odds` are (P, T) calibrated log odds, NaN where a face is not seen; `voice` is (T,) the
    probability that anybody is heard, None where that is not known.
    """
    people, frames = odds.shape
    told = np.where(np.isnan(odds), ABSENT, np.clip(odds - style.speech_threshold, -SUREST, SUREST))
    heard = np.zeros(frames)
    if voice is not None:
        sure = 1 / (1 + np.exp(-SUREST))
        share = np.clip(voice.astype(float), 1 - sure, sure)
        heard = np.log(share / (1 - share))
    both = [
        (a, b) for a, b in combinations(range(people), 2) if ((told[a] > 0) & (told[b] > 0)).any()
    ]
    members = [(), (), *((n,) for n in range(people)), *both]
    belongs = np.array([[n in who for who in members] for n in range(people)], float)
    belongs = belongs.reshape(people, len(members))
    a_voice = np.array([-1.0, *np.ones(len(members) - 1)])  # in all states but the first
    reward = told.T @ (belongs - 0.5) + np.outer(heard, a_voice / 2)
    reward /= max(1.0, float(style.smooth_seconds * rate))
    rare = np.zeros(len(members))
    rare[1] = -np.log(style.off_screen_prior)
    rare[2 + people :] = -np.log(style.overlap_share)
    course = _best_course(reward, np.log(max(1.0, float(style.expected_turn_seconds * rate))), rare)
    return belongs[:, course] > 0, course == 1


def _best_course(
    reward: NDArray[np.float64], change: float, rare: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the (T,) states of highest sum of (T, S) `reward`, less what changes cost.

    To enter state s costs `change` and `rare[s]`, from whichever state it is.
    """
    frames, states = reward.shape
    stays = np.zeros((frames, states), bool)
    from_best = np.zeros(frames, np.int64)
    value = reward[0] - rare
    price = change + rare
    for t in range(1, frames):
        best = int(value.argmax())
        entered = value[best] - price
        np.greater_equal(value, entered, out=stays[t])
        from_best[t] = best
        np.maximum(value, entered, out=value)
        value += reward[t]
    course = np.zeros(frames, np.int64)
    state = int(value.argmax())
    for t in range(frames - 1, -1, -1):
        course[t] = state
        state = state if stays[t, state] else int(from_best[t])
    return course


def tidied(row: NDArray[np.bool_], *, min_pause: int, min_speech: int) -> NDArray[np.bool_]:
    """Return (T,) speech without short pauses, and then without short bursts.

    Pauses are bridged before bursts are dropped: a hesitant sentence is one stretch, a cough none.
    """
    speech = row.copy()
    for start, end in runs(~speech):
        if start > 0 and end < len(speech) and end - start < min_pause:
            speech[start:end] = True
    for start, end in runs(speech):
        if end - start < min_speech:
            speech[start:end] = False
    return speech


def runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the half-open (start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
