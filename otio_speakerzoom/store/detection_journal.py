"""detections.journal: the faces and the content values of the frames that were processed so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameFaces
from otio_speakerzoom.store.unfinished import open_journal


class DetectionJournal:
    """What the detection of faces has found up to a frame, from which it can go on."""

    def __init__(self, folder: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal of a work folder; it is empty if it has another digest."""
        self._journal = open_journal(folder, "detections", input_digest, restart=restart)
        self._ends: list[int] = [int(record["end"]) for record in self._journal]

    @property
    def end(self) -> int | None:
        """The frame to go on from: the rows and values are those before it; None if empty."""
        return self._ends[-1] if self._ends else None

    def append(self, rows: Sequence[FrameFaces], values: NDArray[np.float64], end: int) -> None:
        """Add the rows since the last call, and the content values of the frames since then.

        All rows and values of frames before `end` must be there then, and no others.
        """
        arrays = {
            "end": np.array(end, np.int64),
            "frames": np.array([row.frame for row in rows], np.int64),
            "counts": np.array([len(row.boxes) for row in rows], np.int64),
            "boxes": np.concatenate([np.empty((0, 4), np.float32), *(r.boxes for r in rows)]),
            "confidences": np.concatenate(
                [np.empty(0, np.float32), *(row.confidences for row in rows)]
            ),
            "values": np.asarray(values, np.float64),
        }
        self._journal.append(arrays)
        self._ends.append(end)

    def rows(self) -> Iterator[FrameFaces]:
        """Yield the faces frame by frame, in the order in which they were added."""
        for record in self._journal:
            last = 0
            for frame, count in zip(
                record["frames"].tolist(), record["counts"].tolist(), strict=True
            ):
                span = slice(last, last + count)
                yield FrameFaces(frame, record["boxes"][span], record["confidences"][span])
                last += count

    def values(self) -> NDArray[np.float64]:
        """Return the content values of all frames, in order."""
        return np.concatenate([np.empty(0), *(record["values"] for record in self._journal)])

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()
