"""The last frames of a stream, from which face crops are still to be cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.source import SourceFrame
from otio_speakerzoom.speech.crops import CropRecipe, crop_face, crop_region

MAX_DECODED_FRAMES = 12
"""Newest frames that stay as the decoder returned them, until a crop needs a part of them: a crop
is 9 or 10 ticks behind, 6 for its smooth box and the rest for the next detection. Older ones, whose
faces are in doubt, become luma, which takes two thirds of the memory."""


class FrameRing:
    """Frames in order; the oldest are dropped when nothing needs them any more."""

    def __init__(self) -> None:
        self._frames: dict[int, _Entry] = {}

    def push(self, frame: SourceFrame) -> None:
        """Add the next frame."""
        self._frames[frame.number] = _Entry(frame)
        if len(self._frames) > MAX_DECODED_FRAMES:
            list(self._frames.values())[-1 - MAX_DECODED_FRAMES].luma()

    def drop_before(self, number: int) -> None:
        """Drop the frames before `number`."""
        for old in [n for n in self._frames if n < number]:
            del self._frames[old]

    def crop(self, number: int, box: NDArray[np.float32], recipe: CropRecipe) -> NDArray[np.uint8]:
        """Return the (112, 112) gray crop around `box`, (4,) in source pixels, in that frame."""
        return crop_face(self._frames[number].luma_for(box, recipe), box, recipe)


class _Entry:
    """A frame, as the decoder returned it until all of its luma is needed."""

    def __init__(self, frame: SourceFrame) -> None:
        self._frame: SourceFrame | None = frame
        self._luma = np.empty((0, 0), np.uint8)

    def luma_for(self, box: NDArray[np.float32], recipe: CropRecipe) -> NDArray[np.uint8]:
        """Return (H, W) luma that is right where the crop of a box reads it."""
        if self._frame is None:
            return self._luma
        return self._frame.luma_within(crop_region(box, recipe))

    def luma(self) -> NDArray[np.uint8]:
        """Return the (H, W) luma."""
        if self._frame is not None:
            self._luma, self._frame = self._frame.luma(), None
        return self._luma
