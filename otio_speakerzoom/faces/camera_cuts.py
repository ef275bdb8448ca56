"""Detects the source's own cuts from one camera to another.

By PySceneDetect's AdaptiveDetector: a frame is a cut if it differs from the one before much more
than its neighbours do, so a moving camera or a flickering lamp is none.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from otio_speakerzoom.faces.resize import resize_fast

COMPARED_WIDTH_PX = 256
"""Width of the frames to compare: PySceneDetect itself downscales to at least this much."""


class CameraCuts:
    """Collects the first frame after each hard cut, from the source's frames in order."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = float(rate)
        # 3.5 over 3 frames: PySceneDetect's own benchmark's best means over four data sets
        # (its repository, benchmark page). A missed cut joins two faces to one track, a false one
        # only splits a track: hence no minimum scene length beyond that window.
        self._detector = AdaptiveDetector(adaptive_threshold=3.5, window_width=3, min_scene_len=3)
        self._cuts: list[int] = []
        self._last: FrameTimecode | None = None
        self._first_frame = 0

    def push_frame(self, frame_index: int, frame: NDArray[np.uint8]) -> bool:
        """Push the next (H, W, 3) RGB frame; return whether that revealed a cut."""
        height, width = frame.shape[:2]
        size = (COMPARED_WIDTH_PX, max(1, round(height * COMPARED_WIDTH_PX / width)))
        bgr = cv2.cvtColor(resize_fast(frame, size), cv2.COLOR_RGB2BGR)
        if self._last is None:
            self._first_frame = frame_index
        self._last = FrameTimecode(frame_index, self._rate)
        return self._add(self._detector.process_frame(self._last, bgr))

    def finish(self) -> NDArray[np.int32]:
        """Return (C,) the first frame after each cut, in ascending order."""
        if self._last is not None:
            self._add(self._detector.post_process(self._last))
        return np.array(sorted(set(self._cuts)), np.int32)

    def _add(self, cuts: list[FrameTimecode]) -> bool:
        new = [cut.frame_num for cut in cuts if cut.frame_num > self._first_frame]
        self._cuts += new
        return bool(new)
