"""Detects the source's own cuts from one camera to another.

By the rule of PySceneDetect's AdaptiveDetector: a frame is a cut if it differs from the one before
much more than its neighbours do, so a moving camera or a flickering lamp is none. The differences
need pixels, the rule only needs the differences, so the parts of a film may be compared apart.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

# A missed cut joins two faces to one track, a false one only splits a track: hence no minimum
# length of a shot beyond the window.
WINDOW_FRAMES = 3
"""Neighbours on each side that a cut is compared with. This and the ratio are the ones with the
best mean over four data sets on PySceneDetect's benchmark page (in its repository)."""
_MIN_RATIO = 3.5
MIN_CHANGE = 15.0
"""Of 255, of the frame at a cut: PySceneDetect's default, min_content_val."""
_MIN_SHOT_FRAMES = 3
_STILL = 1e-5  # a mean change below it counts as none, as in PySceneDetect


class ContentChange:
    """Measures how much the content of each frame differs from the one before."""

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None

    def push(self, frame: NDArray[np.uint8]) -> float:
        """Return the mean change of hue, saturation and value, 0 to 255; 0 for the first frame.

        `frame` is (h, w, 3) RGB, small. Equal to PySceneDetect's `content_val`.
        """
        hsv = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2HSV), np.uint8)
        last, self._last = self._last, hsv
        if last is None:
            return 0.0
        hue, saturation, value, _ = cv2.sumElems(cv2.absdiff(hsv, last))
        pixels = float(frame.shape[0] * frame.shape[1])
        return (hue / pixels + saturation / pixels + value / pixels) / 3.0


class CameraCuts:
    """Collects the first frame after each hard cut, from the changes of consecutive frames."""

    def __init__(self, start: int) -> None:
        self.cuts: list[int] = []
        """Source frames, in ascending order."""
        self.settled_end = start
        """All cuts before this frame are in `cuts`: a cut is known once its neighbours are."""
        self._next = self._last_cut = start
        self._changes = deque[float](maxlen=2 * WINDOW_FRAMES + 1)

    def push(self, change: float) -> None:
        """Push the change of the next frame."""
        self._changes.append(change)
        self._next += 1
        middle = self._next - 1 - WINDOW_FRAMES
        self.settled_end = max(self.settled_end, middle + 1)
        if len(self._changes) < 2 * WINDOW_FRAMES + 1:
            return  # the first and the last frames have too few neighbours
        if middle - self._last_cut >= _MIN_SHOT_FRAMES and self._stands_out():
            self.cuts.append(middle)
            self._last_cut = middle

    def finish(self) -> None:
        """Settle the last frames, which cannot be cuts."""
        self.settled_end = self._next

    def _stands_out(self) -> bool:
        """Whether the change in the middle is much larger than its neighbours' mean."""
        change = self._changes[WINDOW_FRAMES]
        neighbours = [c for n, c in enumerate(self._changes) if n != WINDOW_FRAMES]
        mean = sum(neighbours) / (2.0 * WINDOW_FRAMES)
        return change >= MIN_CHANGE and (mean < _STILL or change / mean >= _MIN_RATIO)
