"""The frames of a source as arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.decode import decode_frames
from otio_speakerzoom.source.luma import LumaReader, Region
from otio_speakerzoom.source.luma_patch import PatchReader
from otio_speakerzoom.source.prefetch import prefetch
from otio_speakerzoom.source.tone_mapping import tone_mapping_filters
from otio_speakerzoom.source.upright import UprightFilter

MAX_PREFETCHED = 4
"""Frames decoded ahead of the reader: enough to keep both busy, 100 MB of 4K RGB."""

Pixels = NDArray[np.uint8]


def read_frames(
    media: Media,
    *,
    size: tuple[int, int] | None = None,
    gray: bool = False,
    within: FrameRange | None = None,
    is_needed: Callable[[int], bool] | None = None,
) -> Generator[tuple[int, Pixels], None, None]:
    """Yield (frame number, frame) for every frame of `within`, in order, upright.

    Frames are (H, W, 3) RGB, or (H, W) luma if `gray`, scaled to `size` (width, height) if given.
    A frame whose number `is_needed` rejects is not converted: an earlier one, or an empty array,
    is yielded in its place. A thread decodes and converts ahead of the reader. Raise MediaError if
    the file ends before `within` does.
    """

    def arrays() -> Generator[tuple[int, Pixels], None, None]:
        array = np.empty(0, np.uint8)
        for frame in _source_frames(media, within or media.range):
            if is_needed is None or is_needed(frame.number):
                array = frame.luma(size) if gray else frame.rgb(size)
            yield frame.number, array

    return prefetch(arrays(), MAX_PREFETCHED)


def read_source_frames(
    media: Media, within: FrameRange | None = None
) -> Generator[SourceFrame, None, None]:
    """Yield every frame of `within` in order, for a reader that asks for its pixels.

    A thread decodes ahead of the reader, but converts nothing. Raise MediaError if the file ends
    before `within` does.
    """
    frames = _source_frames(media, within or media.range, beside_work=True)
    return prefetch(frames, MAX_PREFETCHED)


class SourceFrame:
    """One frame of a source at its place on the grid, upright; converted when asked for.

    Any thread may ask; a frame that is repeated on the grid is converted once. Callers share the
    arrays and must not write to them.
    """

    __slots__ = ("_conversions", "_stored", "number")

    def __init__(self, number: int, stored: av.VideoFrame, conversions: _Conversions) -> None:
        self.number = number
        self._stored = stored
        self._conversions = conversions

    def rgb(self, size: tuple[int, int] | None = None) -> Pixels:
        """Return (H, W, 3) RGB, scaled to `size` (width, height) if given."""
        return self._conversions.get("rgb24", size).convert(self._stored)

    def rgb_fast(self, size: tuple[int, int]) -> Pixels:
        """Return (H, W, 3) RGB, scaled to `size` (width, height) in a third of the time.

        Pixels are picked rather than averaged: good enough to compare frames, not to look at them.
        """
        return self._conversions.get("rgb24", size, "fast_bilinear").convert(self._stored)

    def luma(self, size: tuple[int, int] | None = None) -> Pixels:
        """Return (H, W) luma from 0 to 255, scaled to `size` (width, height) if given."""
        return self._conversions.get("gray", size).convert(self._stored)

    def luma_within(self, region: Region) -> Pixels:
        """Return (H, W) luma of which only the pixels in `region` are those of `luma()`.

        Faster the smaller it is; it may reach outside the frame.
        """
        return self._conversions.luma_patches.convert(self._stored, region)


def _source_frames(
    media: Media, within: FrameRange, *, beside_work: bool = False
) -> Generator[SourceFrame, None, None]:
    conversions = _Conversions(media)
    for number, stored in decode_frames(media, within, beside_work=beside_work):
        yield SourceFrame(number, stored, conversions)


class _Conversions:
    """The conversions of one source, each made when it is first asked for."""

    def __init__(self, media: Media) -> None:
        self._media = media
        self._by_output: dict[tuple[str, tuple[int, int], str], _Conversion] = {}
        self._lock = threading.Lock()
        to_gray = self._filters("gray", media.size, "area")
        luma = LumaReader(to_gray)
        whole = self._by_output["gray", media.size, "area"] = _Conversion(luma.convert)
        self.luma_patches = PatchReader(media, to_gray, luma, whole.convert)

    def get(
        self, pixel_format: str, size: tuple[int, int] | None, scaler: str = "area"
    ) -> _Conversion:
        output = pixel_format, size or self._media.size, scaler
        with self._lock:
            if output not in self._by_output:
                self._by_output[output] = self._new(*output)
            return self._by_output[output]

    def _new(self, pixel_format: str, size: tuple[int, int], scaler: str) -> _Conversion:
        upright = self._filters(pixel_format, size, scaler)
        return _Conversion(
            lambda stored: np.asarray(upright.convert(stored).to_ndarray(), np.uint8)
        )

    def _filters(self, pixel_format: str, size: tuple[int, int], scaler: str) -> UprightFilter:
        return UprightFilter(
            self._media,
            ("scale", f"{size[0]}:{size[1]}:flags={scaler}"),
            *tone_mapping_filters(self._media),
            ("format", pixel_format),
        )


class _Conversion:
    """Converts one stored frame at a time; the last one is not converted again."""

    def __init__(self, function: Callable[[av.VideoFrame], Pixels]) -> None:
        self._function = function
        self._last: tuple[av.VideoFrame, Pixels] | None = None
        self._lock = threading.Lock()

    def convert(self, stored: av.VideoFrame) -> Pixels:
        with self._lock:
            if self._last is None or self._last[0] is not stored:
                self._last = stored, self._function(stored)
            return self._last[1]
