"""Lets an interrupted analysis go on: what the journals hold is not computed again.

The result is the same, bit for bit, as without the interruption: detections and encodings depend on
the source alone, and the tracks are tracked again from the detections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import store
from otio_speakerzoom.faces.detect import FaceDetection
from otio_speakerzoom.model import FrameFaces
from otio_speakerzoom.speech.av_sync import SyncPiece
from otio_speakerzoom.speech.batches import EncodedBatch

RECORD_FRAMES = 250
"""Frames whose faces are appended at once: an interruption loses the search of ten seconds."""


class DetectionLog:
    """Feeds a new detection from a journal, and appends to it what that detection returns."""

    def __init__(self, detection: FaceDetection, journal: store.DetectionJournal) -> None:
        self._detection, self._journal = detection, journal
        self._start = detection.next_frame
        self._end = journal.end or self._start
        self._faces: list[FrameFaces] = []

    def replay(self) -> Iterator[list[FrameFaces]]:
        """Yield the final faces of the frames in the journal, part by part.

        The detection has searched them then: push the frames from its `next_frame` on.
        """
        for faces, changes in self._journal.parts():
            yield self._detection.extend(faces, changes)

    def add(self, faces: Iterable[FrameFaces]) -> None:
        """Add faces that the detection has returned since the replay."""
        self._faces += [row for row in faces if row.frame >= self._end]
        end = self._detection.complete_end
        if end >= self._end + RECORD_FRAMES:
            changes = self._detection.changes[self._end - self._start : end - self._start]
            complete = [row for row in self._faces if row.frame < end]
            self._journal.append(complete, np.array(changes, np.float64), end)
            self._faces = self._faces[len(complete) :]
            self._end = end


class BatchFile:
    """The log of a scorer's batches, in a journal."""

    def __init__(self, journal: store.BatchJournal) -> None:
        self._journal = journal
        self.resume_frame = journal.resume_frame

    def read(self, batch: int) -> EncodedBatch | None:
        """Return a batch, by its number from 0; None if the journal ends before it."""
        arrays = self._journal.read(batch)
        if arrays is None:
            return None
        sync = tuple(
            SyncPiece(key, end, offset if is_known else None)
            for key, end, is_known, offset in arrays.sync.tolist()
        )
        return EncodedBatch(tuple(arrays.rows), sync, arrays.resume_frame)

    def write(self, batch: int, encoded: EncodedBatch) -> None:
        """Append a batch; numbers follow each other."""
        self._journal.write(
            batch, store.BatchArrays(encoded.rows, _sync_rows(encoded.sync), encoded.resume_frame)
        )


def _sync_rows(pieces: Sequence[SyncPiece]) -> NDArray[np.int64]:
    """Return (N, 4) key, end, whether there is an offset, and the offset."""
    rows = [(p.key, p.end, p.offset_ticks is not None, p.offset_ticks or 0) for p in pieces]
    return np.array(rows, np.int64).reshape(-1, 4)
