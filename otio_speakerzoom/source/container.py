"""Opens the container of a source, and finds its streams, its frame 0 and a place to start from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import Media
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url

_DECODING: dict[str, Any] = {}
if int(av.__version__.partition(".")[0]) < 19:  # from then on nothing that is not UTF-8 is an error
    _DECODING["metadata_errors"] = "replace"


def open_input(path: Path) -> InputContainer:
    """Open the container of a file, without access to any network; FFmpegError if that fails.

    Titles and names in it may be in any encoding: old programs did not write UTF-8.
    """
    return av.open(input_url(path), container_options=LOCAL_ONLY, **_DECODING)


def open_media(media: Media) -> Any:
    """Open the container of `media`, as `open_input` does."""
    try:
        return open_input(media.path)
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: cannot be opened anymore ({error.strerror}); was it moved?"
        ) from error


def demux(container: Any, *streams: Any) -> Iterator[Any]:
    """Yield the packets of `streams`, and one without content for each at the end.

    PyAV does not know the streams that appear after the file was opened, as in a damaged FLV, and
    fails with IndexError when it comes to them at the end.
    """
    with suppress(IndexError):
        yield from container.demux(*streams)


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
