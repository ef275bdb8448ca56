"""Scores face tracks with a scorer while they grow, in bounded memory.

Frames are read once. Each track stores only the crops of the current window, and the encodings
that its scorer still needs, on disk if they are many, so memory depends on the number of visible
faces and not on the length of the film. Windows of several tracks are encoded together. The
results are calibrated: with every scorer, a score is the log odds that this face speaks.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import (
    FaceTrack,
    FrameRange,
    Progress,
    Speech,
    TrackGrowth,
    no_progress,
)
from otio_speakerzoom.speech.av_sync import AvSyncEstimator, SyncPiece
from otio_speakerzoom.speech.batches import BatchEncoder, BatchLog, MfccSource
from otio_speakerzoom.speech.crops import SMOOTHING_TICKS, CropRecipe, crop_face
from otio_speakerzoom.speech.mfcc import read_mfcc
from otio_speakerzoom.speech.row_buffer import FileSource, RowBuffer, temporary_file
from otio_speakerzoom.speech.scorer import Scorer
from otio_speakerzoom.speech.ticks import frames_at_ticks
from otio_speakerzoom.speech.track_scorer import TrackScorer

CropSource = Callable[[int, NDArray[np.float32], CropRecipe], NDArray[np.uint8]]
"""Cuts the (112, 112) gray crop of a (4,) box from the source frame of that number."""


class SpeechScoring:
    """Scores tracks whose boxes and frames come bit by bit.

    The results depend on the film alone, not on how it is divided into pushes: ticks are cut in
    order, and at each tick the tracks by their first frame, then by their key.
    """

    def __init__(
        self,
        scorer: Scorer,
        rate: Fraction,
        within: FrameRange,
        mfcc: MfccSource,
        *,
        batches: BatchLog | None = None,
        new_file: FileSource = temporary_file,
    ) -> None:
        """`mfcc` counts ticks from `within.start`; `batches` makes a run that stopped go on.

        Some networks need the encodings of a whole track; those of a long one go to a `new_file`.
        """
        self._new_file = new_file
        self._scorer, self._rate, self._within = scorer, rate, within
        self._tick_frames = within.start + frames_at_ticks(within.duration, rate)
        self._tick = 0  # to be cut next
        self._tracks: dict[int, TrackScorer] = {}
        self._upcoming: list[tuple[int, int]] = []  # heap of first frame and key
        self._active: list[TrackScorer] = []
        self._encoder = BatchEncoder(scorer, mfcc, batches)
        self._pieces: list[SyncPiece] = []
        resume_frame = None if batches is None else batches.resume_frame
        self.crops_from = within.start if resume_frame is None else resume_frame
        """First frame that is cropped: before it, the log replaces the pixels."""

    @property
    def needed_from(self) -> int:
        """First frame that a later push may crop; the end of the range if there is none."""
        is_done = self._tick == len(self._tick_frames)
        next_frame = self._within.end if is_done else int(self._tick_frames[self._tick])
        return max(next_frame, self.crops_from)

    def push(
        self, growths: Iterable[TrackGrowth], settled_end: int, frames_end: int, crop: CropSource
    ) -> None:
        """Add boxes, and crop what is ready from the frames that can be read.

        All boxes of frames before `settled_end` have come, with these growths at the latest; `crop`
        can read the frames from `needed_from` up to `frames_end`.
        """
        for growth in growths:
            self._grow(growth)
        end = self._ready_end(settled_end, frames_end)
        for tick in range(self._tick, end):
            self._cut(tick, crop)
        self._tick = max(self._tick, end)

    def finish(
        self,
        tracks: Sequence[FaceTrack],
        keys: Sequence[int],
        crop: CropSource,
        voice: NDArray[np.float32] | None = None,
    ) -> Speech:
        """Return the scores of the final `tracks`, whose growths had these `keys`.

        All boxes have come, and `crop` can read all frames from `needed_from` on. `voice` is the
        (frames,) voice probability, which gates scorers that need it.
        """
        self.push((), self._within.end, self._within.end, crop)
        self._encoder.encode(self._within.end)
        self._encoder.wait()
        scorers = [self._tracks[key] for key in keys]
        scores = tuple(
            scorer.scores(track, self._within, self._rate, voice)
            for scorer, track in zip(scorers, tracks, strict=True)
        )
        return Speech(scores, self._av_offset_s(scorers))

    def _grow(self, growth: TrackGrowth) -> None:
        track = self._tracks.get(growth.key)
        if track is None:
            track = TrackScorer(growth, self._tick_frames, self._scorer, self._new_file)
            if track.path.start < self._tick:
                raise ValueError(
                    f"track {growth.key} begins at frame {growth.start}, which is settled already"
                )
            self._tracks[growth.key] = track
            heapq.heappush(self._upcoming, (growth.start, growth.key))
        track.path.push(growth)

    def _ready_end(self, settled_end: int, frames_end: int) -> int:
        """The tick before which all are ready: their frames, and the boxes that smoothing needs."""
        readable, settled = np.searchsorted(self._tick_frames, (frames_end, settled_end)).tolist()
        if settled_end < self._within.end:
            settled -= SMOOTHING_TICKS // 2
        return min(readable, settled)

    def _cut(self, tick: int, crop: CropSource) -> None:
        frame = int(self._tick_frames[tick])
        while self._upcoming and self._upcoming[0][0] <= frame:
            self._active.append(self._tracks[heapq.heappop(self._upcoming)[1]])
        crop_frame = partial(crop, frame) if frame >= self.crops_from else None
        for track in self._active:
            if track.path.end > tick:  # otherwise it lies between two ticks
                piece = track.cut(tick, crop_frame, self._encoder)
                self._pieces += [piece] if piece else []
        self._active = [track for track in self._active if track.path.end > tick + 1]
        if self._encoder.is_full:
            needed = min((track.needed_from for track in self._active), default=tick + 1)
            frames = [*self._tick_frames[needed : needed + 1].tolist(), self._within.end]
            self._encoder.encode(frames[0])

    def _av_offset_s(self, scorers: Sequence[TrackScorer]) -> float | None:
        """The offset by the pieces of the final tracks, in order of their end and the track."""
        order = sorted(range(len(scorers)), key=lambda n: scorers[n].path.start)
        ranks = {scorers[n].key: rank for rank, n in enumerate(order)}
        pieces = [piece for piece in self._pieces if piece.key in ranks]
        estimator = AvSyncEstimator()
        for piece in sorted(pieces, key=lambda p: (self._tick_frames[p.end - 1], ranks[p.key])):
            if not estimator.done:
                estimator.push(piece.offset_ticks)
        return estimator.offset_s()


def score_speech(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    mfcc: Sequence[RowBuffer],
    tracks: Sequence[FaceTrack],
    scorer: Scorer,
    rate: Fraction,
    within: FrameRange,
    *,
    voice: NDArray[np.float32] | None = None,
    batches: BatchLog | None = None,
    new_file: FileSource = temporary_file,
    on_progress: Progress = no_progress,
) -> Speech:
    """Return one calibrated score per source frame for every track, and the A/V offset.

    `frames` are (number, (H, W) gray) pairs of all of `within`, at the size that the boxes refer
    to, of which only the `scored_frames` are read; they may begin at the `resume_frame` of
    `batches`. `mfcc` are the MFCC rows of all of `within`, for each microphone; `voice` is the
    (frames,) voice probability, which gates scorers that need it.
    """
    scoring = SpeechScoring(
        scorer, rate, within, mfcc_source(mfcc), batches=batches, new_file=new_file
    )
    growths = [whole_growth(track, key) for key, track in enumerate(tracks)]

    def crop_none(number: int, box: NDArray[np.float32], recipe: CropRecipe) -> NDArray[np.uint8]:
        raise ValueError(f"there is no frame {number}")

    for number, frame in frames:
        scoring.push(growths, within.end, number + 1, partial(_crop_from, number, frame))
        growths = []
        on_progress(number - within.start + 1, within.duration)
    return scoring.finish(tracks, range(len(tracks)), crop_none, voice)


def _crop_from(
    number: int,
    frame: NDArray[np.uint8],
    required: int,
    box: NDArray[np.float32],
    recipe: CropRecipe,
) -> NDArray[np.uint8]:
    """A `CropSource` of the single frame `number`."""
    if required != number:
        raise ValueError(f"frame {required} is to be cropped after frame {number}")
    return crop_face(frame, box, recipe)


def whole_growth(track: FaceTrack, key: int) -> TrackGrowth:
    """Return a finished track as a single growth."""
    return TrackGrowth(key, track.start, track.boxes, track.has_detection, ended=True)


def mfcc_source(mfcc: Sequence[RowBuffer]) -> MfccSource:
    """Return the source of the MFCC rows of each microphone, which are all there."""
    return lambda start, ticks: np.stack([read_mfcc(rows, start, ticks) for rows in mfcc])


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
