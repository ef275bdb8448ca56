"""Scores face tracks with a scorer, from streams of frames and audio, in bounded memory.

Frames are read once. Each track stores only the crops of the current window, and the scorer's
encodings of finished windows go to a row buffer, so memory depends on the number of visible faces
and not on the length of the film. Windows of several tracks are encoded together. The results are
calibrated: with every scorer, a score is the log odds that this face speaks.
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
from otio_speakerzoom.speech.av_sync import PIECE_TICKS, AvSyncEstimator
from otio_speakerzoom.speech.calibration import Calibration
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.crops import LOWER_FACE, CropRecipe, crop_face, smooth_boxes
from otio_speakerzoom.speech.mfcc import read_mfcc
from otio_speakerzoom.speech.row_buffer import RowBuffer
from otio_speakerzoom.speech.ticks import frames_at_ticks, to_source_frames

BATCH_TICKS = 1500
"""Ticks of pending windows, 19 MB of crops, that are encoded together: a minute, so that short
tracks fill a GPU as well as long ones do."""

UNSCORED_LOGIT = -5
"""Of a track so short that no tick falls into it."""


class Scorer(Protocol):
    """Scores faces: a network, or the mouth-motion measure that needs no weights."""

    name: str
    licence: str
    """Of its weights, or of itself if it has none."""
    recipe: CropRecipe
    """How its crops are cut around a face box."""
    window: int
    """Ticks of 1/25 s that one clip is scored for."""
    context: int
    """Extra ticks that a clip contains on each side, as far as there are any, so that splitting a
    track into windows changes no score."""
    gated_by_vad: bool
    """Whether it cannot detect voices by itself, so that its scores must be gated by the VAD."""
    calibration: Calibration
    """Turns its raw logits into log odds."""

    def encode(self, clips: Sequence[Clip]) -> list[NDArray[np.float32]]:
        """Return (T, D) for each clip: what `decide` needs of every tick."""
        ...

    def decide(self, track: RowBuffer) -> NDArray[np.float32]:
        """Return (M, T) raw logits for M microphones from the (T, D) encodings of a whole track."""
        ...


def score_clip(scorer: Scorer, clip: Clip) -> NDArray[np.float32]:
    """Return the (M, T) raw logits of a clip that is a whole track, in one piece."""
    (rows,) = scorer.encode([clip])
    track = RowBuffer(rows.shape[1])
    track.add(rows)
    return scorer.decide(track)


def score_speech(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    mfcc: Sequence[RowBuffer],
    tracks: Sequence[FaceTrack],
    scorer: Scorer,
    rate: Fraction,
    within: FrameRange,
    *,
    voice: NDArray[np.float32] | None = None,
    sync_estimator: AvSyncEstimator | None = None,
    on_progress: Progress = no_progress,
) -> tuple[SpeechScores, ...]:
    """Return one calibrated score per source frame for every track.

    `frames` are (number, (H, W) gray) pairs of all of `within`, at the size that the boxes refer
    to, of which only the `scored_frames` are read; `mfcc` are the MFCC rows of the same range, for
    each microphone; `voice` is the (frames,) voice probability, which gates scorers that need it;
    `sync_estimator` gets the lower faces until it has enough.
    """
    tick_frames = within.start + frames_at_ticks(within.duration, rate)
    track_scorers = [TrackScorer(track, tick_frames, scorer) for track in tracks]
    first_ticks = np.searchsorted(tick_frames, np.arange(within.start, within.end + 1))
    upcoming = deque(sorted(track_scorers, key=lambda track: track.start))
    active: list[TrackScorer] = []
    pending: list[_Window] = []
    for number, frame in frames:
        first, last = first_ticks[number - within.start], first_ticks[number - within.start + 1]
        while upcoming and upcoming[0].start < last:
            active.append(upcoming.popleft())
        for track in active:
            for tick in range(max(first, track.start), min(last, track.end)):
                pending += track.push_frame(frame, tick, mfcc)
                track.push_to_sync_estimator(sync_estimator, frame, tick, mfcc)
        active = [track for track in active if track.end > last]
        if sum(len(window.clip.crops) for window in pending) >= BATCH_TICKS:
            _encode_pending(pending, scorer)
        on_progress(number - within.start + 1, within.duration)
    _encode_pending(pending, scorer)
    return tuple(track.scores(within, rate, voice) for track in track_scorers)


def scored_frames(
    tracks: Sequence[FaceTrack], rate: Fraction, within: FrameRange
) -> NDArray[np.bool_]:
    """Return (frames,) for each frame of `within` whether it is at a tick and in a track."""
    is_scored = np.zeros(within.duration, np.bool_)
    in_track = np.zeros(within.duration, np.bool_)
    is_scored[frames_at_ticks(within.duration, rate)] = True
    for track in tracks:
        in_track[max(0, track.start - within.start) : max(0, track.range.end - within.start)] = True
    return is_scored & in_track


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    """A window of a track to be encoded, and the slice of its clip without context."""

    track: TrackScorer
    clip: Clip
    inner: slice


def _encode_pending(pending: list[_Window], scorer: Scorer) -> None:
    """Encode all pending windows together, and empty the list."""
    if pending:
        encodings = scorer.encode([window.clip for window in pending])
        for window, rows in zip(pending, encodings, strict=True):
            window.track.push_encoded(rows[window.inner])
        pending.clear()


class TrackScorer:
    """Scores one track: collects crops into windows, then encodings, and decides at its end."""

    def __init__(self, track: FaceTrack, tick_frames: NDArray[np.int64], scorer: Scorer) -> None:
        """`tick_frames` is the source frame shown at each tick."""
        self._track, self._scorer = track, scorer
        ends = np.searchsorted(tick_frames, (track.start, track.range.end))
        self.start, self.end = ends.tolist()  # in ticks, as all that follow
        self._boxes = smooth_boxes(track.boxes[tick_frames[self.start : self.end] - track.start])
        self._crops: list[NDArray[np.uint8]] = []
        self._crops_start = self.start  # tick of the first of them
        self._window_start = self.start  # tick of the next window, its context not included
        self._sync_crops: list[NDArray[np.uint8]] = []
        self._encodings: RowBuffer | None = None
        self._tick_logits = np.empty(0, np.float32)  # raw, from self.start on

    def push_frame(
        self, frame: NDArray[np.uint8], tick: int, mfcc: Sequence[RowBuffer]
    ) -> Iterator[_Window]:
        """Add the frame shown at `tick`; yield the windows that are now complete."""
        box = self._boxes[tick - self.start]
        self._crops.append(crop_face(frame, box, self._scorer.recipe))
        end, full = tick + 1, self._window_start + self._scorer.window + self._scorer.context
        if end in (full, self.end):
            yield self._next_window(end, mfcc)
            # the end of the track may contain more than one window if its context is cut short
            while end == self.end and self._window_start < end:
                yield self._next_window(end, mfcc)
        if end == self.end:
            self._crops.clear()  # the last window's context

    def push_to_sync_estimator(
        self,
        estimator: AvSyncEstimator | None,
        frame: NDArray[np.uint8],
        tick: int,
        mfcc: Sequence[RowBuffer],
    ) -> None:
        """Pass the lower face to the estimator, in whole pieces, until it has enough."""
        piece_start = tick - len(self._sync_crops)
        if estimator is None or estimator.done or piece_start + PIECE_TICKS > self.end:
            self._sync_crops.clear()  # not needed, or the track ends before the piece would
            return
        self._sync_crops.append(crop_face(frame, self._boxes[tick - self.start], LOWER_FACE))
        if len(self._sync_crops) == PIECE_TICKS:
            first = tick + 1 - PIECE_TICKS
            rows = [read_mfcc(buffer, first, PIECE_TICKS) for buffer in mfcc]
            estimator.push(Clip(np.stack(self._sync_crops), np.stack(rows)))
            self._sync_crops.clear()

    def _next_window(self, end: int, mfcc: Sequence[RowBuffer]) -> _Window:
        """Return the next window, given the crops of all ticks before `end`."""
        first, last = self._window_start, min(self._window_start + self._scorer.window, end)
        crops = np.stack(self._crops[: last + self._scorer.context - self._crops_start])
        rows = [read_mfcc(buffer, self._crops_start, len(crops)) for buffer in mfcc]
        inner = slice(first - self._crops_start, last - self._crops_start)
        self._window_start = last
        still_needed = max(self._crops_start, last - self._scorer.context)
        del self._crops[: still_needed - self._crops_start]
        self._crops_start = still_needed
        return _Window(self, Clip(crops, np.stack(rows)), inner)

    def push_encoded(self, rows: NDArray[np.float32]) -> None:
        """Add the scorer's encoding of the next window; after the last one, decide."""
        if self._encodings is None:
            self._encodings = RowBuffer(rows.shape[1])
        self._encodings.add(rows)
        if len(self._encodings) == self.end - self.start:
            self._tick_logits = best_microphone(self._scorer.decide(self._encodings))
            self._encodings = None

    def scores(
        self, within: FrameRange, rate: Fraction, voice: NDArray[np.float32] | None
    ) -> SpeechScores:
        frames, start = len(self._track.boxes), self._track.start - within.start
        if not len(self._tick_logits):  # above 25 fps a track may lie between two ticks
            logits = np.full(frames, UNSCORED_LOGIT, np.float32)
            return SpeechScores(self._track.id, self._track.start, logits)
        logits = self._scorer.calibration(self._tick_logits)
        logits = to_source_frames(logits, self.start, start, frames, rate)
        if voice is not None and self._scorer.gated_by_vad:
            logits = gate_by_vad(logits, voice[start : start + frames])
        return SpeechScores(self._track.id, self._track.start, logits)


def best_microphone(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (T,) logits of a face from its (M, T) logits with each of M microphones."""
    return logits.max(axis=0)


def gate_by_vad(logits: NDArray[np.float32], voice: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logit of "this face speaks, and there is a voice", the two as independent.

    P = sigmoid(logit) * voice, for calibrated logits, converted back to a logit; a voice
    probability above 0.999 changes nothing that matters.
    """
    clipped = np.clip(voice, 1e-3, 1 - 1e-3).astype(np.float64)
    odds_face, odds_voice = np.exp(-logits.astype(np.float64)), (1 - clipped) / clipped
    return -np.log(odds_face + odds_voice + odds_face * odds_voice).astype(np.float32)
