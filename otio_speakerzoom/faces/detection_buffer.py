"""The detections of one face in buffers that grow, and the boxes of the frames between them."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK_FRAMES = 8192
"""Frames interpolated at once: 1 MB of double precision, whatever the length of the track."""

FEW_FRAMES = 12
"""Up to so many frames a loop is faster than NumPy; the usual 2 take a third of the time."""


class DetectionBuffer:
    """Detections in ascending frames. Each takes 24 bytes, so five faces in 3 hours take 16 MB."""

    __slots__ = ("_boxes", "_confidences", "_frames")

    def __init__(self) -> None:
        self._frames = array("i")
        self._boxes = array("f")  # left, top, right, bottom of one after the other
        self._confidences = array("f")

    def append(self, frame: int, box: Sequence[float], confidence: float) -> None:
        """Add the detection in `frame`, which is after all others."""
        self._frames.append(frame)
        self._boxes.extend(box)
        self._confidences.append(confidence)

    def continue_with(self, later: DetectionBuffer) -> None:
        """Replace the detections from the first frame of `later` on by those of `later`."""
        count = bisect_left(self._frames, later.first_frame)
        del self._frames[count:], self._boxes[4 * count :], self._confidences[count:]
        self._frames.extend(later._frames)
        self._boxes.extend(later._boxes)
        self._confidences.extend(later._confidences)

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def first_frame(self) -> int:
        return self._frames[0]

    @property
    def last_frame(self) -> int:
        return self._frames[-1]

    @property
    def frames(self) -> NDArray[np.int32]:
        """(N,), a copy."""
        return np.array(self._frames, np.int32)

    @property
    def boxes(self) -> NDArray[np.float32]:
        """(N, 4), a copy."""
        return np.array(self._boxes, np.float32).reshape(-1, 4)

    @property
    def confidences(self) -> NDArray[np.float32]:
        """(N,), a copy."""
        return np.array(self._confidences, np.float32)

    def last_before(self, frame: int) -> int:
        """Return the frame of the last detection before `frame`, which is after the first one."""
        return self._frames[bisect_left(self._frames, frame) - 1]

    def interpolate(self, start: int, end: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the (N, 4) boxes of the frames from `start` to `end`, and (N,) which are detected.

        `start` is not before the first detection. After the last one its box holds.
        """
        if end - start <= FEW_FRAMES:
            return self._interpolate_few(start, end)
        boxes = np.empty((end - start, 4), np.float32)
        has_detection = np.empty(end - start, np.bool_)
        for first in range(start, end, BLOCK_FRAMES):
            block = slice(first - start, first - start + BLOCK_FRAMES)
            span = np.arange(first, min(end, first + BLOCK_FRAMES))
            boxes[block], has_detection[block] = self._interpolate_block(span)
        return boxes, has_detection

    def _interpolate_block(
        self, span: NDArray[np.int_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        rows = slice(
            bisect_right(self._frames, int(span[0])) - 1,
            bisect_left(self._frames, int(span[-1])) + 1,
        )
        frames = np.array(self._frames[rows], np.int64)
        boxes = np.array(self._boxes[4 * rows.start : 4 * rows.stop], np.float64).reshape(-1, 4)
        slopes = np.zeros_like(boxes)  # that of the last box stays 0
        np.divide(np.diff(boxes, axis=0), np.diff(frames)[:, None], out=slopes[:-1])
        before = np.searchsorted(frames, span, side="right") - 1
        elapsed = span - frames[before]
        return slopes[before] * elapsed[:, None] + boxes[before], elapsed == 0

    def _interpolate_few(
        self, start: int, end: int
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Do as `_interpolate_block`, in the same arithmetic."""
        row = bisect_right(self._frames, start) - 1
        boxes, has_detection = list[list[float]](), list[bool]()
        while start < end:
            frame, box = self._frames[row], self._boxes[4 * row : 4 * row + 4]
            slopes, stop = [0.0] * 4, end
            if row + 1 < len(self._frames):
                following, next_box = self._frames[row + 1], self._boxes[4 * row + 4 : 4 * row + 8]
                gap = following - frame
                slopes = [(b - a) / gap for a, b in zip(box, next_box, strict=True)]
                stop = min(end, following)
            for elapsed in range(start - frame, stop - frame):
                boxes.append([s * elapsed + a for s, a in zip(slopes, box, strict=True)])
                has_detection.append(elapsed == 0)
            start, row = stop, row + 1
        return np.array(boxes, np.float32).reshape(-1, 4), np.array(has_detection, np.bool_)
