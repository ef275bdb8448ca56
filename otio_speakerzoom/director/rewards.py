"""The reward of each framing in each frame, given who speaks.

A reward of 1 is that of the right framing: a single of the only speaker. Only the order of rewards
and their rough distances matter. The wide, in which everybody is visible, is a safe second choice;
a single of somebody else while one person speaks is the worst mistake of an editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import runs
from otio_speakerzoom.director.planned_shot import Framing
from otio_speakerzoom.director.speaker_activity import SpeakerActivity
from otio_speakerzoom.director.style import Style

SINGLE_SPEAKER = 1.0
"""A single of the only speaker."""
SINGLE_HOLD = 0.3
"""A single of the last speaker, shortly after their last word, while nobody speaks."""
SINGLE_SILENCE = -0.5
"""A single of anybody while nobody speaks."""
SINGLE_ABSENT = -4.0
"""A single of somebody who is not visible."""
ABSENT_FOR_A_SHOT = -1e7
"""A framing of somebody who is not visible for as long as a shot: worse than any number of cuts, so
that no shot shows an empty chair."""
SINGLE_OFF_SCREEN_SHARE = 0.5
"""A single while a voice is off screen, as a share of the penalty for the wrong speaker: the voice
may well be that of somebody visible whose lips hardly move."""
LISTENER_OFF_SCREEN = 0.4
"""A single while a voice is off screen, where the style shows a listener then; the wide is then as
good as in a hold."""

WIDE_SILENCE = 0.3
"""The wide while nobody speaks."""
WIDE_HOLD = 0.0
"""The wide shortly after somebody's last word, while nobody speaks."""
WIDE_ONE_SPEAKER = -0.3
"""The wide while one person speaks."""
WIDE_OFF_SCREEN = 0.5
"""The wide while a voice is off screen."""
WIDE_TIE = 0.4
"""The wide, at least, while several speak and nobody leads."""
WIDE_MISSING_FACES = WIDE_SILENCE - SINGLE_SILENCE
"""What a wide loses in a canvas that holds nobody: as much as it is better than a single in
silence. Where it holds some of the faces it loses a part of that."""

TWO_SHOT_OTHERWISE = 0.0
"""A two-shot while none or one of its two people speaks, and nobody else."""


@dataclass(frozen=True, slots=True)
class OverlapRewards:
    """Rewards while several people speak."""

    leader: float
    """A single of the leader."""
    other_speaker: float
    """A single of another speaker."""
    wide: float
    two_shot: float
    """A two-shot of two speakers."""


OVERLAP_REWARDS = {
    "highest": OverlapRewards(leader=0.6, other_speaker=0.1, wide=-0.2, two_shot=-0.2),
    "longest": OverlapRewards(leader=0.6, other_speaker=0.1, wide=-0.2, two_shot=-0.2),
    "wide": OverlapRewards(leader=0.2, other_speaker=0.1, wide=0.6, two_shot=0.3),
    "two-shot": OverlapRewards(leader=0.2, other_speaker=0.1, wide=0.5, two_shot=0.8),
}
"""By the style's rule for overlaps."""


def overlap_rewards(style: Style) -> OverlapRewards:
    """Return the rewards of a style; a two-up is a way to show a two-shot."""
    return OVERLAP_REWARDS["two-shot" if style.two_up != "off" else style.overlap]


@dataclass(frozen=True, slots=True, eq=False)
class _Speech:
    """Who speaks as an editor cuts to it: from a little before the first word, and held after."""

    speaks: NDArray[np.bool_]
    """(P, T)"""
    count: NDArray[np.int64]
    """(T,) how many speak."""
    leads: NDArray[np.bool_]
    """(P, T) who leads among several, or is about to speak alone."""
    hold: NDArray[np.bool_]
    """(P, T) whose last word is not long ago, while there is no voice."""


def framing_rewards(
    activity: SpeakerActivity,
    framings: Sequence[Framing],
    rate: Fraction,
    style: Style,
    in_wide: NDArray[np.bool_] | None = None,
    camera_edges: Sequence[int] = (),
) -> NDArray[np.float64]:
    """Return the (T, S) reward of each of S framings in each frame.

    `camera_edges` are the source frames at which camera shots begin and end: any of them may be a
    shot of ours, so nobody is framed in one in which they are not visible.

    `in_wide` is (P, T) who is in the wide, where the canvas does not hold everybody: a wide without
    the speaker is as bad as a single of somebody else.
    """
    speech = _anticipate_and_hold(activity, rate, style)
    absent = _absent_for_a_shot(activity, min_shot_frames(style, rate), camera_edges)
    singles = _single_rewards(activity, speech, absent, style)
    wide = _wide_rewards(activity, speech, style, in_wide)

    def rewards_of(framing: Framing) -> NDArray[np.float64]:
        if len(framing) == 2:
            return _two_shot_rewards(activity, speech, framing, style)
        return singles[framing[0]] if framing else wide

    return np.stack([rewards_of(framing) for framing in framings], axis=1)


