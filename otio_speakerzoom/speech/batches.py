"""Encodes windows of all tracks in batches, and logs each batch so that a stopped run can go on.

Which windows form a batch depends on the film alone, so the batches of two runs are the same. A run
that finds a batch in its log takes the encodings from there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.av_sync import PIECE_TICKS, SyncPiece, offset_of_piece
from otio_speakerzoom.speech.clip import Clip
from otio_speakerzoom.speech.scorer import Scorer

BATCH_TICKS = 1500
"""Ticks of pending windows, 19 MB of crops, that are encoded together: a minute, so that short
tracks fill a GPU as well as long ones do."""

MfccSource = Callable[[int, int], NDArray[np.float32]]
"""Returns the (M, 4 T, 13) MFCC rows of M microphones from a tick on, for a number T of ticks."""

Crops = list[NDArray[np.uint8] | None]
"""(112, 112) gray each; None where the frame is not read because a batch in the log covers it."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A window of a track to be encoded, with its context."""

    start: int
    """Tick of the first crop."""
    crops: Crops
    inner: slice
    """The window without its context, in `crops`."""
    add_rows: Callable[[NDArray[np.float32]], None]
    """Takes the encodings of the inner ticks."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedBatch:
    """What a batch adds to the results."""

    rows: tuple[NDArray[np.float32], ...]
    """(T, D) encodings of each of its windows, without context."""
    sync: tuple[SyncPiece, ...]
    """The pieces of tracks that were completed since the batch before."""
    resume_frame: int
    """First source frame whose pixels matter to any later batch or piece."""


class BatchLog(Protocol):
    """Keeps the batches of a run, so that another run can start where it stopped."""

    @property
    def resume_frame(self) -> int | None:
        """`resume_frame` of the last batch in the log when it was opened; None if it had none."""
        ...

    def read(self, batch: int) -> EncodedBatch | None:
        """Return a batch, by its number from 0; None if the log ends before it."""
        ...

    def write(self, batch: int, encoded: EncodedBatch) -> None:
        """Append a batch; numbers follow each other."""
        ...


class BatchEncoder:
    """Encodes windows once there are enough of them, or takes their encodings from a log."""

    def __init__(self, scorer: Scorer, mfcc: MfccSource, log: BatchLog | None) -> None:
        self._scorer, self._mfcc, self._log = scorer, mfcc, log
        self._pending: list[Window] = []
        self._sync: list[SyncPiece] = []  # since the last batch
        self._batch = 0
        self._logged = log.read(0) if log else None  # the next batch, if the log has it

    @property
    def is_full(self) -> bool:
        """Whether the pending windows are worth a batch."""
        return sum(len(window.crops) for window in self._pending) >= BATCH_TICKS

    def push(self, window: Window) -> None:
        self._pending.append(window)

    def measure_sync(self, key: int, end: int, crops: Crops) -> SyncPiece:
        """Return what a whole piece of a track, up to tick `end`, says about the A/V offset."""
        pieces = self._logged.sync if self._logged else ()
        piece = next((piece for piece in pieces if (piece.key, piece.end) == (key, end)), None)
        if piece is None:
            piece = SyncPiece(key, end, offset_of_piece(self._clip(end - PIECE_TICKS, crops)))
        self._sync.append(piece)
        return piece

    def encode(self, resume_frame: int) -> None:
        """Encode all pending windows together; see `EncodedBatch` for `resume_frame`."""
        if not self._pending:
            return
        batch = self._logged
        if batch is None:
            batch = EncodedBatch(self._encode_pending(), tuple(self._sync), resume_frame)
            if self._log:
                self._log.write(self._batch, batch)
        for window, rows in zip(self._pending, batch.rows, strict=True):
            window.add_rows(rows)
        self._pending.clear()
        self._sync.clear()
        self._batch += 1
        self._logged = self._log.read(self._batch) if self._log and self._logged else None

    def _encode_pending(self) -> tuple[NDArray[np.float32], ...]:
        clips = [self._clip(window.start, window.crops) for window in self._pending]
        encodings = self._scorer.encode(clips)
        return tuple(
            rows[window.inner] for window, rows in zip(self._pending, encodings, strict=True)
        )

    def _clip(self, start: int, crops: Crops) -> Clip:
        """The clip of `crops` from tick `start` on; empties the list, which frees their memory."""
        stacked = np.stack(_all_pixels(crops))
        crops.clear()
        return Clip(stacked, self._mfcc(start, len(stacked)))


def _all_pixels(crops: Crops) -> Sequence[NDArray[np.uint8]]:
    pixels = [crop for crop in crops if crop is not None]
    if len(pixels) != len(crops):
        raise ValueError("the log of batches ends before the crops begin; start without it")
    return pixels
