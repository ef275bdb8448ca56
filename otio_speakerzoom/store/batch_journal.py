"""scores.journal: the encodings of the batches of windows that a scorer has finished so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.store.unfinished import open_journal


@dataclass(frozen=True, slots=True, eq=False)
class BatchArrays:
    """A batch as numbers."""

    rows: Sequence[NDArray[np.float32]]
    """(n, width) encodings of each window."""
    sync: NDArray[np.int64]
    """What the batch adds to the estimate of the A/V sync, in any shape."""
    resume_frame: int
    """The first source frame that the batches after it need."""


class BatchJournal:
    """Batches, numbered from 0; each is read from the file when it is asked for."""

    def __init__(self, folder: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal of a work folder; it is empty if it has another digest."""
        self._journal = open_journal(folder, "scores", input_digest, restart=restart)

    def __len__(self) -> int:
        return len(self._journal)

    @property
    def resume_frame(self) -> int | None:
        """`resume_frame` of the last batch; None if there is none."""
        last = self.read(len(self) - 1)
        return last and last.resume_frame

    def read(self, batch: int) -> BatchArrays | None:
        """Return a batch; None if it is not there."""
        if not 0 <= batch < len(self):
            return None
        arrays = self._journal.read(batch)
        ends = np.cumsum(arrays["lengths"]).tolist()
        rows = np.split(arrays["rows"], ends)[:-1]
        return BatchArrays(rows, arrays["sync"], int(arrays["resume_frame"]))

    def write(self, batch: int, arrays: BatchArrays) -> None:
        """Append a batch; raise ValueError unless it is the next one."""
        if batch != len(self):
            raise ValueError(f"batch {batch} cannot follow {len(self)} batches")
        self._journal.append({
            "lengths": np.array([len(rows) for rows in arrays.rows], np.int64),
            "rows": np.concatenate(arrays.rows) if arrays.rows else np.empty((0, 0), np.float32),
            "sync": arrays.sync,
            "resume_frame": np.array(arrays.resume_frame, np.int64),
        })  # fmt: skip

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()
