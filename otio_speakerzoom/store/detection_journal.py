"""detections.journal: the faces and the content changes of the frames that were searched so far."""

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
        last = self._journal.read(len(self._journal) - 1) if len(self._journal) else None
        self._end = None if last is None else int(last["end"])

    @property
    def end(self) -> int | None:
        """The frame to go on from: all before it are in the journal; None if it is empty."""
        return self._end

    def append(self, faces: Sequence[FrameFaces], changes: NDArray[np.float64], end: int) -> None:
        """Add the faces and the (frames,) content changes of the frames up to `end`."""
        arrays = {
            "end": np.array(end, np.int64),
            "frames": np.array([row.frame for row in faces], np.int64),
            "counts": np.array([len(row.boxes) for row in faces], np.int64),
            "boxes": np.concatenate([np.empty((0, 4), np.float32), *(r.boxes for r in faces)]),
            "confidences": np.concatenate(
                [np.empty(0, np.float32), *(row.confidences for row in faces)]
            ),
            "changes": np.asarray(changes, np.float64),
        }
        self._journal.append(arrays)
        self._end = end

    def parts(self) -> Iterator[tuple[list[FrameFaces], NDArray[np.float64]]]:
        """Yield what was added each time: the faces, frame by frame, and the changes."""
        for record in self._journal:
            ends = np.cumsum(record["counts"])
            spans = [
                slice(end - count, end) for end, count in zip(ends, record["counts"], strict=True)
            ]
            boxes, confidences = record["boxes"], record["confidences"]
            faces = [
                FrameFaces(frame, boxes[span], confidences[span])
                for frame, span in zip(record["frames"].tolist(), spans, strict=True)
            ]
            yield faces, record["changes"]

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()
