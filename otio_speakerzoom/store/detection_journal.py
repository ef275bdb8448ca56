"""detections.journal: what was found in the frames that were searched so far.

Faces, content changes, and thumbnails for soft transitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameFaces
from otio_speakerzoom.store.arrays import column, spans
from otio_speakerzoom.store.unfinished import open_journal

THUMBNAIL_BYTES = 192
"""Of one frame: 8 by 8 pixels, RGB."""

Part = tuple[list[FrameFaces], NDArray[np.float64], NDArray[np.uint8]]


class DetectionJournal:
    """What the detection of faces has found up to a frame, from which it can go on."""

    def __init__(self, folder: Path, input_digest: str, *, restart: bool = False) -> None:
        """Open the journal of a work folder; it is empty if it has another digest."""
        self._journal = open_journal(folder, "detections", input_digest, restart=restart)
        count = len(self._journal)
        self._end = self._journal.parse(count - 1, _end) if count else None

    @property
    def end(self) -> int | None:
        """The frame to go on from: all before it are in the journal; None if it is empty."""
        return self._end

    def append(
        self,
        faces: Sequence[FrameFaces],
        changes: NDArray[np.float64],
        thumbnails: NDArray[np.uint8],
        end: int,
    ) -> None:
        """Add what was found in the frames up to `end`.

        The faces, the (frames,) content changes, and the (samples, `THUMBNAIL_BYTES`) thumbnails.
        """
        arrays = {
            "end": np.array(end, np.int64),
            "frames": np.array([row.frame for row in faces], np.int64),
            "counts": np.array([len(row.boxes) for row in faces], np.int64),
            "boxes": np.concatenate([np.empty((0, 4), np.float32), *(r.boxes for r in faces)]),
            "confidences": np.concatenate(
                [np.empty(0, np.float32), *(row.confidences for row in faces)]
            ),
            "changes": np.asarray(changes, np.float64),
            "thumbnails": np.asarray(thumbnails, np.uint8),
        }
        self._journal.append(arrays)
        self._end = end

    def parts(self) -> Iterator[Part]:
        """Yield what was added each time: the faces, frame by frame, changes and thumbnails."""
        for number in range(len(self._journal)):
            yield self._journal.parse(number, _part)

    def close(self) -> None:
        """Close the file; the next run goes on from it."""
        self._journal.close()


def _end(record: dict[str, Any]) -> int:
    return int(column(record, "end", "i", 0))


def _part(record: dict[str, Any]) -> Part:
    """Return the faces, the content changes and the thumbnails of a record."""
    boxes, confidences = column(record, "boxes", "f", 2), column(record, "confidences", "f")
    if boxes.shape != (len(confidences), 4):
        raise ValueError(f"{len(confidences)} faces have boxes of shape {boxes.shape}")
    frames = column(record, "frames", "i").tolist()
    faces = [
        FrameFaces(frame, boxes[span], confidences[span])
        for frame, span in zip(frames, spans(record, len(boxes), "counts"), strict=True)
    ]
    thumbnails = column(record, "thumbnails", "u", 2)
    if thumbnails.shape[1] != THUMBNAIL_BYTES or thumbnails.dtype != np.uint8:
        raise ValueError(f"thumbnails cannot be {thumbnails.dtype} of {thumbnails.shape[1]}")
    return faces, column(record, "changes", "f"), thumbnails
