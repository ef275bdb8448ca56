"""Tracks, pictures and sound to speech scores, in bounded memory.

Pictures pass by once. Each track keeps only the crops of the window being filled, so memory
follows the number of faces in view and not the length of the film; the scorer sees `window`
ticks at a time, with `context` more on each side whose scores are dropped. What comes out is
calibrated: whichever the scorer, a score is the log odds that this face speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FaceTrack, FrameRange, Progress, SpeechScores, quiet
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import (
    STEP_SAMPLES,
    CropRecipe,
    crop_face,
    grid_frames,
    mfcc,
    mfcc_rows,
    smooth_boxes,
    to_source_frames,
)


class Scorer(Protocol):
    """What scores one face: a network, or the embedded mouth-motion measure."""

    name: str
    recipe: CropRecipe
    """How its pictures are cut from a face box."""
    window: int
    """Ticks of 1/25 s whose scores one call yields."""
    context: int
    """Ticks on each side that it should see besides, where there are any."""
    gated: bool
    """Whether it cannot hear if anybody speaks at all, so that voice activity must tell it."""
    calibration: Calibration
    """What makes log odds of its raw logits."""

    def __call__(self, crops: NDArray[np.uint8], mfcc: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (T,) raw logits for (T, 112, 112) gray crops and their (4T, 13) cepstra."""
        ...


def score_speech(
    pictures: Iterable[tuple[int, NDArray[np.uint8]]],
    cepstra: NDArray[np.float32],
    tracks: Sequence[FaceTrack],
    scorer: Scorer,
    rate: Fraction,
    within: FrameRange,
    *,
    voice: NDArray[np.float32] | None = None,
    on_progress: Progress = quiet,
) -> tuple[SpeechScores, ...]:
    """Return one calibrated score per source frame for every track.

    `pictures` are (frame, (H, W) gray) pairs of the whole of `within`, at the size that the boxes
    are in; `cepstra` are the MFCC rows of its sound; `voice` is the (ticks,) probability that
    anybody is heard, which a gated scorer needs.
    """
    shown = within.start + grid_frames(within.duration, rate)
    waiting = [_Growing(track, shown, scorer) for track in tracks]
    ticks_of = np.searchsorted(shown, np.arange(within.start, within.end + 1))
    for frame, picture in pictures:
        first, last = ticks_of[frame - within.start], ticks_of[frame - within.start + 1]
        for growing in waiting:
            for tick in range(max(first, growing.start), min(last, growing.end)):
                growing.mut_take(picture, tick, cepstra)
        on_progress(frame - within.start + 1, within.duration)
    return tuple(growing.scores(within, rate, voice) for growing in waiting)


class _Growing:
    """The scores of one track so far, and the crops that still wait to be scored."""

    def __init__(self, track: FaceTrack, shown: NDArray[np.int64], scorer: Scorer) -> None:
        self._track, self._scorer = track, scorer
        self.start, self.end = np.searchsorted(shown, (track.start, track.range.end)).tolist()
        self._boxes = smooth_boxes(track.boxes[shown[self.start : self.end] - track.start])
        self._crops: list[NDArray[np.uint8]] = []  # of ticks from self._kept on
        self._kept = self._scored = self.start
        self._logits: list[NDArray[np.float32]] = [np.empty(0, np.float32)]

    def mut_take(self, picture: NDArray[np.uint8], tick: int, cepstra: NDArray[np.float32]) -> None:
        box = self._boxes[tick - self.start]
        self._crops.append(crop_face(picture, box, self._scorer.recipe))
        seen, full = tick + 1, self._scored + self._scorer.window + self._scorer.context
        if seen in (full, self.end):
            self._score(seen, cepstra)
            # the end of the track may hold more than one window when its context was cut short
            while seen == self.end and self._scored < seen:
                self._score(seen, cepstra)

    def _score(self, seen: int, cepstra: NDArray[np.float32]) -> None:
        """Score the next window, of which ticks up to `seen` are there."""
        last = min(self._scored + self._scorer.window, seen)
        crops = np.stack(self._crops[: last + self._scorer.context - self._kept])
        rows = mfcc_rows(cepstra, len(crops), start=self._kept)
        logits = self._scorer(crops, rows)
        self._logits.append(logits[self._scored - self._kept : last - self._kept])
        self._scored = last
        keep = max(self._kept, last - self._scorer.context)
        del self._crops[: keep - self._kept]
        self._kept = keep

    def scores(
        self, within: FrameRange, rate: Fraction, voice: NDArray[np.float32] | None
    ) -> SpeechScores:
        logits = self._scorer.calibration(np.concatenate(self._logits))
        if voice is not None and self._scorer.gated:
            logits = gated(logits, voice[self.start : self.start + len(logits)])
        frames = len(self._track.boxes)
        if not len(logits):  # at more than 25 fps a track may fall between two ticks
            return SpeechScores(self._track.id, self._track.start, np.full(frames, -5, np.float32))
        start = self._track.start - within.start
        on_frames = to_source_frames(logits, self.start, start, frames, rate)
        return SpeechScores(self._track.id, self._track.start, on_frames)


def gated(logits: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logit of "this face speaks, and somebody is heard": the two as independent.

    P = sigmoid(logit) * voice, for which the logits must be calibrated, taken back to a logit; a
    voice surer than 0.999 changes nothing that matters.
    """
    heard = np.clip(voice, 1e-3, 1 - 1e-3).astype(np.float64)
    odds_face, odds_voice = np.exp(-logits.astype(np.float64)), (1 - heard) / heard
    return -np.log(odds_face + odds_voice + odds_face * odds_voice).astype(np.float32)


def cepstra_of(blocks: Iterable[NDArray[np.int16]]) -> NDArray[np.float32]:
    """Return (n, 13) the MFCC of sound that comes in blocks, equal to that of the sound in one.

    A row looks 400 samples ahead of its 160 and one sample back, so each block is taken together
    with what the rows before it could not finish.
    """
    return np.concatenate([np.empty((0, 13), np.float32), *_cepstra_blocks(blocks)])


def _cepstra_blocks(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float32]]:
    rest, lead = np.empty(0, np.int16), 0  # `lead` rows at the head of `rest` are done already
    for block in blocks:
        rest = np.concatenate([rest, block])
        ready = (len(rest) - 400) // STEP_SAMPLES  # rows with all their samples there
        if ready > lead:
            rows = mfcc(rest[: (ready - 1) * STEP_SAMPLES + 400])
            yield rows[lead:].astype(np.float32)
            # keep one finished row: its samples give the next row its pre-emphasis
            rest, lead = rest[(ready - 1) * STEP_SAMPLES :], 1
    if len(rest):
        yield mfcc(rest)[lead:].astype(np.float32)
