"""Where the source itself cuts from one camera to another.

By PySceneDetect's AdaptiveDetector: a frame is a cut when it differs from the one before much
more than its neighbours do, so that a moving camera or a flickering lamp is none.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode
from scenedetect.detectors import AdaptiveDetector

from otio_speakerzoom.faces.resize import quickly_shrunk

COMPARED_WIDTH = 256
"""Pixels across of what is compared: PySceneDetect itself shrinks to at least this much."""


class CameraCuts:
    """Takes the source's frames one by one and collects the first frame after each hard cut."""

    def __init__(self, rate: Fraction) -> None:
        self._rate = float(rate)
        # 3.5 over 3 frames: PySceneDetect's own benchmark's best means over four data sets
        # (its repository, benchmark page). A missed cut glues two faces into one track, a false
        # one only splits a track: hence no minimum scene length beyond that window.
        self._detector = AdaptiveDetector(adaptive_threshold=3.5, window_width=3, min_scene_len=3)
        self._found: list[int] = []
        self._last: FrameTimecode | None = None
        self._first = 0

    def see(self, frame: int, picture: NDArray[np.uint8]) -> bool:
        """Take the next frame, an (H, W, 3) RGB picture; return whether a cut has shown by now."""
        height, width = picture.shape[:2]
        size = (COMPARED_WIDTH, max(1, round(height * COMPARED_WIDTH / width)))
        bgr = cv2.cvtColor(quickly_shrunk(picture, size), cv2.COLOR_RGB2BGR)
        if self._last is None:
            self._first = frame
        self._last = FrameTimecode(frame, self._rate)
        return self._keep(self._detector.process_frame(self._last, bgr))

    def finish(self) -> NDArray[np.int32]:
        """Return (C,) the first frame after each cut, rising."""
        if self._last is not None:
            self._keep(self._detector.post_process(self._last))
        return np.array(sorted(set(self._found)), np.int32)

    def _keep(self, cuts: list[FrameTimecode]) -> bool:
        new = [cut.frame_num for cut in cuts if cut.frame_num > self._first]
        self._found += new
        return bool(new)
