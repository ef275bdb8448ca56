"""Detects the faces in consecutive frames, and how much each frame differs from the one before.

This is the part of face detection that needs pixels, so a film may be searched in parts.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.boxes import pairwise_iou
from otio_speakerzoom.faces.camera_cuts import MIN_CHANGE, ContentChange
from otio_speakerzoom.faces.detectors.interface import DetectedFaces, Detector, ViewDetector
from otio_speakerzoom.faces.opencv_trackers import check_tracker, track_boxes
from otio_speakerzoom.faces.search_frame import SearchFrame
from otio_speakerzoom.model import FrameFaces, Media
from otio_speakerzoom.weights.names import NO_TRACKER

LOOKS_PER_CYCLE = 2
"""Looks of the detector from one at all views of a frame to the next. In between it looks at the
views from which the last boxes come: what only others show, such as somebody who enters, is found
one look later, and each face has as many boxes. A face changes its view less often then, which
takes 1 to 12 % off the noise of boxes in 10 clips."""

MAX_PARTIAL_S = Fraction(1, 10)
"""Between two looks, if one of them is to be at some views only: a head moves little in that time,
and who enters is found as soon."""

SAME_FACE_IOU = 0.3
"""Of boxes of two looks; that of two faces side by side is 0."""


def cycle_step(step: int) -> int:
    """Return the frames from one look at all views to the next.

    What comes from it on depends on nothing before, so a film may be searched in parts that begin
    there.
    """
    return LOOKS_PER_CYCLE * step


class FaceSearch:
    """Runs the detector on `start` and on every `step`-th frame after it, the tracker in between.

    Every other time, a detector with several views looks only at those that showed the last faces;
    then at all of them if one is not found again, or if the picture has changed as much as by a
    camera cut.

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
        self._best_views: tuple[int, ...] | None = None  # fewer than all, of the detection
        self._is_partial = False  # the detection
        self._most_change = 0.0  # since the last look at all views
        self._pending: list[SearchFrame] = []

    def push(self, frame: SearchFrame) -> tuple[list[FrameFaces], float]:
        """Return faces, of this and of earlier frames, and the change of this frame's content.

        Frames before `start` are compared only.
        """
        change = 0.0 if frame.small is self._last else self._change.push(frame.small)
        self._last = frame.small
        self._most_change = max(self._most_change, change)
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
        begins_cycle = (frame.number - self._start) % cycle_step(self._step) == 0
        is_same = self._detection is not None and frame.small is self._detector_small
        if not is_same or (begins_cycle and self._is_partial):
            rgb = frame.rgb()
            scale = np.tile(np.array(self._media.size) / rgb.shape[1::-1], 2)
            self._scale = scale.astype(np.float32)
            self._is_partial = not begins_cycle and self._detect_again(rgb)
            if not self._is_partial:
                self._detect_all(rgb)
            self._detector_small = frame.small
        assert self._detection
        return self._detection

    def _detect_all(self, rgb: NDArray[np.uint8]) -> None:
        self._most_change = 0.0
        if isinstance(self._detector, ViewDetector):
            viewed = self._detector.detect_in_views(rgb)
            self._detection, self._best_views = viewed.faces, viewed.best_views
        else:
            self._detection = self._detector(rgb)

    def _detect_again(self, rgb: NDArray[np.uint8]) -> bool:
        """Detect in the views that showed the last faces; return whether all are found again."""
        is_near = self._step <= MAX_PARTIAL_S * self._media.rate and self._most_change < MIN_CHANGE
        if not (is_near and self._best_views and self._detection):
            return False
        assert isinstance(self._detector, ViewDetector)
        last, _ = self._detection
        viewed = self._detector.detect_in_views(rgb, self._best_views)
        boxes, _ = viewed.faces
        if not len(boxes) or (pairwise_iou(last, boxes).max(axis=1) < SAME_FACE_IOU).any():
            return False
        self._detection, self._best_views = viewed.faces, viewed.best_views
        return True
