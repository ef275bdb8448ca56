"""Who holds the floor: who speaks, who leads where several do, who is heard and not seen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import find_turns, runs, tidied
from otio_speakerzoom.model import FrameRange, VoiceActivity


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerActivity:
    """Who speaks when, of P people over T frames."""

    speaks: NDArray[np.bool_]
    """(P, T) an overlap too short to count is the leader's alone."""
    leads: NDArray[np.bool_]
    """(P, T) of those who speak in a frame one, by the style's rule; none where it is a tie."""
    visible: NDArray[np.bool_]
    """(P, T)"""
    probability: NDArray[np.float32]
    """(P, T) that each person speaks, over a few frames; 0 where they are not seen."""
    voice: NDArray[np.float32]
    """(T,) 0 to 1 that anybody is heard; the most that anybody is seen to speak where no voice
    was looked for."""
    unseen: NDArray[np.bool_]
    """(T,) somebody is heard, and nobody seen speaks."""


def find_active_speakers(
    logits: NDArray[np.float32],
    visible: NDArray[np.bool_],
    voice: VoiceActivity | None,
    within: FrameRange,
    rate: Fraction,
    style: Style,
) -> SpeakerActivity:
    """Return who holds the floor in `within`, from (P, T) calibrated log odds (NaN: not seen).

    Of what is heard while nobody seen speaks, bursts too short for a turn count as silence.
    """
    smooth = np.array([smoothed(row, round(style.smooth_seconds * rate)) for row in logits])
    smooth = smooth.reshape(logits.shape).astype(np.float32)
    probability = np.where(np.isnan(smooth), 0.0, 1 / (1 + np.exp(-np.nan_to_num(smooth))))
    heard = _heard(voice, within, probability.max(axis=0, initial=0.0))
    turns, unseen = find_turns(logits, heard if voice else None, rate, style)
    pause, burst, least, window = (
        round(seconds * rate)
        for seconds in (
            style.min_pause_seconds,
            style.min_speech_seconds,
            style.min_overlap_seconds,
            style.min_shot_seconds,
        )
    )
    speaks = np.array([tidied(row, min_pause=pause, min_speech=burst) for row in turns], bool)
    speaks, leads = _overlaps(speaks.reshape(logits.shape), smooth, least, window, style)
    unseen = tidied(unseen & ~speaks.any(axis=0), min_pause=pause, min_speech=burst)
    unseen &= ~speaks.any(axis=0)
    return SpeakerActivity(speaks, leads, visible, probability.astype(np.float32), heard, unseen)


def smoothed(scores: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return (T,) means over `width` frames around each, over what is there; NaN stays NaN."""
    there = ~np.isnan(scores)
    kernel = np.ones(max(1, width) | 1)
    total = np.convolve(np.where(there, scores, 0), kernel, "full")
    count = np.convolve(there, kernel, "full")
    middle = slice(len(kernel) // 2, len(kernel) // 2 + len(scores))
    mean = total[middle] / np.maximum(count[middle], 1)
    return np.where(there, mean, np.nan).astype(np.float32)


def _overlaps(
    speaks: NDArray[np.bool_],
    scores: NDArray[np.float32],
    least: int,
    window: int,
    style: Style,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (P, T) who speaks without overlaps shorter than `least` frames, and who leads.

    Where the style goes by the score, it is the mean of `window` frames that counts.
    """
    out, leads = speaks.copy(), speaks.copy()
    for start, end in runs(speaks.sum(axis=0) > 1):
        part = slice(start, end)
        if style.overlap == "longest":
            ahead = _longest(speaks, start, end)
        else:
            ahead = _surest(np.where(speaks[:, part], scores[:, part], -20), window, style.tie)
        leads[:, part] &= ahead
        if end - start < least:
            only = ahead if ahead.any() else _surest(scores[:, part], end - start, 0.0)
            out[:, part] = leads[:, part] = only & speaks[:, part]
    return out, leads


def _longest(speaks: NDArray[np.bool_], start: int, end: int) -> NDArray[np.bool_]:
    """Return (P, 1) whose stretch of speech around `start` to `end` is the longest."""
    lengths = [max((b - a for a, b in runs(row) if a < end and b > start), default=0)
               for row in speaks]  # fmt: skip
    return np.arange(len(speaks))[:, None] == int(np.argmax(lengths))


def _surest(scores: NDArray[np.float32], window: int, tie: float) -> NDArray[np.bool_]:
    """Return (P, n) whose log odds, over a window, are highest by more than `tie`; maybe nobody."""
    told = np.array([smoothed(row, window) for row in np.nan_to_num(scores, nan=-20)])
    second, first = np.sort(told, axis=0)[-2:]
    best = np.arange(len(told))[:, None] == np.argmax(told, axis=0)
    return best & (first - second > tie)


def _heard(
    voice: VoiceActivity | None, within: FrameRange, likeliest: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return (T,) how surely anybody is heard in `within`, 0 where it was not listened to."""
    if voice is None:
        return likeliest.astype(np.float32)
    out = np.zeros(within.duration, np.float32)
    first = max(voice.start, within.start)
    last = min(voice.start + len(voice.probability), within.end)
    if first < last:
        part = voice.probability[first - voice.start : last - voice.start]
        out[first - within.start : last - within.start] = part
    return out
