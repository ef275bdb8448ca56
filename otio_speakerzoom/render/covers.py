"""Makes faces unrecognisable: blurs or dims them."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Box
from otio_speakerzoom.source import FilterChain

DIM_LIGHT = 0.15
"""Share of the light that dimming leaves: enough to see a head, too little to see its face."""
BLACK = 16
"""Luma of black."""
MAX_SINGLE_THREAD_PRODUCTS = 2**18
"""Multiplications up to which OpenBLAS starts no threads (its GEMM_MULTITHREAD_THRESHOLD): beside
the encoder's threads they would only wait for each other, at a higher cost than the blur itself."""


class FaceObscurer:
    """Blurs or dims boxes in frames of any pixel format; the result is 8-bit YCbCr 4:4:4."""

    def __init__(self) -> None:
        self._planes = FilterChain(("scale", "out_range=tv"), ("format", "yuv444p"))

    def obscure(self, frame: av.VideoFrame, boxes: Sequence[tuple[str, Box]]) -> av.VideoFrame:
        """Return the frame with each box blurred or dimmed; `boxes` are (effect, box)."""
        plain = self._planes.convert(frame)
        planes = np.asarray(plain.to_ndarray(), np.uint8)
        if planes.shape[0] != 3:  # PyAV before 15 stacks the planes vertically
            planes = planes.reshape(3, plain.height, plain.width)
        for effect, box in boxes:
            part = _inside(planes, box)
            if part.size == 0:
                continue
            if effect == "blur":
                part[:] = blur(part, box.width)
            else:
                part[0] = np.maximum(BLACK, part[0] * DIM_LIGHT)
        result = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        result.colorspace, result.color_range = plain.colorspace, plain.color_range
        return result


def _inside(planes: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """Return the part of (3, H, W) planes that contains `box`, as a view in whole pixels."""
    height, width = planes.shape[1:]
    left, top = (max(0, int(np.floor(at))) for at in (box.left, box.top))
    right, bottom = int(np.ceil(min(box.right, width))), int(np.ceil(min(box.bottom, height)))
    return planes[:, top : max(top, bottom), left : max(left, right)]


def blur(part: NDArray[np.uint8], width: float) -> NDArray[np.uint8]:
    """Return (3, h, w) planes blurred until a face `width` pixels wide has no features left.

    The sigma of the Gaussian is an eighth of the width; pixels outside the planes have no weight.
    """
    height, columns = part.shape[1:]
    sigma = max(2.0, width / 8)
    (down, gather), (across, collect) = (_gaussian(length, sigma) for length in (height, columns))
    rows = _product(part.reshape(-1, columns).astype(np.float32), collect)
    # the three planes side by side, so that a single product blurs all their columns
    beside = rows.reshape(3, height, -1).transpose(1, 0, 2).reshape(height, -1)
    soft = _product(down, _product(gather.T, beside))
    rows = soft.reshape(height, 3, -1).transpose(1, 0, 2).reshape(3 * height, -1)
    return np.rint(_product(rows, across.T)).astype(np.uint8).reshape(part.shape)


def _gaussian(length: int, sigma: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two (length, m) matrices: the first times the second, transposed, is a blur.

    The product has (length, length) weights, which make each pixel the mean of those around it. A
    Gaussian equals two of half its variance; between the two, points half a `sigma` apart are exact
    to a millionth, and far fewer than pixels.
    """
    # two and a half sigma beyond the ends, where the truncation error is as small
    points = np.arange(-2.5 * sigma, length + 2.5 * sigma, sigma / 2)
    half = np.exp(-(((np.arange(length)[:, None] - points) / sigma) ** 2))
    spread = half / (half @ half.sum(axis=0))[:, None]
    return spread.astype(np.float32), half.astype(np.float32)


def _product(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `left @ right`, computed in this thread only."""
    rows = max(1, MAX_SINGLE_THREAD_PRODUCTS // right.size)
    return np.concatenate([left[n : n + rows] @ right for n in range(0, len(left), rows)])
