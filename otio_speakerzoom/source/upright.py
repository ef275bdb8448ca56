"""Turns stored frames as players show them: upright, and at the size of the source."""

from __future__ import annotations

import av

from otio_speakerzoom.model import Media
from otio_speakerzoom.source.filters import Filter, FilterChain


class UprightFilter:
    """Rotates stored frames upright, fits them to `Media.size`, and applies more filters."""

    def __init__(self, media: Media, *filters: Filter) -> None:
        rotation, (width, height) = rotation_filters(media), media.size
        self._rotation = media.rotation
        scale = f"{width}:{height}:force_original_aspect_ratio=decrease:flags=bicubic"
        fit = (("scale", scale), ("pad", f"{width}:{height}:-1:-1"))
        self._stored_size = (width, height) if media.rotation % 180 == 0 else (height, width)
        self._nothing_to_do = not rotation and not filters
        self._chain = FilterChain(*rotation, *filters)
        self._chain_for_other_sizes = FilterChain(*rotation, *fit, *filters)

    def convert(self, frame: av.VideoFrame) -> av.VideoFrame:
        """Return the frame upright and filtered."""
        if not self.is_stored_at_size(frame):
            return self._chain_for_other_sizes.convert(frame)
        return frame if self._nothing_to_do else self._chain.convert(frame)

    def is_stored_upright(self, frame: av.VideoFrame) -> bool:
        """Whether a frame is stored as it is shown, so that only the other filters change it."""
        return not self._rotation and self.is_stored_at_size(frame)

    def is_stored_at_size(self, frame: av.VideoFrame) -> bool:
        """Whether a frame has the size of the source's first one, so that it is not fitted."""
        return (frame.width, frame.height) == self._stored_size


def rotation_filters(media: Media) -> tuple[Filter, ...]:
    """Return the filters that rotate a stored frame upright."""
    return {
        0: (),
        90: (("transpose", "clock"),),
        180: (("hflip", ""), ("vflip", "")),
        270: (("transpose", "cclock"),),
    }[media.rotation]


def rotate(
    region: tuple[int, int, int, int], degrees: int, width: int, height: int
) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region of a frame of that size, turned clockwise."""
    left, top, right, bottom = region
    return {
        0: region,
        90: (height - bottom, left, height - top, right),
        180: (width - right, height - bottom, width - left, height - top),
        270: (top, width - right, bottom, width - left),
    }[degrees % 360]
