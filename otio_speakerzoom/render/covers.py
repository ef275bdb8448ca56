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
ALONE = 2**18
"""Multiplications up to which OpenBLAS starts no threads (its GEMM_MULTITHREAD_THRESHOLD): beside
those of the encoder they only wait for one another, which costs more than the blur itself."""


class FaceObscurer:
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
                part[:] = blurred(part, box.width)
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


def blurred(part: NDArray[np.uint8], width: float) -> NDArray[np.uint8]:
    """Return (3, h, w) planes so soft that no feature of a face `width` pixels wide is left.

    A Gaussian an eighth of the face wide; at the border only what is inside counts.
    """
    height, wide = part.shape[1:]
    sigma = max(2.0, width / 8)
    (down, gather), (across, collect) = (_gaussian(length, sigma) for length in (height, wide))
    rows = _product(part.reshape(-1, wide).astype(np.float32), collect)
    # the three planes side by side, so that one product takes all their columns
    beside = rows.reshape(3, height, -1).transpose(1, 0, 2).reshape(height, -1)
    soft = _product(down, _product(gather.T, beside))
    rows = soft.reshape(height, 3, -1).transpose(1, 0, 2).reshape(3 * height, -1)
    return np.rint(_product(rows, across.T)).astype(np.uint8).reshape(part.shape)


def _gaussian(length: int, sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two (length, m) matrices: of the first and the second, transposed, weights are made.

    By these, (length, length), each pixel becomes the mean of those around it. A Gaussian is one of
    half its variance, twice. Between the two, points half a `sigma` apart are enough for a
    millionth, and they are far fewer than pixels.
    """
    # two and a half beyond the ends, where what is left out is as small
    points = np.arange(-2.5 * sigma, length + 2.5 * sigma, sigma / 2)
    half = np.exp(-(((np.arange(length)[:, None] - points) / sigma) ** 2))
    spread = half / (half @ half.sum(axis=0))[:, None]
    return spread.astype(np.float32), half.astype(np.float32)


def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `left @ right`, computed in this thread."""
    rows = max(1, ALONE // right.size)
    return np.concatenate([left[n : n + rows] @ right for n in range(0, len(left), rows)])
