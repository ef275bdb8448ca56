"""Tracks, pictures and sound to speech scores, in bounded memory.

Pictures pass by once. Each track keeps only the crops of the window being filled, and what its
scorer makes of a window goes to a spool, so memory follows the number of faces in view and not the
length of the film. Windows of several tracks are given to the scorer together. What comes out is
calibrated: whichever the scorer, a score is the log odds that this face speaks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FaceTrack, FrameRange, Progress, SpeechScores, no_progress
from otio_speakerzoom.speech.av_sync import PIECE, AvSyncEstimator
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.features import (
    COEFFICIENTS,
    LOWER_FACE,
    ROW_SAMPLES,
    ROWS_PER_TICK,
    STEP_SAMPLES,
    Clip,
    CropRecipe,
    crop_face,
    grid_frames,
    mfcc,
    mfcc_rows,
    smooth_boxes,
    to_source_frames,
)
from otio_speakerzoom.speech.row_buffer import RowBuffer

AT_ONCE = 1500
"""Ticks of waiting windows, 19 MB of crops, that are given to the scorer together: a minute, so
that short tracks fill a GPU as well as long ones do."""


class Scorer(Protocol):
    """What scores faces: a network, or the embedded mouth-motion measure."""

    name: str
    licence: str
    """Of its weights, or of itself where it has none."""
    recipe: CropRecipe
    """How its pictures are cut from a face box."""
    window: int
    """Ticks of 1/25 s that one clip yields."""
    context: int
    """Ticks on each side that the clip must hold besides, where there are any, so that the cutting
    into windows changes nothing."""
    gated: bool
    """Whether it cannot hear if anybody speaks at all, so that voice activity must tell it."""
    calibration: Calibration
    """What makes log odds of its raw logits."""

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return (T, D) for each clip: what `decide` needs of every tick."""
        ...

    def decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) raw logits, for M sounds, from the (T, D) rows of one whole track."""
        ...


def score_clip(scorer: Scorer, clip: Clip) -> NDArray[np.float32]:
    """Return (M, T) raw logits of a clip that is a track of its own, in one piece."""
    (rows,) = scorer.encode([clip])
    track = RowBuffer(rows.shape[1])
    track.add(rows)
    return scorer.decide(track)


def score_speech(
    pictures: Iterable[tuple[int, NDArray[np.uint8]]],
    cepstra: Sequence[RowBuffer],
    tracks: Sequence[FaceTrack],
    scorer: Scorer,
    rate: Fraction,
    within: FrameRange,
    *,
    voice: NDArray[np.float32] | None = None,
    meter: AvSyncEstimator | None = None,
    on_progress: Progress = no_progress,
) -> tuple[SpeechScores, ...]:
    """Return one calibrated score per source frame for every track.

    `pictures` are (frame, (H, W) gray) pairs of the whole of `within`, at the size that the boxes
    are in; `cepstra` are the MFCC rows of its sound, of each microphone; `voice` is the (frames,)
    probability that anybody is heard, which a gated scorer needs; `meter` is shown the lower faces
    until it has seen enough.
    """
    shown = within.start + grid_frames(within.duration, rate)
    growing = [TrackScorer(track, shown, scorer) for track in tracks]
    ticks_of = np.searchsorted(shown, np.arange(within.start, within.end + 1))
    to_come = deque(sorted(growing, key=lambda track: track.start))
    in_view: list[TrackScorer] = []
    waiting: list[_Window] = []
    for frame, picture in pictures:
        first, last = ticks_of[frame - within.start], ticks_of[frame - within.start + 1]
        while to_come and to_come[0].start < last:
            in_view.append(to_come.popleft())
        for track in in_view:
            for tick in range(max(first, track.start), min(last, track.end)):
                waiting += track.push_frame(picture, tick, cepstra)
                track.push_to_sync_estimator(meter, picture, tick, cepstra)
        in_view = [track for track in in_view if track.end > last]
        if sum(len(window.clip.crops) for window in waiting) >= AT_ONCE:
            _score_waiting(waiting, scorer)
        on_progress(frame - within.start + 1, within.duration)
    _score_waiting(waiting, scorer)
    return tuple(track.scores(within, rate, voice) for track in growing)


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A stretch of a track that waits to be encoded, and which of its ticks count."""

    track: TrackScorer
    clip: Clip
    counted: slice


def _score_waiting(waiting: list[_Window], scorer: Scorer) -> None:
    """Let every waiting window be scored, and forget it."""
    if waiting:
        encoded = scorer.encode([window.clip for window in waiting])
        for window, rows in zip(waiting, encoded, strict=True):
            window.track.push_encoded(rows[window.counted])
        waiting.clear()


