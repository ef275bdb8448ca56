"""Stretches of speech to shots: who is shown, from when to when.

Each frame gives each picture (the wide, or one person) a worth; a cut costs a little; no shot may
be shorter than the minimum. The best sequence of pictures under these rules is found exactly, by
dynamic programming over the whole programme, so there is one place that knows about shot length
and no second rule that could undo it. A film that sees the future beats rules that act frame by
frame: a turn is shown from before its first word, and an interjection too short for a shot never
takes one. (Shot choice as a search for the cheapest sequence: Ranjan et al., GAZED, CHI 2020.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.floor import runs

WIDE = 0
"""Column of the wide shot; person n of the arrays is column n + 1."""

NEVER = -1e9
"""Worth of a picture that must not be: far below any sum of real worths."""

# Worth of showing a picture, in seconds of the right picture for each second it is on screen.
# Only their order and rough distances matter: the speaker is best; the wide is a safe second
# choice; somebody else while one speaks is the worst mistake ("wrong person").
SPEAKER_ALONE, SPEAKER_LEADING, SPEAKER_AMONG = 1.0, 0.6, 0.3
HELD, SILENT, WRONG, UNSEEN = 0.3, -0.5, -1.0, -3.0
WIDE_NOBODY, WIDE_HELD, WIDE_ONE, WIDE_SEVERAL = 0.3, 0.0, -0.7, -0.2


def worths(
    speaks: NDArray[np.bool_],
    visible: NDArray[np.bool_],
    scores: NDArray[np.float32],
    *,
    anticipation: int,
    hold: int,
) -> NDArray[np.float64]:
    """Return (T, 1 + P) what each picture is worth in each frame.

    `speaks` and `visible` are (P, T), `scores` are (P, T) log odds that decide who leads when
    several speak. Speech counts from `anticipation` frames before its start; for `hold` frames
    after its end its speaker stays a fair picture as long as nobody else speaks.
    """
    early = np.array([_spread(row, before=anticipation) for row in speaks], bool)
    early = early.reshape(speaks.shape)
    count = early.sum(axis=0)
    held = np.array([_spread(row, after=hold) for row in speaks], bool).reshape(speaks.shape)
    held &= ~early & (count == 0)
    leads = np.zeros_like(early)
    if len(early):
        told = np.where(early, np.nan_to_num(scores, nan=NEVER), -np.inf)
        leads[np.argmax(told, axis=0), np.arange(count.size)] = True
    single = np.where(count > 0, WRONG, SILENT) + np.zeros(early.shape)
    single[held] = HELD
    single[early] = SPEAKER_AMONG
    single[early & leads] = SPEAKER_LEADING
    single[early & (count == 1)] = SPEAKER_ALONE
    single[~visible] = UNSEEN
    nobody = np.where(held.any(axis=0), WIDE_HELD, WIDE_NOBODY)
    wide = np.where(count == 0, nobody, np.where(count == 1, WIDE_ONE, WIDE_SEVERAL))
    return np.vstack([wide[None], single]).T


def _spread(row: NDArray[np.bool_], *, before: int = 0, after: int = 0) -> NDArray[np.bool_]:
    """Return `row` with every run of True lengthened at its start or end."""
    spread = row.copy()
    for start, end in runs(row):
        spread[max(0, start - before) : end + after] = True
    return spread


def choose_pictures(
    worth: NDArray[np.float64],
    *,
    min_shot: int,
    cut_cost: float,
    camera_cuts: Sequence[int] = (),
) -> list[tuple[int, int, int]]:
    """Return (start, end, picture) of each shot: they follow one another and cover all frames.

    No shot is shorter than `min_shot` frames (the whole may be). A single never runs across one
    of `camera_cuts`, because its crop would fit only one side; a wide may. Cutting together with
    the source costs nothing.
    """
    frames = len(worth)
    cuts = {cut for cut in camera_cuts if 0 < cut < frames}
    min_shot = max(1, min_shot)
    if frames < 2 * min_shot:  # no room for a cut
        total = worth.sum(axis=0)
        total[1:] += NEVER if cuts else 0.0
        return [(0, frames, int(np.argmax(total)))]
    value, begun, chosen = _best_values(worth, min_shot, cut_cost, cuts)
    shots: list[tuple[int, int, int]] = []
    end, picture = frames, int(np.argmax(value[frames]))
    while end > 0:
        start = int(begun[end, picture])
        shots.append((start, end, picture))
        end, picture = start, int(chosen[start, picture])
    return shots[::-1]


def _best_values(
    worth: NDArray[np.float64], min_shot: int, cut_cost: float, cuts: set[int]
) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int32]]:
    """Return three (T + 1, S) tables of the search.

    value[t, s]   the best worth of frames 0..t when the last shot shows s and is long enough
    begun[t, s]   where that last shot starts
    chosen[t, s]  which picture precedes a shot of s that starts at t
    """
    frames, pictures = worth.shape
    so_far = np.vstack([np.zeros(pictures), np.cumsum(worth, axis=0)])
    value = np.full((frames + 1, pictures), NEVER)
    entry = np.full((frames + 1, pictures), NEVER)  # best worth before a shot that starts here
    begun = np.zeros((frames + 1, pictures), np.int32)
    chosen = np.zeros((frames + 1, pictures), np.int32)
    entry[0] = 0.0
    last_cut = max((cut for cut in cuts if cut < min_shot), default=0)
    for t in range(min_shot, frames + 1):
        last_cut = t - 1 if t - 1 in cuts else last_cut
        first = t - min_shot
        fresh = entry[first] + so_far[t] - so_far[first]
        longer = value[t - 1] + worth[t - 1]
        if first < last_cut:
            fresh[WIDE + 1 :] = NEVER
        if t - 1 == last_cut:
            longer[WIDE + 1 :] = NEVER
        value[t] = np.maximum(fresh, longer)
        begun[t] = np.where(fresh >= longer, first, begun[t - 1])
        _mut_enter(value[t], entry[t], chosen[t], cut_cost, at_camera_cut=t in cuts)
    return value, begun, chosen


def _mut_enter(
    value: NDArray[np.float64],
    entry: NDArray[np.float64],
    chosen: NDArray[np.int32],
    cut_cost: float,
    *,
    at_camera_cut: bool,
) -> None:
    """Fill in, for each picture, the best other picture to come from, and what that is worth."""
    best = int(np.argmax(value))
    entry[:], chosen[:] = value[best], best
    if at_camera_cut:
        return  # the same person framed anew is a shot of its own, and the cut is there anyway
    if len(value) > 1:
        others = value.copy()
        others[best] = -np.inf
        second = int(np.argmax(others))
        entry[best], chosen[best] = value[second], second
    else:
        entry[best] = NEVER
    entry -= cut_cost


def joined(shots: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return `shots` with neighbours of the wide made one (a cut between them shows nothing)."""
    out = [shots[0]]
    for _, (start, end, picture) in pairwise(shots):
        if picture == out[-1][2] == WIDE:
            out[-1] = (out[-1][0], end, WIDE)
        else:
            out.append((start, end, picture))
    return out
