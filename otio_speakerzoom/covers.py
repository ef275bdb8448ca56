"""Faces made unrecognisable in a picture: blurred, or dimmed."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Box
from otio_speakerzoom.source import FilterChain

DIMMED = 0.15
"""Of the light that is left: a head is still there, its face is not."""
BLACK = 16
"""Luma of black."""


class Coverer:
    """Covers boxes in pictures of any pixel format, which become 8-bit YCbCr 4:4:4."""

    def __init__(self) -> None:
        self._planes = FilterChain(("scale", "out_range=tv"), ("format", "yuv444p"))

    def cover(self, picture: av.VideoFrame, boxes: Sequence[tuple[str, Box]]) -> av.VideoFrame:
        """Return the picture with each box blurred or dimmed, as is said with it."""
        plain = self._planes.convert(picture)
        planes = np.asarray(plain.to_ndarray(), np.uint8)
        if planes.shape[0] != 3:  # PyAV before 15 gives the planes below one another
            planes = planes.reshape(3, plain.height, plain.width)
        for how, box in boxes:
            part = _inside(planes, box)
            if part.size == 0:
                continue
            if how == "blur":
                part[:] = blurred(part)
            else:
                part[0] = np.maximum(BLACK, part[0] * DIMMED)
        covered = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        covered.colorspace, covered.color_range = plain.colorspace, plain.color_range
        return covered


def _inside(planes: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the view of `box`, at least all of it, in (3, H, W) planes."""
    height, width = planes.shape[1:]
    left, top = (max(0, int(np.floor(at))) for at in (box.left, box.top))
    right, bottom = int(np.ceil(min(box.right, width))), int(np.ceil(min(box.bottom, height)))
    return planes[:, top : max(top, bottom), left : max(left, right)]


def blurred(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (3, h, w) planes so soft that no feature of a face as wide is left.

    A Gaussian an eighth of the face wide; at the border only what is inside counts.
    """
    sigma = max(2.0, part.shape[2] / 8)
    down, across = (_gaussian(length, sigma) for length in part.shape[1:])
    return np.rint(down @ part.astype(np.float32) @ across.T).astype(np.uint8)


def _gaussian(length: int, sigma: float) -> NDArray[np.float32]:
    """Return (length, length) weights by which each pixel becomes the mean of those around it."""
    at = np.arange(length, dtype=np.float32)
    weights = np.exp(-((at[:, None] - at) ** 2) / (2 * sigma**2))
    return weights / weights.sum(axis=1, keepdims=True)
