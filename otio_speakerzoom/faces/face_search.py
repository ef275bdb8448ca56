"""Detects the faces in consecutive frames, and how much each frame differs from the one before.

This is the part of face detection that needs pixels, so a film may be searched in parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import ContentChange
from otio_speakerzoom.faces.detectors.interface import Detector
from otio_speakerzoom.faces.opencv_trackers import check_tracker, track_boxes
from otio_speakerzoom.model import FrameFaces, Media
from otio_speakerzoom.weights.names import NO_TRACKER


class FaceSearch:
    """Runs the detector on `start` and on every `step`-th frame after it, the tracker in between.

    The tracker does not regard camera cuts.
    """

    def __init__(
        self, media: Media, detector: Detector, start: int, step: int, tracker: str = NO_TRACKER
    ) -> None:
        check_tracker(tracker)
        self._media = media
        self._detector = detector
        self._tracker = tracker
        self._start = start
        self._step = step
        self._change = ContentChange()
        self._scale = np.ones(4, np.float32)
        self._detection: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._pending: list[tuple[int, NDArray[np.uint8]]] = []

    def push(self, number: int, rgb: NDArray[np.uint8]) -> tuple[list[FrameFaces], float]:
        """Return faces, of this and of earlier frames, and the change of this frame's content.

        `rgb` is the next frame, (H, W, 3). Frames before `start` are compared only.
        """
        change = self._change.push(rgb)
        faces: list[FrameFaces] = []
        if number < self._start:
            return faces, change
        self._scale = np.tile(np.array(self._media.size) / rgb.shape[1::-1], 2).astype(np.float32)
        if (number - self._start) % self._step == 0:
            faces = self.finish()
            self._detection = boxes, confidences = self._detector(rgb)
            faces.append(FrameFaces(number, boxes * self._scale, confidences))
        if self._tracker != NO_TRACKER:
            self._pending.append((number, rgb))
        return faces, change

    def finish(self) -> list[FrameFaces]:
        """Return the faces of the last detection in the frames after it."""
        pending, self._pending = self._pending, []
        if len(pending) < 2 or self._detection is None:
            return []
        boxes, confidences = self._detection
        rows = track_boxes(self._tracker, [rgb for _, rgb in pending], boxes)
        faces: list[FrameFaces] = []
        for (number, _), row in zip(pending[1:], rows, strict=True):
            visible = ~np.isnan(row).any(axis=1)
            faces.append(FrameFaces(number, row[visible] * self._scale, confidences[visible]))
        return faces
