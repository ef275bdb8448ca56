"""The frames of a source as arrays."""

from __future__ import annotations

from collections.abc import Generator

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.decode import decode_frames
from otio_speakerzoom.source.filters import Filter, FilterChain
from otio_speakerzoom.source.prefetch import prefetch
from otio_speakerzoom.source.tone_mapping import tone_mapping_filters

QUEUE = 4
"""Pictures that are decoded ahead of the reader: enough to keep both busy, 100 MB of 4K RGB."""


def read_frames(
    media: Media,
    *,
    size: tuple[int, int] | None = None,
    gray: bool = False,
    within: FrameRange | None = None,
) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    """Yield (source frame, picture) for every frame of `within`, in order, upright.

    Pictures are (H, W, 3) RGB, or (H, W) luma when `gray`, scaled to `size` (width, height) if
    one is given. Decoding goes on in a thread of its own while the reader is busy. Raise
    MediaError where the file's pictures end before `within` does.
    """
    return prefetch(_arrays(media, size or media.size, gray, within or media.range), QUEUE)


def _arrays(
    media: Media, size: tuple[int, int], gray: bool, within: FrameRange
) -> Generator[tuple[int, NDArray[np.uint8]], None, None]:
    upright = UprightFilter(
        media,
        ("scale", f"{size[0]}:{size[1]}:flags=area"),
        *tone_mapping_filters(media),
        ("format", "gray" if gray else "rgb24"),
    )
    before, array = None, np.empty(0, np.uint8)
    for frame, picture in decode_frames(media, within):
        if picture is not before:
            before = picture
            array = np.asarray(upright.convert(picture).to_ndarray(), np.uint8)
        yield frame, array


class UprightFilter:
    """Turns stored pictures as the file says, fits them to `Media.size`, and filters them on."""

    def __init__(self, media: Media, *filters: Filter) -> None:
        turned, (width, height) = _turns(media), media.size
        fit = f"{width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic"
        fitted = (("scale", fit), ("pad", f"{width}:{height}:-1:-1"))
        self._stored = (width, height) if media.rotation % 180 == 0 else (height, width)
        self._same = FilterChain(*turned, *filters)
        self._as_is = not turned and not filters
        self._other = FilterChain(*turned, *fitted, *filters)

    def convert(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Return the picture upright and filtered."""
        same = (picture.width, picture.height) == self._stored
        if same and self._as_is:
            return picture
        return (self._same if same else self._other).convert(picture)


def _turns(media: Media) -> tuple[Filter, ...]:
    """Return the filters that turn a stored picture clockwise as a player must."""
    return {
        0: (),
        90: (("transpose", "clock"),),
        180: (("hflip", ""), ("vflip", "")),
        270: (("transpose", "cclock"),),
    }[media.rotation]
