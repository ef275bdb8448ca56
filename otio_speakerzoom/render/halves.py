"""Joins the two halves of a two-up to one frame."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray


def join_halves(pictures: Sequence[av.VideoFrame], canvas: tuple[int, int]) -> av.VideoFrame:
    """Return one frame of the canvas size; a single picture is returned as it is.

    Two are yuv420p, of even sizes, and lie side by side where both are as high as the canvas, else
    one above the other.
    """
    if len(pictures) == 1:
        return pictures[0]
    first = pictures[0]
    axis = 1 if first.height == canvas[1] else 0
    planes = zip(*map(_planes, pictures), strict=True)
    joined = [np.concatenate(parts, axis=axis).reshape(-1) for parts in planes]
    rows = np.concatenate(joined).reshape(canvas[1] * 3 // 2, canvas[0])
    frame = av.VideoFrame.from_ndarray(rows, format="yuv420p")
    frame.colorspace, frame.color_range = first.colorspace, first.color_range
    return frame


def _planes(picture: av.VideoFrame) -> list[NDArray[np.uint8]]:
    """Return the (H, W) luma and both (H / 2, W / 2) chroma planes of a yuv420p picture."""
    width, height = picture.width, picture.height
    values = np.asarray(picture.to_ndarray(), np.uint8).reshape(-1)
    luma, blue, red = np.split(values, [width * height, width * height * 5 // 4])
    half = (height // 2, width // 2)
    return [luma.reshape(height, width), blue.reshape(half), red.reshape(half)]
