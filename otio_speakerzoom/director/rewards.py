"""What each picture is worth in each frame, given who holds the floor.

In seconds of the right picture for each second on screen. Only their order and rough distances
matter: the speaker alone is best; the wide, in which everybody is seen, is a safe second choice;
somebody else while one speaks is the worst mistake an editor can make ("wrong person").
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.shot_search import Framing
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import runs

SPEAKER_ALONE, HELD, SILENT, UNSEEN = 1.0, 0.3, -0.5, -4.0
"""A single of the one who speaks; of the one who has just spoken, while nobody does; of somebody
while nobody speaks; of somebody who is not there."""

GONE = -1e7
"""A single of somebody who is not there for as long as a shot: more than any cuts cost, so that no
shot is of nobody."""

WIDE_NOBODY, WIDE_HELD, WIDE_ONE, WIDE_UNSEEN = 0.3, 0.0, -0.3, 0.5
"""The wide while nobody speaks, just after somebody did, while one speaks, and while a voice is off
screen."""

MISSED = 0.5
"""How bad a single is while a voice is off screen, as a share of a wrong one: the voice may well be
of somebody seen whose lips said little."""

LISTENER = 0.4
"""The same where the style shows the listener; the wide is then worth as little as in a hold."""

OVERLAPS = {
    "highest": (0.6, 0.1, -0.2, -0.2),
    "longest": (0.6, 0.1, -0.2, -0.2),
    "wide": (0.2, 0.1, 0.6, 0.3),
    "two-shot": (0.2, 0.1, 0.5, 0.8),
}
"""While several speak, by the style's rule: the leader, another speaker, the wide, both of them."""

WIDE_TIE = 0.4
"""The wide while several speak and none leads."""

LOST = WIDE_NOBODY - SILENT
"""What the wide loses in a canvas that holds nobody but one: as much as it is better than somebody
alone while nobody speaks. Where it holds some of them it loses a part of that."""

TWO_NOBODY, TWO_ONE = 0.0, 0.0
"""A two-shot while nobody speaks, or one of its two."""


def framing_rewards(
    activity: SpeakerActivity,
    framings: Sequence[Framing],
    rate: Fraction,
    style: Style,
    shown: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Return (T, S) what each of the S pictures is worth in each frame.

    Speech counts from a little before its start; for a while after its end its speaker stays a
    fair picture as long as nobody is heard. `shown` is (P, T) who is in the wide, where the canvas
    does not hold everybody: a wide without the speaker is as bad as a single of somebody else.
    """
    anticipation = round(style.anticipation_seconds * rate)
    wrong, missed = -style.wrong_speaker_penalty, -style.wrong_speaker_penalty * MISSED
    early = _spread(activity.speaks, before=anticipation)
    count = early.sum(axis=0)
    held = (
        _spread(activity.speaks, after=round(style.hold_seconds * rate))
        & ~early
        & (count == 0)
        & ~activity.unseen
    )
    leads = activity.leads | (early & ~activity.speaks & (count == 1))
    for start, end in runs(count > 1):
        goes_on = early[:, min(end, len(count) - 1)]
        if goes_on.sum() == 1:  # whoever keeps the floor is shown from before the other has done
            leads[:, max(start, end - anticipation) : end] = goes_on[:, None]
    leader, among, wide_several, both = OVERLAPS[style.overlap]
    singles = np.where(count > 0, wrong, SILENT) + np.zeros(early.shape)
    singles[held] = HELD
    unseen = (WIDE_UNSEEN, missed) if style.off_screen == "wide" else (WIDE_HELD, LISTENER)
    singles[:, activity.unseen & (count == 0)] = unseen[1]
    singles[early] = among
    singles[early & leads] = leader
    singles[early & (count == 1)] = SPEAKER_ALONE
    singles[~activity.visible] = UNSEEN
    shortest = shortest_shot(style, rate)
    for row, single in zip(~activity.visible, singles, strict=True):
        for start, end in runs(row):
            if end - start >= shortest:
                single[start:end] = GONE
    nobody = np.where(
        held.any(axis=0), WIDE_HELD, np.where(activity.unseen, unseen[0], WIDE_NOBODY)
    )
    several = np.where(leads.any(axis=0), wide_several, max(wide_several, WIDE_TIE))
    wide = np.where(count == 0, nobody, np.where(count == 1, WIDE_ONE, several))
    if shown is not None:
        wide = _lessened(wide, early, activity.visible, shown, wrong)
    columns: list[NDArray[np.float64]] = []
    for framing in framings:
        if len(framing) < 2:
            columns.append(singles[framing[0]] if framing else wide)
            continue
        inside = early[list(framing)].sum(axis=0)
        two = np.where(count == 0, TWO_NOBODY, np.where(inside == 2, both, TWO_ONE))
        two[count > inside] = wrong
        two[~activity.visible[list(framing)].all(axis=0)] = GONE
        columns.append(two)
    return np.stack(columns, axis=1)


def shortest_shot(style: Style, rate: Fraction) -> int:
    """Return the frames that a shot must last."""
    return max(1, ceil(style.min_shot_seconds * rate))


def _lessened(
    wide: NDArray[np.float64],
    speaks: NDArray[np.bool_],
    visible: NDArray[np.bool_],
    shown: NDArray[np.bool_],
    wrong: float,
) -> NDArray[np.float64]:
    """Return (T,) what the wide is worth, less what it loses by the people it has no room for."""
    missing = visible & ~shown
    speakers = (missing & speaks).sum(axis=0) / np.maximum(1, speaks.sum(axis=0))
    faces = missing.sum(axis=0) / np.maximum(1, visible.sum(axis=0))
    return wide + speakers * (wrong - wide) - LOST * faces


def _spread(rows: NDArray[np.bool_], *, before: int = 0, after: int = 0) -> NDArray[np.bool_]:
    """Return (P, T) `rows` with every run of True lengthened at its start or end."""
    spread = rows.copy()
    for row, out in zip(rows, spread, strict=True):
        for start, end in runs(row):
            out[max(0, start - before) : end + after] = True
    return spread
