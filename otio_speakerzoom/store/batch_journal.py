"""scores.journal: the encodings of the batches of windows that a scorer has finished so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.store.arrays import column, spans
from otio_speakerzoom.store.unfinished import open_journal


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """What one record holds."""

    rows: list[NDArray[np.float32]]
    """(n, width) encodings of each window."""
    resume_frame: int
    sync: NDArray[np.int64]


class BatchJournal:
    """Batches of encodings, numbered from 0; each is read from the file when it is asked for."""

    def __init__(self, folder: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal of a work folder; it is empty if it has another digest."""
        self._journal = open_journal(folder, "scores", input_digest, restart=restart)
        self._latest: tuple[int, _Batch] | None = None

    def __len__(self) -> int:
        return len(self._journal)

    @property
    def resume_frame(self) -> int | None:
        """The first frame that the batches still to come need; None if there is no batch yet."""
        last = self._batch(len(self) - 1)
        return None if last is None else last.resume_frame

    def read(self, batch: int) -> list[NDArray[np.float32]] | None:
        """Return the (n, width) encodings of each window of a batch; None if it is not there."""
        entry = self._batch(batch)
        return None if entry is None else entry.rows

    def read_sync(self, batch: int) -> NDArray[np.int64] | None:
        """Return what was written as `sync` with a batch; None if it is not there."""
        entry = self._batch(batch)
        return None if entry is None else entry.sync

    def write(
        self,
        batch: int,
        rows: Sequence[NDArray[np.float32]],
        resume_frame: int,
        sync: NDArray[np.int64],
    ) -> None:
        """Append a batch, with the frame to go on from and the (N, 4) state of the A/V sync.

        Raise ValueError unless it is the next one.
        """
        if batch != len(self):
            raise ValueError(f"batch {batch} cannot follow {len(self)} batches")
        self._journal.append({
            "lengths": np.array([len(encoding) for encoding in rows], np.int64),
            "rows": np.concatenate(rows) if rows else np.empty((0, 0), np.float32),
            "resume_frame": np.array(resume_frame, np.int64),
            "sync": sync,
        })  # fmt: skip

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()

    def _batch(self, batch: int) -> _Batch | None:
        """Return a batch; the latest one stays in memory, for those who ask for its parts."""
        if not 0 <= batch < len(self):
            return None
        if self._latest is None or self._latest[0] != batch:
            self._latest = batch, self._journal.parse(batch, _parse)
        return self._latest[1]


def _parse(record: dict[str, Any]) -> _Batch:
    rows = column(record, "rows", "f", 2)
    return _Batch(
        [rows[span] for span in spans(record, len(rows))],
        int(column(record, "resume_frame", "i", 0)), _sync(record),
    )  # fmt: skip


def _sync(record: dict[str, Any]) -> NDArray[np.int64]:
    sync = column(record, "sync", "i", 2, minimum=-(2**31))
    if sync.shape[1] != 4:
        raise ValueError(f"sync has the shape {sync.shape}")
    return sync
