"""When a browser shows each frame of a source's file, on the clock of its media element."""

from __future__ import annotations

from otio_speakerzoom.model import Media


def first_frame_time(media: Media) -> float:
    """Return the seconds that a browser shows as the time of frame 0."""
    return float(media.video_offset)
