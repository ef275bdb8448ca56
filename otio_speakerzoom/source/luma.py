"""Reads the luma of a stored frame from its first plane, several times as fast as by filters."""

from __future__ import annotations

import sys
import threading
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.source.upright import UprightFilter

_ROWS = 32
"""Rows that are looked up at once: NumPy makes indices of 8 bytes first, which then stay in the
processor's cache. Twice as fast as the whole frame at once."""

Shape = tuple[object, ...]
Region = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; the last two are the first that do not belong to it."""


class LumaReader:
    """Returns what a filter to gray returns, by a table where it depends on a pixel's luma alone.

    From limited to full range is such a function, but to another matrix is not. The table is taken
    from the filter itself, which converts a frame with all 256 values and many colours once.
    """

    def __init__(self, to_gray: UprightFilter) -> None:
        self._to_gray = to_gray
        self._tables: dict[Shape, NDArray[np.uint16] | None] = {}
        self._lock = threading.Lock()  # the filter is for one thread at a time

    def convert(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        """Return the (H, W) luma of a stored frame, upright, from 0 to 255."""
        table = self.table(frame)
        if table is not None:
            return look_up(frame, table, (0, 0, frame.width, frame.height))
        with self._lock:
            return np.asarray(self._to_gray.convert(frame).to_ndarray(), np.uint8)

    def table(self, frame: av.VideoFrame) -> NDArray[np.uint16] | None:
        """Return (65536,) luma for pairs of pixels, for `look_up`; None where it needs filters."""
        if not (self._to_gray.is_stored_upright(frame) and _has_luma_plane(frame)):
            return None
        shape = shape_of(frame)
        with self._lock:
            if shape not in self._tables:
                self._tables[shape] = self._measure_table(frame)
            return self._tables[shape]

    def _measure_table(self, frame: av.VideoFrame) -> NDArray[np.uint16] | None:
        """Return the table; None if the filter is no such function.

        It is none where the filter also changes the matrix, as it does for Rec. 709.
        """
        width, height = frame.width, frame.height
        ramp = av.VideoFrame(width, height, frame.format.name)
        ramp.colorspace, ramp.color_range, ramp.color_primaries, ramp.color_trc = _colour(frame)
        ramp.time_base = frame.time_base
        colours = np.random.default_rng(0)  # any: a conversion to another matrix depends on them
        for pixels in (_pixels(ramp, plane) for plane in range(1, len(ramp.planes))):
            pixels[:] = colours.integers(0, 256, pixels.shape)
        values = np.resize(np.arange(256, dtype=np.uint8), (height, width))
        _pixels(ramp, 0).reshape(height, -1)[:, :width] = values
        gray = np.asarray(self._to_gray.convert(ramp).to_ndarray(), np.uint8)
        table = np.zeros(256, np.uint8)
        table[values] = gray
        if values.size < len(table) or not np.array_equal(table[values], gray):
            return None
        pairs = np.empty((256, 256, 2), np.uint8)  # by the second pixel, then the first
        pairs[:, :, 0], pairs[:, :, 1] = table, table[:, np.newaxis]
        return pairs.view(np.uint16).ravel()


def look_up(frame: av.VideoFrame, table: NDArray[np.uint16], region: Region) -> NDArray[np.uint8]:
    """Return the (h, w) luma of a region of a stored frame, whose left is even."""
    left, top, right, bottom = region
    pairs = _pixels(frame, 0).view(np.uint16).reshape(frame.height, -1)
    pairs = pairs[top:bottom, left // 2 : (right + 1) // 2]
    values = np.empty(pairs.shape, np.uint16)
    for start in range(0, len(pairs), _ROWS):
        rows = slice(start, start + _ROWS)
        np.take(table, pairs[rows], out=values[rows], mode="wrap")  # checks no bounds: none is out
    return np.ascontiguousarray(values.view(np.uint8)[:, : right - left])


def shape_of(frame: av.VideoFrame) -> Shape:
    """Return what a conversion of a frame depends on, besides its pixels."""
    return frame.width, frame.height, frame.format.name, *_colour(frame)


def _has_luma_plane(frame: av.VideoFrame) -> bool:
    """Whether the first plane holds luma of 8 bits and nothing else."""
    luma, *others = frame.format.components
    return (
        sys.byteorder == "little"  # the order of the pixels in a pair
        and luma.is_luma
        and (luma.bits, luma.plane) == (8, 0)
        and all(component.plane > 0 for component in others)
        and not frame.format.has_palette
        and frame.planes[0].line_size > 0  # rows from the top
        and frame.planes[0].line_size % 2 == 0
    )


def _colour(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Return the matrix, range, primaries and transfer of a frame, by libav's numbers."""
    codes = (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc)
    matrix, levels, primaries, transfer = map(int, codes)
    return matrix, levels, primaries, transfer


def _pixels(frame: av.VideoFrame, plane: int) -> NDArray[np.uint8]:
    """Return the bytes of a plane, with the padding of its rows; not a copy."""
    planes: Any = frame.planes
    return np.frombuffer(planes[plane], np.uint8)