class TrackScorer:
    """What is known of one track so far, and the crops that still wait to be encoded."""

    def __init__(self, track: FaceTrack, shown: NDArray[np.int64], scorer: Scorer) -> None:
        self._track, self._scorer = track, scorer
        self.start, self.end = np.searchsorted(shown, (track.start, track.range.end)).tolist()
        self._boxes = smooth_boxes(track.boxes[shown[self.start : self.end] - track.start])
        self._crops: list[NDArray[np.uint8]] = []  # of ticks from self._kept on
        self._kept = self._cut = self.start
        self._mouths: list[NDArray[np.uint8]] = []  # for the offset meter
        self._encoded: RowBuffer | None = None
        self._logits = np.empty(0, np.float32)

    def push_frame(
        self, picture: NDArray[np.uint8], tick: int, cepstra: Sequence[RowBuffer]
    ) -> Iterator[_Window]:
        """Take in one more picture; yield the windows that are complete with it."""
        box = self._boxes[tick - self.start]
        self._crops.append(crop_face(picture, box, self._scorer.recipe))
        seen, full = tick + 1, self._cut + self._scorer.window + self._scorer.context
        if seen in (full, self.end):
            yield self._next_window(seen, cepstra)
            # the end of the track may hold more than one window when its context was cut short
            while seen == self.end and self._cut < seen:
                yield self._next_window(seen, cepstra)
        if seen == self.end:
            self._crops.clear()  # the last window's context

    def push_to_sync_estimator(
        self,
        meter: AvSyncEstimator | None,
        picture: NDArray[np.uint8],
        tick: int,
        cepstra: Sequence[RowBuffer],
    ) -> None:
        """Show the meter the face, a piece at a time, until it has seen enough."""
        piece = tick - len(self._mouths)  # begins there
        if meter is None or meter.done or piece + PIECE > self.end:
            self._mouths.clear()  # nobody asks, or the track ends before the piece would
            return
        self._mouths.append(crop_face(picture, self._boxes[tick - self.start], LOWER_FACE))
        if len(self._mouths) == PIECE:
            first = tick + 1 - PIECE
            sounds = [rows_of(cepstrum, first, PIECE) for cepstrum in cepstra]
            meter.push(Clip(np.stack(self._mouths), np.stack(sounds)))
            self._mouths.clear()

    def _next_window(self, seen: int, cepstra: Sequence[RowBuffer]) -> _Window:
        """Return the next window, of which ticks up to `seen` are there."""
        first, last = self._cut, min(self._cut + self._scorer.window, seen)
        crops = np.stack(self._crops[: last + self._scorer.context - self._kept])
        sounds = [rows_of(cepstrum, self._kept, len(crops)) for cepstrum in cepstra]
        counted = slice(first - self._kept, last - self._kept)
        self._cut = last
        keep = max(self._kept, last - self._scorer.context)
        del self._crops[: keep - self._kept]
        self._kept = keep
        return _Window(self, Clip(crops, np.stack(sounds)), counted)

    def push_encoded(self, rows: NDArray[np.float32]) -> None:
        """Take in what the scorer made of the next window; after the last one, decide."""
        if self._encoded is None:
            self._encoded = RowBuffer(rows.shape[1])
        self._encoded.add(rows)
        if len(self._encoded) == self.end - self.start:
            self._logits = best_heard(self._scorer.decide(self._encoded))
            self._encoded = None

    def scores(
        self, within: FrameRange, rate: Fraction, voice: NDArray[np.float32] | None
    ) -> SpeechScores:
        frames, start = len(self._track.boxes), self._track.start - within.start
        if not len(self._logits):  # at more than 25 fps a track may fall between two ticks
            return SpeechScores(self._track.id, self._track.start, np.full(frames, -5, np.float32))
        logits = self._scorer.calibration(self._logits)
        logits = to_source_frames(logits, self.start, start, frames, rate)
        if voice is not None and self._scorer.gated:
            logits = gated(logits, voice[start : start + frames])
        return SpeechScores(self._track.id, self._track.start, logits)


def best_heard(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (T,) logits of a face from those with each of M microphones, (M, T)."""
    return logits.max(axis=0)


def gated(logits: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logit of "this face speaks, and somebody is heard": the two as independent.

    P = sigmoid(logit) * voice, for which the logits must be calibrated, taken back to a logit; a
    voice surer than 0.999 changes nothing that matters.
    """
    heard = np.clip(voice, 1e-3, 1 - 1e-3).astype(np.float64)
    odds_face, odds_voice = np.exp(-logits.astype(np.float64)), (1 - heard) / heard
    return -np.log(odds_face + odds_voice + odds_face * odds_voice).astype(np.float32)


def cepstra_of(blocks: Iterable[NDArray[np.int16]]) -> RowBuffer:
    """Return (n, 13) the MFCC of sound that comes in blocks, equal to that of the sound in one.

    A row looks 400 samples ahead of its 160 and one sample back, so each block is taken together
    with what the rows before it could not finish.
    """
    rows = RowBuffer(COEFFICIENTS)
    for block in _cepstra_blocks(blocks):
        rows.add(block.astype(np.float32))
    return rows


def _cepstra_blocks(blocks: Iterable[NDArray[np.int16]]) -> Iterator[NDArray[np.float64]]:
    rest, lead = np.empty(0, np.int16), 0  # `lead` rows at the head of `rest` are done already
    for block in blocks:
        rest = np.concatenate([rest, block])
        ready = (len(rest) - ROW_SAMPLES) // STEP_SAMPLES  # rows with all their samples there
        if ready > lead:
            yield mfcc(rest[: (ready - 1) * STEP_SAMPLES + ROW_SAMPLES])[lead:]
            # keep one finished row: its samples give the next row its pre-emphasis
            rest, lead = rest[(ready - 1) * STEP_SAMPLES :], 1
    if len(rest):
        yield mfcc(rest)[lead:]


def rows_of(cepstrum: RowBuffer, start: int, ticks: int) -> NDArray[np.float32]:
    """Return the (4 * ticks, 13) MFCC rows from tick `start` on."""
    return mfcc_rows(cepstrum.read(ROWS_PER_TICK * start, ROWS_PER_TICK * (start + ticks)), ticks)
