"""The frames of a source as arrays."""

from __future__ import annotations

from collections.abc import Callable, Generator

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.decode import decode_frames
from otio_speakerzoom.source.filters import Filter, FilterChain
from otio_speakerzoom.source.prefetch import prefetch
from otio_speakerzoom.source.tone_mapping import tone_mapping_filters

MAX_PREFETCHED = 4
"""Frames decoded ahead of the reader: enough to keep both busy, 100 MB of 4K RGB."""


def read_frames(
    media: Media,
    *,
    size: tuple[int, int] | None = None,
    gray: bool = False,
    within: FrameRange | None = None,
    is_needed: Callable[[int], bool] | None = None,
) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    """Yield (frame number, frame) for every frame of `within`, in order, upright.

    Frames are (H, W, 3) RGB, or (H, W) luma if `gray`, scaled to `size` (width, height) if given.
    A frame whose number `is_needed` rejects is not converted: an earlier one, or an empty array,
    is yielded in its place. A thread decodes ahead of the reader. Raise MediaError if the file ends
    before `within` does.
    """
    arrays = _arrays(media, size or media.size, gray, within or media.range, is_needed)
    return prefetch(arrays, MAX_PREFETCHED)


def _arrays(
    media: Media,
    size: tuple[int, int],
    gray: bool,
    within: FrameRange,
    is_needed: Callable[[int], bool] | None,
) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    upright = UprightFilter(
        media,
        ("scale", f"{size[0]}:{size[1]}:flags=area"),
        *tone_mapping_filters(media),
        ("format", "gray" if gray else "rgb24"),
    )
    last, array = None, np.empty(0, np.uint8)
    for number, frame in decode_frames(media, within):
        if frame is not last and (is_needed is None or is_needed(number)):
            last = frame
            array = np.asarray(upright.convert(frame).to_ndarray(), np.uint8)
        yield number, array


class UprightFilter:
    """Rotates stored frames upright, fits them to `Media.size`, and applies more filters."""

    def __init__(self, media: Media, *filters: Filter) -> None:
        rotation, (width, height) = _rotation_filters(media), media.size
        scale = f"{width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic"
        fit = (("scale", scale), ("pad", f"{width}:{height}:-1:-1"))
        self._stored_size = (width, height) if media.rotation % 180 == 0 else (height, width)
        self._nothing_to_do = not rotation and not filters
        self._chain = FilterChain(*rotation, *filters)
        self._chain_for_other_sizes = FilterChain(*rotation, *fit, *filters)

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame upright and filtered."""
        if (frame.width, frame.height) != self._stored_size:
            return self._chain_for_other_sizes.convert(frame)
        return frame if self._nothing_to_do else self._chain.convert(frame)


def _rotation_filters(media: Media) -> tuple[Filter, ...]:
    """Return the filters that rotate a stored frame upright."""
    return {
        0: (),
        90: (("transpose", "clock"),),
        180: (("hflip", ""), ("vflip", "")),
        270: (("transpose", "cclock"),),
    }[media.rotation]
