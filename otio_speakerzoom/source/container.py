"""Opens the container of a source, and finds its streams, its frame 0 and a place to start from."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import Media
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url


def open_media(media: Media) -> Any:
    """Open the container of `media`, without access to any network."""
    try:
        return av.open(input_url(media.path), container_options=LOCAL_ONLY)
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: cannot be opened anymore ({error.strerror}); was it moved?"
        ) from error


def stream_of(container: Any, media: Media, index: int) -> Any:
    """Return the stream with that index."""
    if index >= len(container.streams):
        raise MediaError(f"{media.path}: has no stream {index} anymore; was the file replaced?")
    return container.streams[index]


def origin(container: Any, media: Media) -> Fraction:
    """Return the timestamp of frame 0 in seconds, in the container's own time."""
    return Fraction(container.start_time or 0, av.time_base) + media.video_offset


def seek_before(container: Any, stream: Any, media: Media, time_s: Fraction) -> bool:
    """Go to the last keyframe of `stream` before `time_s`, in seconds from frame 0.

    Return False where that is not possible or not reliable; the container is then to be opened
    again. AVI is not reliable, because it has no presentation timestamps.
    """
    if not media.has_timestamps or container.format.name == "avi" or not stream.time_base:
        return False
    try:
        container.seek(int((origin(container, media) + time_s) / stream.time_base), stream=stream)
    except FFmpegError:
        return False
    return True
