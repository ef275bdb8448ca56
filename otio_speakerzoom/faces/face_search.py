"""Detects the faces in consecutive frames, and how much each frame differs from the one before.

This is the part of face detection that needs pixels, so a film may be searched in parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.camera_cuts import ContentChange
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, Detector
from otio_speakerzoom.faces.opencv_trackers import check_tracker, track_boxes
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.model import FrameFaces, Media
from otio_speakerzoom.weights.names import NO_TRACKER


class FaceSearch:
    """Runs the detector on `start` and on every `step`-th frame after it, the tracker in between.

    The tracker does not regard camera cuts. A frame that the source repeats is neither compared nor
    detected in again.
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
        self._last: NDArray[np.uint8] | None = None
        self._detector_small: NDArray[np.uint8] | None = None
        self._detection: DetectedFaces | None = None
        self._pending: list[SearchFrame] = []

    def push(self, frame: SearchFrame) -> tuple[list[FrameFaces], float]:
        """Return faces, of this and of earlier frames, and the change of this frame's content.

        Frames before `start` are compared only.
        """
        change = 0.0 if frame.small is self._last else self._change.push(frame.small)
        self._last = frame.small
        faces: list[FrameFaces] = []
        if frame.number < self._start:
            return faces, change
        if (frame.number - self._start) % self._step == 0:
            faces = self.finish()
            boxes, confidences = self._detect(frame)
            faces.append(FrameFaces(frame.number, boxes * self._scale, confidences))
        if self._tracker != NO_TRACKER:
            self._pending.append(frame)
        return faces, change

    def finish(self) -> list[FrameFaces]:
        """Return the faces of the last detection in the frames after it."""
        pending, self._pending = self._pending, []
        if len(pending) < 2 or self._detection is None:
            return []
        boxes, confidences = self._detection
        rows = track_boxes(self._tracker, [frame.rgb() for frame in pending], boxes)
        faces: list[FrameFaces] = []
        for frame, row in zip(pending[1:], rows, strict=True):
            visible = ~np.isnan(row).any(axis=1)
            faces.append(FrameFaces(frame.number, row[visible] * self._scale, confidences[visible]))
        return faces

    def _detect(self, frame: SearchFrame) -> DetectedFaces:
        if self._detection is None or frame.small is not self._detector_small:
            rgb = frame.rgb()
            scale = np.tile(np.array(self._media.size) / rgb.shape[1::-1], 2)
            self._scale = scale.astype(np.float32)
            faces = self._detector(rgb) if frame.faces is None else frame.faces
            self._detector_small, self._detection = frame.small, faces
        return self._detection
