"""A frame in which faces are searched: a small picture of it, and the detector's when needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.faces.detectors.interface import DetectedFaces
from otio_speakerzoom.faces.resize import resize_fast

SMALL_WIDTH_PX = 256
"""Width of the small pictures: PySceneDetect, whose rule for cuts we use, compares frames of at
least this width. Pixels that are picked give the same cuts as averaged ones in 20 clips."""

MAX_SMALL_HEIGHT_PX = 4 * SMALL_WIDTH_PX
"""Height of the small pictures, at most: one of a picture 3 pixels wide would have millions."""


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of the small picture of a frame of that size."""
    in_shape = round(height * SMALL_WIDTH_PX / width)
    return SMALL_WIDTH_PX, min(max(1, in_shape), MAX_SMALL_HEIGHT_PX)


class SearchFrame:
    """A frame of a source. Where the source repeats one, both share the same small picture."""

    __slots__ = ("_convert", "_rgb", "faces", "number", "small")

    def __init__(
        self, number: int, small: NDArray[np.uint8], convert: Callable[[], NDArray[np.uint8]]
    ) -> None:
        """`small` is (h, 256, 3) RGB; `convert` returns what `rgb` does."""
        self.number = number
        self.small = small
        self.faces: DetectedFaces | None = None
        """What the detector found, if it ran ahead; in pixels of `rgb`."""
        self._convert: Callable[[], NDArray[np.uint8]] | None = convert
        self._rgb: NDArray[np.uint8] | None = None

    @classmethod
    def of_array(cls, number: int, rgb: NDArray[np.uint8]) -> Self:
        """Return the frame whose (H, W, 3) RGB is at hand."""
        height, width, _ = rgb.shape
        return cls(number, resize_fast(rgb, small_size(width, height)), lambda: rgb)

    def rgb(self) -> NDArray[np.uint8]:
        """Return the (H, W, 3) RGB to detect faces in; it is converted once."""
        if self._rgb is None:
            assert self._convert
            self._rgb, self._convert = self._convert(), None  # which held the decoded frame
        return self._rgb