def min_shot_frames(style: Style, rate: Fraction) -> int:
    """Return the number of frames that a shot must last."""
    return max(1, ceil(style.min_shot_seconds * rate))


def _anticipate_and_hold(activity: SpeakerActivity, rate: Fraction, style: Style) -> _Speech:
    anticipation = round(style.anticipation_seconds * rate)
    speaks = _lengthen_runs(activity.speaks, before=anticipation)
    count = speaks.sum(axis=0)
    hold = (
        _lengthen_runs(activity.speaks, after=round(style.hold_seconds * rate))
        & ~speaks
        & (count == 0)
        & ~activity.off_screen
    )
    leads = activity.leads | (speaks & ~activity.speaks & (count == 1))
    for start, end in runs(count > 1):
        goes_on = speaks[:, min(end, len(count) - 1)]
        if goes_on.sum() == 1:  # whoever goes on alone leads from before the other has finished
            leads[:, max(start, end - anticipation) : end] = goes_on[:, None]
    return _Speech(speaks, count, leads, hold)


def _single_rewards(
    activity: SpeakerActivity, speech: _Speech, absent: NDArray[np.bool_], style: Style
) -> NDArray[np.float64]:
    """Return the (P, T) reward of a single of each person."""
    count, overlap = speech.count, overlap_rewards(style)
    off_screen = (
        -style.wrong_speaker_penalty * SINGLE_OFF_SCREEN_SHARE
        if style.off_screen == "wide"
        else LISTENER_OFF_SCREEN
    )
    singles = np.where(count > 0, -style.wrong_speaker_penalty, SINGLE_SILENCE)
    singles = singles + np.zeros(speech.speaks.shape)
    singles[speech.hold] = SINGLE_HOLD
    singles[:, activity.off_screen & (count == 0)] = off_screen
    singles[speech.speaks] = overlap.other_speaker
    singles[speech.speaks & speech.leads] = overlap.leader
    singles[speech.speaks & (count == 1)] = SINGLE_SPEAKER
    singles[~activity.visible] = SINGLE_ABSENT
    singles[absent] = ABSENT_FOR_A_SHOT
    return singles


def _absent_for_a_shot(
    activity: SpeakerActivity, min_shot: int, camera_edges: Sequence[int]
) -> NDArray[np.bool_]:
    """Return (P, T) who is not visible for a shot's time, or all through a camera shot.

    Each camera shot by itself: a face is found a frame or more after the source's own cut, however
    long it was not visible before.
    """
    out = np.zeros_like(activity.visible)
    edges = sorted({*camera_edges, activity.range.start, activity.range.end})
    for first, last in pairwise(edge - activity.range.start for edge in edges):
        shortest = min(min_shot, last - first)
        for visible, absent in zip(activity.visible, out, strict=True):
            for start, end in runs(~visible[first:last]):
                absent[first + start : first + end] = end - start >= shortest
    return out


def _wide_rewards(
    activity: SpeakerActivity,
    speech: _Speech,
    style: Style,
    in_wide: NDArray[np.bool_] | None,
) -> NDArray[np.float64]:
    """Return the (T,) reward of the wide."""
    overlap = overlap_rewards(style).wide
    off_screen = WIDE_OFF_SCREEN if style.off_screen == "wide" else WIDE_HOLD
    nobody_speaks = np.where(
        speech.hold.any(axis=0),
        WIDE_HOLD,
        np.where(activity.off_screen, off_screen, WIDE_SILENCE),
    )
    several_speak = np.where(speech.leads.any(axis=0), overlap, max(overlap, WIDE_TIE))
    one_or_several = np.where(speech.count == 1, WIDE_ONE_SPEAKER, several_speak)
    wide = np.where(speech.count == 0, nobody_speaks, one_or_several)
    if in_wide is None:
        return wide
    missing = activity.visible & ~in_wide
    speakers = (missing & speech.speaks).sum(axis=0) / np.maximum(1, speech.speaks.sum(axis=0))
    faces = missing.sum(axis=0) / np.maximum(1, activity.visible.sum(axis=0))
    return wide + speakers * (-style.wrong_speaker_penalty - wide) - WIDE_MISSING_FACES * faces


def _two_shot_rewards(
    activity: SpeakerActivity, speech: _Speech, framing: Framing, style: Style
) -> NDArray[np.float64]:
    """Return the (T,) reward of a two-shot."""
    rows = list(framing)
    inside = speech.speaks[rows].sum(axis=0)
    both = overlap_rewards(style).two_shot
    rewards = np.where(inside == 2, both, TWO_SHOT_OTHERWISE)
    rewards[speech.count > inside] = -style.wrong_speaker_penalty
    rewards[~activity.visible[rows].all(axis=0)] = ABSENT_FOR_A_SHOT
    return rewards


def _lengthen_runs(
    rows: NDArray[np.bool_], *, before: int = 0, after: int = 0
) -> NDArray[np.bool_]:
    """Return (P, T) `rows` with every run of True lengthened at its start or end."""
    out = rows.copy()
    for row, longer in zip(rows, out, strict=True):
        for start, end in runs(row):
            longer[max(0, start - before) : end + after] = True
    return out
