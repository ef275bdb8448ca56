"""Converts the part of a stored frame that shows a face to luma, instead of all of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import Media
from otio_speakerzoom.source.filters import FilterChain
from otio_speakerzoom.source.luma import LumaReader, Region, Shape, look_up, shape_of
from otio_speakerzoom.source.upright import UprightFilter, rotate, rotation_filters

ToLuma = Callable[[av.VideoFrame], NDArray[np.uint8]]

MARGIN_PX = 8
"""Around a region, for filters that take colours from neighbours."""
COLUMN_STEP, ROW_STEP = 32, 8
"""Where patches begin: at the alignment of a row in memory, and of the pattern of dithering."""
SIDES_PX = (*range(32, 256, 32), *(step << n for n in range(6) for step in (256, 320, 384, 448)))
"""Of patches, up to 14336: few sizes, as each needs filters of its own."""
MAX_CHAINS = 16
"""Sizes whose filters stay open: more than the faces in a frame usually have."""


class PatchReader:
    """Returns what a conversion to luma returns, computed in a region only.

    The filters of a patch are asked once for each kind of frame whether they agree with those of
    the frame; where they do not, the whole frame is converted.
    """

    def __init__(
        self, media: Media, upright: UprightFilter, luma: LumaReader, whole: ToLuma
    ) -> None:
        """`whole` converts what cannot be converted in patches."""
        self._media, self._upright, self._luma, self._whole = media, upright, luma, whole
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
        width, height = self._media.size
        stored = rotate(region, -self._media.rotation, width, height)
        patch = _patch(stored, frame.width, frame.height)
        if patch is None or not self._is_exact(frame):
            return (0, 0, width, height), self._whole(frame)
        luma = np.empty((height, width), np.uint8)
        left, top, right, bottom = self._as_shown(patch, frame)
        luma[top:bottom, left:right] = self._convert_patch(frame, patch)
        return self._as_shown(_without_margin(patch, frame), frame), luma

    def _convert_patch(self, frame: av.VideoFrame, patch: Region) -> NDArray[np.uint8]:
        table = self._luma.table(frame)
        if table is not None:
            return look_up(frame, table, patch)
        left, top, right, bottom = patch
        size = right - left, bottom - top
        if size not in self._chains:
            self._chains[size] = self._new_chain(*size)
        self._chains.move_to_end(size)
        if len(self._chains) > MAX_CHAINS:
            self._chains.popitem(last=False)
        self._chains[size].move_crop(left, top)
        return np.asarray(self._chains[size].convert(frame).to_ndarray(), np.uint8)

    def _new_chain(self, width: int, height: int) -> FilterChain:
        upright = (width, height) if self._media.rotation % 180 == 0 else (height, width)
        return FilterChain(
            ("crop", f"{width}:{height}:0:0"),
            *rotation_filters(self._media),
            ("scale", f"{upright[0]}:{upright[1]}:flags=area"),  # as of the whole frame
            ("format", "gray"),
            threads=1,  # several take longer for so few pixels
        )

    def _is_exact(self, frame: av.VideoFrame) -> bool:
        """Whether a patch of a frame of this kind equals that part of the whole frame."""
        shape = shape_of(frame)
        if shape not in self._agree:
            self._agree[shape] = self._can_be_patched(frame) and self._agrees(frame)
        return self._agree[shape]

    def _can_be_patched(self, frame: av.VideoFrame) -> bool:
        """Whether nothing depends on the place of a pixel in the upright frame, as dithering does.

        The pattern of dithering fits patches of frames that are stored upright.
        """
        deep = any(component.bits > 8 for component in frame.format.components)
        is_dithered = deep and not self._upright.is_stored_upright(frame)
        is_sdr = self._media.transfer == "sdr"
        return is_sdr and self._upright.is_stored_at_size(frame) and not is_dithered

    def _agrees(self, frame: av.VideoFrame) -> bool:
        x, y = frame.width // 2, frame.height // 2
        patch = _patch((x, y, x + 1, y + 1), frame.width, frame.height)
        if patch is None:
            return False
        left, top, *_ = self._as_shown(patch, frame)
        x, y, right, bottom = self._as_shown(_without_margin(patch, frame), frame)
        pixels = self._convert_patch(frame, patch)[y - top : bottom - top, x - left : right - left]
        return np.array_equal(pixels, self._whole(frame)[y:bottom, x:right])

    def _as_shown(self, region: Region, frame: av.VideoFrame) -> Region:
        """Return where a region of the stored frame lies in the upright one."""
        return rotate(region, self._media.rotation, frame.width, frame.height)


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
    _, (left, top, right, bottom), luma = last
    height, width = luma.shape
    return (
        left <= max(0, region[0])
        and top <= max(0, region[1])
        and right >= min(width, region[2])
        and bottom >= min(height, region[3])
    )
