"""Scores one track while it grows: crops into windows, encodings of windows into logits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FaceTrack, FrameRange, SpeechScores, TrackGrowth
from otio_speakerzoom.speech.av_sync import PieceCollector, SyncPiece
from otio_speakerzoom.speech.batches import BatchEncoder, Crops, Window
from otio_speakerzoom.speech.calibration import round_log_odds
from otio_speakerzoom.speech.crops import LOWER_FACE, CropRecipe
from otio_speakerzoom.speech.row_buffer import FileSource
from otio_speakerzoom.speech.scorer import Decider, Scorer, best_microphone, gate_by_vad
from otio_speakerzoom.speech.smooth_path import SmoothPath
from otio_speakerzoom.speech.ticks import to_source_frames

CropAt = Callable[[NDArray[np.float32], CropRecipe], NDArray[np.uint8]]
"""Cuts a (4,) box from one frame."""

UNSCORED_LOGIT = -5
"""Of a track so short that no tick falls into it."""


class TrackScorer:
    """Scores one track: collects crops into windows, then encodings, and decides at its end."""

    def __init__(
        self,
        growth: TrackGrowth,
        tick_frames: NDArray[np.int64],
        scorer: Scorer,
        new_file: FileSource,
    ) -> None:
        """`growth` is the track's first, `tick_frames` the source frame of each tick."""
        self.key, self.start_frame = growth.key, growth.start
        self.path = SmoothPath(growth.start, tick_frames)
        self._scorer = scorer
        self._crops: Crops = []
        self._crops_start = self.path.start  # tick of the first of them
        self._window_start = self.path.start  # tick of the next window, its context not included
        self._pieces = PieceCollector(self.path.start)
        self._is_cut = False  # up to its end
        # the rest is of the thread that encodes
        self._decider: Decider | None = scorer.decider(new_file)
        self._encoded_ticks = 0
        self._tick_logits: list[NDArray[np.float32]] = []  # raw, from the first tick on

    @property
    def needed_from(self) -> int:
        """The first tick whose crop is in no complete window or piece."""
        return (
            min(self._crops_start, self._pieces.start) if self._pieces.crops else self._crops_start
        )

    def cut(self, tick: int, crop: CropAt | None, encoder: BatchEncoder) -> SyncPiece | None:
        """Cut the face at the next tick, pass on the windows and return the piece it completes.

        The track ends here unless the box of the next tick has come. `crop` is None where the log
        of an earlier run replaces the pixels.
        """
        box = self.path.next_box()
        face = crop(box, self._scorer.recipe) if crop else None
        self._crops.append(face)
        self._is_cut = self.path.end == tick + 1
        for window in self._windows(tick + 1):
            encoder.push(window)
        piece = None
        if self._collects_pieces():
            is_other = self._scorer.recipe != LOWER_FACE
            self._pieces.crops.append(crop(box, LOWER_FACE) if crop and is_other else face)
            if self._pieces.end == tick + 1:
                piece = encoder.measure_sync(self.key, tick + 1, self._pieces.crops)
                self._pieces.start_next(piece.offset_ticks)
        if self._is_cut:
            self._crops, self._pieces.crops = [], []  # the last context, and a piece cut short
        return piece

    def _collects_pieces(self) -> bool:
        is_too_short = self.path.has_ended and self._pieces.end > self.path.end
        if is_too_short:
            self._pieces.crops = []
        return not is_too_short and not self._pieces.done

    def _windows(self, end: int) -> Iterator[Window]:
        """Yield the windows that are complete, given the crops of all ticks before `end`."""
        full = self._window_start + self._scorer.window + self._scorer.context
        if self._is_cut or end == full:
            yield self._next_window(end)
            # the end of the track may contain more than one window if its context is cut short
            while self._is_cut and self._window_start < end:
                yield self._next_window(end)

    def _next_window(self, end: int) -> Window:
        """Return the next window, given the crops of all ticks before `end`."""
        start, context = self._crops_start, self._scorer.context
        first, last = self._window_start, min(self._window_start + self._scorer.window, end)
        crops = self._crops[: last + context - start]
        self._window_start = last
        self._crops_start = max(start, last - context)
        del self._crops[: self._crops_start - start]
        return Window(start, crops, slice(first - start, last - start), self._add_rows)

    def _add_rows(self, rows: NDArray[np.float32]) -> None:
        """Add the encodings of the next window, and decide as far as they allow."""
        assert self._decider
        blocks = self._decider.push(rows)
        self._encoded_ticks += len(rows)
        # the last windows come after the last crop, so that the end does not move any more
        if self._is_cut and self._encoded_ticks == self.path.end - self.path.start:
            blocks += self._decider.finish()
            self._decider = None
        self._tick_logits += [best_microphone(logits) for logits in blocks]

    def scores(
        self,
        track: FaceTrack,
        within: FrameRange,
        rate: Fraction,
        voice: NDArray[np.float32] | None,
    ) -> SpeechScores:
        """Return the calibrated, rounded scores of `track`, which these boxes became."""
        frames, start = len(track.boxes), track.start - within.start
        if (track.start, track.range.end) != (self.start_frame, self.path.end_frame):
            raise ValueError(
                f"track {track.id} is {track.range}, and the boxes of its key {self.key} are of "
                f"frames {self.start_frame} up to {self.path.end_frame}"
            )
        if not self._tick_logits:  # above 25 fps a track may lie between two ticks
            logits = np.full(frames, UNSCORED_LOGIT, np.float32)
            return SpeechScores(track.id, track.start, logits)
        logits = self._scorer.calibration(np.concatenate(self._tick_logits))
        logits = to_source_frames(logits, self.path.start, start, frames, rate)
        if voice is not None and self._scorer.gated_by_vad:
            logits = gate_by_vad(logits, voice[start : start + frames])
        return SpeechScores(track.id, track.start, round_log_odds(logits))
