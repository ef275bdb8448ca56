"""Who is the active speaker in each frame, who leads an overlap, and when a voice is off screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.director.frame_arrays import moving_average, runs, slices_in
from otio_speakerzoom.director.leading_face import with_leading_face
from otio_speakerzoom.director.style import Style
from otio_speakerzoom.director.turns import fill_pauses_and_drop_bursts, find_turns
from otio_speakerzoom.model import (
    FaceTrack,
    FrameRange,
    Media,
    Person,
    SpeechScores,
    VoiceActivity,
)

LOWEST_LOG_ODDS = -20.0
"""Where log odds are compared, those of somebody who is not visible or does not speak."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerActivity:
    """Who speaks when: P people over the T source frames of `range`."""

    range: FrameRange
    speaks: NDArray[np.bool_]
    """(P, T) an overlap too short to count belongs to its leader alone."""
    leads: NDArray[np.bool_]
    """(P, T) the leader among those who speak, by the style's rule; nobody where it is a tie."""
    visible: NDArray[np.bool_]
    """(P, T)"""
    probability: NDArray[np.float32]
    """(P, T) that each person speaks, smoothed; 0 where they are not visible."""
    voice: NDArray[np.float32]
    """(T,) probability of voice; without voice detection, that of the likeliest speaker."""
    off_screen: NDArray[np.bool_]
    """(T,) there is a voice, and nobody visible speaks."""

    def part(self, span: FrameRange) -> SpeakerActivity:
        """Return the activity in a part of `range`."""
        at = slice(span.start - self.range.start, span.end - self.range.start)
        return SpeakerActivity(
            span, self.speaks[:, at], self.leads[:, at], self.visible[:, at],
            self.probability[:, at], self.voice[at], self.off_screen[at],
        )  # fmt: skip

    def columns(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the columns of the arrays that hold these source frames."""
        return frames - self.range.start

    def turn_starts(self) -> list[list[int]]:
        """Return the source frames at which each person starts to speak, in ascending order."""
        return [[self.range.start + start for start, _ in runs(row)] for row in self.speaks]


def speaker_activity_of(
    media: Media,
    tracks: Sequence[FaceTrack],
    people: Sequence[Person],
    scores: Sequence[SpeechScores],
    voice: VoiceActivity | None,
    style: Style,
    within: FrameRange,
) -> SpeakerActivity:
    """Return the activity of `people` in `within`, from the scores of their tracks."""
    logits = _by_person(people, [(s.track_id, s.start, s.logits) for s in scores], within)
    lefts = [(track.id, track.start, track.boxes[:, 0]) for track in tracks]
    visible = ~np.isnan(_by_person(people, lefts, within))
    return find_active_speakers(logits, visible, voice, within, media.rate, style)


def find_active_speakers(
    logits: NDArray[np.float32],
    visible: NDArray[np.bool_],
    voice: VoiceActivity | None,
    within: FrameRange,
    rate: Fraction,
    style: Style,
) -> SpeakerActivity:
    """Return the activity in `within`, from (P, T) calibrated log odds (NaN: not visible).

    Bursts of an off-screen voice that are too short for a turn count as silence.
    """
    width = round(style.smooth_seconds * rate)
    smooth = _smooth(logits, width)
    probability = _probability(smooth)
    anybody = _voice_probability(voice, within, probability.max(axis=0, initial=0.0))
    if voice:
        logits = with_leading_face(logits, anybody, rate, style)
        probability = _probability(_smooth(logits, width))
    turns, off_screen = find_turns(logits, anybody if voice else None, rate, style)
    min_pause, min_speech, min_overlap, min_shot = (
        round(seconds * rate)
        for seconds in (
            style.min_pause_seconds,
            style.min_speech_seconds,
            style.min_overlap_seconds,
            style.min_shot_seconds,
        )
    )

    def clean(row: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return fill_pauses_and_drop_bursts(row, min_pause=min_pause, min_speech=min_speech)

    speaks = np.array([clean(row) for row in turns], bool).reshape(logits.shape)
    speaks, leads = _resolve_overlaps(speaks, smooth, min_overlap, min_shot, style)
    off_screen = clean(off_screen & ~speaks.any(axis=0)) & ~speaks.any(axis=0)
    return SpeakerActivity(
        within, speaks, leads, visible, probability.astype(np.float32), anybody, off_screen
    )


def _smooth(log_odds: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return (P, T) means over `width` frames."""
    rows = [moving_average(row, width) for row in log_odds]
    return np.array(rows, np.float32).reshape(log_odds.shape)


def _resolve_overlaps(
    speaks: NDArray[np.bool_],
    scores: NDArray[np.float32],
    min_overlap: int,
    window: int,
    style: Style,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (P, T) who speaks, without overlaps under `min_overlap` frames, and who leads.

    Where the style goes by the score, the mean over `window` frames counts.
    """
    out, leads = speaks.copy(), speaks.copy()
    for start, end in runs(speaks.sum(axis=0) > 1):
        part = slice(start, end)
        if style.overlap == "longest":
            leader = _longest_turn(speaks, start, end)
        else:
            log_odds = np.where(speaks[:, part], scores[:, part], LOWEST_LOG_ODDS)
            leader = _highest_score(log_odds, window, style.tie)
        leads[:, part] &= leader
        if end - start < min_overlap:
            only = leader if leader.any() else _highest_score(scores[:, part], end - start, 0.0)
            out[:, part] = leads[:, part] = only & speaks[:, part]
    return out, leads


def _longest_turn(speaks: NDArray[np.bool_], start: int, end: int) -> NDArray[np.bool_]:
    """Return (P, 1) whose stretch of speech around `start` to `end` is the longest."""
    lengths = [max((b - a for a, b in runs(row) if a < end and b > start), default=0)
               for row in speaks]  # fmt: skip
    return np.arange(len(speaks))[:, None] == int(np.argmax(lengths))


def _highest_score(scores: NDArray[np.float32], window: int, tie: float) -> NDArray[np.bool_]:
    """Return (P, n) whose mean log odds are highest, by more than `tie`; possibly nobody."""
    log_odds = np.nan_to_num(scores, nan=LOWEST_LOG_ODDS)
    means = np.array([moving_average(row, window) for row in log_odds])
    second, first = np.sort(means, axis=0)[-2:]
    best = np.arange(len(means))[:, None] == np.argmax(means, axis=0)
    return best & (first - second > tie)


def _probability(log_odds: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (P, T) probabilities; 0 where the log odds are NaN."""
    return np.where(np.isnan(log_odds), 0.0, 1 / (1 + np.exp(-np.nan_to_num(log_odds))))


def _voice_probability(
    voice: VoiceActivity | None, within: FrameRange, likeliest: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return (T,) the probability of voice in `within`, 0 beyond what `voice` covers."""
    if voice is None:
        return likeliest.astype(np.float32)
    out = np.zeros(within.duration, np.float32)
    source, target = slices_in(within, voice.start, len(voice.probability))
    out[target] = voice.probability[source]
    return out


def _by_person(
    people: Sequence[Person],
    rows: Sequence[tuple[int, int, NDArray[np.float32]]],
    within: FrameRange,
) -> NDArray[np.float32]:
    """Return (P, T) values from rows of (track id, first frame, values); NaN where there are none.

    Where two tracks of a person overlap, the larger value counts.
    """
    out = np.full((len(people), within.duration), np.nan, np.float32)
    owner = {track: n for n, person in enumerate(people) for track in person.track_ids}
    for track, start, values in rows:
        if track in owner:
            source, target = slices_in(within, start, len(values))
            row = out[owner[track], target]
            np.fmax(row, values[source], out=row)
    return out
