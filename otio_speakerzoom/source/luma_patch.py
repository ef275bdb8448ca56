"""Converts the part of a stored frame that shows a face to luma, instead of all of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.source.filters import FilterChain
from otio_speakerzoom.source.luma import Shape, shape_of

MARGIN_PX = 8
"""Around a region, for filters that take colours from neighbours."""
COLUMN_STEP, ROW_STEP = 32, 8
"""Where patches begin: at the alignment of a row in memory, and of the pattern of dithering."""
SIDES_PX = (*range(32, 256, 32), *(step << n for n in range(6) for step in (256, 320, 384, 448)))
"""Of patches, up to 14336: few sizes, as each needs filters of its own."""
MAX_CHAINS = 16
"""Sizes whose filters stay open: more than the faces in a frame usually have."""

Region = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; the last two are the first that do not belong to it."""


class PatchReader:
    """Returns what a conversion to luma returns, computed in a region only.

    The filters of a patch are asked once for each kind of frame whether they agree with those of
    the frame; where they do not, the whole frame is converted.
    """

    def __init__(
        self,
        whole: Callable[[av.VideoFrame], NDArray[np.uint8]],
        can_be_patched: Callable[[av.VideoFrame], bool],
    ) -> None:
        """`can_be_patched` accepts frames that become luma by these filters alone."""
        self._whole, self._can_be_patched = whole, can_be_patched
        self._agree: dict[Shape, bool] = {}
        self._chains: OrderedDict[tuple[int, int], FilterChain] = OrderedDict()
        self._last: tuple[av.VideoFrame, Region, NDArray[np.uint8]] | None = None
        self._lock = threading.Lock()

    def convert(self, frame: av.VideoFrame, region: Region) -> NDArray[np.uint8]:
        """Return (H, W) luma whose values outside `region` are undefined; it may reach outside."""
        with self._lock:
            if self._last is None or self._last[0] is not frame or not _covers(self._last, region):
                self._last = frame, *self._convert(frame, region)
            return self._last[2]

    def _convert(self, frame: av.VideoFrame, region: Region) -> tuple[Region, NDArray[np.uint8]]:
        patch = _patch(region, frame.width, frame.height)
        if patch is None or not self._is_exact(frame):
            return (0, 0, frame.width, frame.height), self._whole(frame)
        luma = np.empty((frame.height, frame.width), np.uint8)
        left, top, right, bottom = patch
        luma[top:bottom, left:right] = self._convert_patch(frame, patch)
        return _without_margin(patch, frame), luma

    def _convert_patch(self, frame: av.VideoFrame, patch: Region) -> NDArray[np.uint8]:
        left, top, right, bottom = patch
        width, height = size = right - left, bottom - top
        if size not in self._chains:
            self._chains[size] = FilterChain(
                ("crop", f"{width}:{height}:0:0"),
                ("scale", f"{width}:{height}:flags=area"),  # as of the whole frame
                ("format", "gray"),
            )
        self._chains.move_to_end(size)
        if len(self._chains) > MAX_CHAINS:
            self._chains.popitem(last=False)
        self._chains[size].move_crop(left, top)
        return np.asarray(self._chains[size].convert(frame).to_ndarray(), np.uint8)

    def _is_exact(self, frame: av.VideoFrame) -> bool:
        """Whether a patch of a frame of this kind equals that part of the whole frame."""
        shape = shape_of(frame)
        if shape not in self._agree:
            x, y = frame.width // 2, frame.height // 2
            patch = _patch((x, y, x + 1, y + 1), frame.width, frame.height)
            self._agree[shape] = False
            if patch and self._can_be_patched(frame):
                left, top, right, bottom = _without_margin(patch, frame)
                pixels = self._convert_patch(frame, patch)
                pixels = pixels[top - patch[1] : bottom - patch[1], left - patch[0] :]
                whole = self._whole(frame)[top:bottom, left:right]
                self._agree[shape] = np.array_equal(pixels[:, : right - left], whole)
        return self._agree[shape]


def _patch(region: Region, width: int, height: int) -> Region | None:
    """Return the patch that contains a region and its margin; None if it is half the frame."""
    columns = _span(region[0], region[2], width, COLUMN_STEP)
    rows = _span(region[1], region[3], height, ROW_STEP)
    if not columns or not rows or 2 * len(columns) * len(rows) > width * height:
        return None
    return columns.start, rows.start, columns.stop, rows.stop


def _span(first: int, end: int, length: int, step: int) -> range | None:
    """Return the columns, or rows, of the patch for those of a region; None if none fits."""
    first, end = max(0, first - MARGIN_PX), min(length, end + MARGIN_PX)
    if first >= end:
        first, end = 0, 1  # all of it is outside the frame
    start = first // step * step
    for side in SIDES_PX:
        last = (length - side) // step * step  # where the last such patch begins
        begin = min(start, last)
        if begin >= 0 and begin + side >= end:
            return range(begin, begin + side)
    return None


def _without_margin(patch: Region, frame: av.VideoFrame) -> Region:
    """Return the region of a patch that is right: at the frame's edges it needs no margin."""
    left, top, right, bottom = patch
    return (
        left + MARGIN_PX if left else 0,
        top + MARGIN_PX if top else 0,
        right - MARGIN_PX if right < frame.width else right,
        bottom - MARGIN_PX if bottom < frame.height else bottom,
    )


def _covers(last: tuple[av.VideoFrame, Region, NDArray[np.uint8]], region: Region) -> bool:
    """Whether the luma of a region is there, as far as it is inside the frame."""
    frame, (left, top, right, bottom), _ = last
    return (
        left <= max(0, region[0])
        and top <= max(0, region[1])
        and right >= min(frame.width, region[2])
        and bottom >= min(frame.height, region[3])
    )
