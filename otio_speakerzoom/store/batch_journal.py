"""scores.journal: the encodings of the batches of windows that a scorer has finished so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.store.unfinished import open_journal


class BatchJournal:
    """Batches of encodings, numbered from 0; each is read from the file when it is asked for."""

    def __init__(self, folder: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal of a work folder; it is empty if it has another digest."""
        self._journal = open_journal(folder, "scores", input_digest, restart=restart)

    def __len__(self) -> int:
        return len(self._journal)

    @property
    def resume_frame(self) -> int | None:
        """The first frame that the batches still to come need; None if there is no batch yet."""
        if not len(self._journal):
            return None
        return int(self._journal.read(len(self._journal) - 1)["resume_frame"])

    def read(self, batch: int) -> list[NDArray[np.float32]] | None:
        """Return the (n, width) encodings of each window of a batch; None if it is not there."""
        if not 0 <= batch < len(self._journal):
            return None
        arrays = self._journal.read(batch)
        ends = np.cumsum(arrays["lengths"])[:-1]
        return np.split(arrays["rows"], ends) if len(arrays["lengths"]) else []

    def read_sync(self, batch: int) -> NDArray[np.int64] | None:
        """Return what was written as `sync` with a batch; None if it is not there."""
        if not 0 <= batch < len(self._journal):
            return None
        return self._journal.read(batch)["sync"]

    def write(
        self,
        batch: int,
        rows: Sequence[NDArray[np.float32]],
        resume_frame: int,
        sync: NDArray[np.int64],
    ) -> None:
        """Add the next batch, with the frame to go on from and the state of the A/V sync.

        Batches come in order; one that is there already is not written again.
        """
        if batch < len(self._journal):
            return
        if batch > len(self._journal):
            raise ValueError(f"batch {batch} cannot follow {len(self._journal)} batches")
        arrays = {
            "lengths": np.array([len(encoding) for encoding in rows], np.int64),
            "rows": np.concatenate(rows) if rows else np.empty((0, 0), np.float32),
            "resume_frame": np.array(resume_frame, np.int64),
            "sync": np.asarray(sync),
        }
        self._journal.append(arrays)

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()
