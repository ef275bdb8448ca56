"""Encodes windows of all tracks in batches, and logs each batch so that a stopped run can go on.

Which windows form a batch depends on the film alone, so the batches of two runs are the same. A run
that finds a batch in its log takes the encodings from there. Batches are encoded one after another
by a thread, while the crops of the next batch are collected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.speech.av_sync import (
    PIECE_TICKS,
    SyncPiece,
    as_array,
    from_array,
    offset_of_piece,
)
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
    """Takes the encodings of the inner ticks; called for one window after another by one thread."""


class BatchLog(Protocol):
    """Keeps the batches of a run, so that another run can start where it stopped."""

    @property
    def resume_frame(self) -> int | None:
        """First source frame whose pixels matter to what comes after the log; None if empty."""
        ...

    def read(self, batch: int) -> list[NDArray[np.float32]] | None:
        """Return the (T, D) encodings of each window of a batch, numbered from 0.

        None if the log does not have it.
        """
        ...

    def read_sync(self, batch: int) -> NDArray[np.int64] | None:
        """Return what was written as `sync` with a batch; None if the log does not have it."""
        ...

    def write(
        self,
        batch: int,
        rows: Sequence[NDArray[np.float32]],
        resume_frame: int,
        sync: NDArray[np.int64],
    ) -> None:
        """Append a batch; the numbers follow each other."""
        ...


class BatchEncoder:
    """Encodes windows once there are enough of them, or takes their encodings from a log."""

    def __init__(self, scorer: Scorer, mfcc: MfccSource, log: BatchLog | None) -> None:
        self._scorer, self._mfcc, self._log = scorer, mfcc, log
        self._pending: list[Window] = []
        self._thread = ThreadPoolExecutor(1, "encode")
        self._encoding: Future[None] | None = None  # the batch before
        self._pieces: list[SyncPiece] = []  # since the last batch
        self._batch = 0
        self._is_in_log = False
        self._log_pieces: list[SyncPiece] = []  # of the next batch, if it is in the log
        self._look_ahead()

    @property
    def is_full(self) -> bool:
        """Whether the pending windows are worth a batch."""
        return sum(len(window.crops) for window in self._pending) >= BATCH_TICKS

    def push(self, window: Window) -> None:
        self._pending.append(window)

    def measure_sync(self, key: int, end: int, crops: Crops) -> SyncPiece:
        """Return what a whole piece of a track, up to tick `end`, says about the A/V offset."""
        pieces = (piece for piece in self._log_pieces if (piece.key, piece.end) == (key, end))
        piece = next(pieces, None)
        if piece is None:
            piece = SyncPiece(key, end, offset_of_piece(self._clip(end - PIECE_TICKS, crops)))
        self._pieces.append(piece)
        return piece

    def encode(self, resume_frame: int) -> None:
        """Start to encode all pending windows together; errors are those of the batch before.

        `resume_frame` is the first frame whose pixels matter to any later window or piece.
        """
        if not self._pending:
            return
        windows, pieces, batch = self._pending, self._pieces, self._batch
        self._pending, self._pieces, self._batch = [], [], batch + 1
        encodings = self._log.read(batch) if self._is_in_log and self._log is not None else None
        if encodings is not None:
            _add_rows(windows, encodings)
            self._look_ahead()
            return
        self.wait()
        clips = [self._clip(window.start, window.crops) for window in windows]

        def run() -> None:
            inner = [window.inner for window in windows]
            encodings = [rows[i] for rows, i in zip(self._scorer.encode(clips), inner, strict=True)]
            if self._log is not None:
                self._log.write(batch, encodings, resume_frame, as_array(pieces))
            _add_rows(windows, encodings)

        self._encoding = self._thread.submit(run)

    def wait(self) -> None:
        """Wait until all batches so far are encoded, logged and with their tracks."""
        if self._encoding:
            self._encoding.result()
            self._encoding = None

    def _look_ahead(self) -> None:
        """Read the pieces that come before the end of the next batch."""
        sync = self._log.read_sync(self._batch) if self._log is not None else None
        self._is_in_log = sync is not None
        self._log_pieces = [] if sync is None else from_array(sync)

    def _clip(self, start: int, crops: Crops) -> Clip:
        """The clip of `crops` from tick `start` on; empties the list, which frees their memory."""
        pixels = np.stack(_all_pixels(crops))
        crops.clear()
        return Clip(pixels, self._mfcc(start, len(pixels)))


def _add_rows(windows: Sequence[Window], encodings: Sequence[NDArray[np.float32]]) -> None:
    for window, rows in zip(windows, encodings, strict=True):
        window.add_rows(rows)


def _all_pixels(crops: Crops) -> Sequence[NDArray[np.uint8]]:
    pixels = [crop for crop in crops if crop is not None]
    if len(pixels) != len(crops):
        raise ValueError("the log of batches ends before the crops begin; start without it")
    return pixels
