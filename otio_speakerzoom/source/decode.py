"""Decodes the frames of a source with libav, each at its place on the frame grid."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any

import av
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.filters import FilterChain
from otio_speakerzoom.source.url import LOCAL_ONLY, input_url

log = logging.getLogger(__name__)

MAX_MISSING_END_FRAMES = 1
"""Frames that may be missing at the end: recorders that were switched off often leave half of the
last one."""
_TIE = Fraction(1, 1000)
"""Share of a frame that is added before rounding: a timestamp halfway between two frames belongs to
the later one, even if it was rounded down."""


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


def decode_frames(
    media: Media, within: FrameRange
) -> Generator[tuple[int, av.VideoFrame], None, None]:
    """Yield (frame number, frame) for every frame of `within`, in order, deinterlaced.

    Frames are as stored: not rotated, in any pixel format, and of a different size if it changes in
    the middle of the file. Where the file lacks a frame, the previous one is repeated; of several
    frames at one place, the last is used. Raise MediaError if the file ends before `within` does.
    """
    current: av.VideoFrame | None = None
    at = 0
    with open_media(media) as container:
        for place, decoded in _with_places(container, media):
            if current is None:
                place = 0  # the first frame that decodes also fills any places before it
            elif place < at:
                continue  # a timestamp that goes back
            for number in range(max(at, within.start), min(place, within.end)):
                assert current is not None
                yield number, current
            if place >= within.end:
                return
            current, at = decoded, place
    if current is None:
        raise MediaError(f"{media.path}: no video frame could be decoded; is the file damaged?")
    if within.end > at + 1 + MAX_MISSING_END_FRAMES:
        raise MediaError(
            f"{media.path}: its video ends at frame {at + 1} of {media.duration}; is it an "
            f"incomplete copy? Copy it again, or use the part that exists: --out {at + 1}f"
        )
    for number in range(max(at, within.start), within.end):
        yield number, current


def _with_places(container: Any, media: Media) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield each decoded frame with the nearest place on the grid."""
    begin, place = origin(container, media), -1
    # AVI has decoding timestamps only; libav guesses presentation ones, for H.264 one too late
    use_dts = container.format.name == "avi"
    for frame in _deinterlace(container, media):
        stamp = frame.dts if use_dts else frame.pts
        if stamp is None or frame.time_base is None or not media.has_timestamps:
            place += 1
        else:
            exact = (stamp * frame.time_base - begin) * media.rate
            place = int((exact + Fraction(1, 2) + _TIE) // 1)
        yield place, frame


def _deinterlace(container: Any, media: Media) -> Iterator[av.VideoFrame]:
    """Yield one progressive frame for every two fields, at the time of the first."""
    frames = _decode(container, media)
    parity = {"top": "tff", "bottom": "bff"}.get(media.field_order)
    if parity is None:
        yield from frames
        return
    chain = FilterChain(("bwdif", f"mode=send_frame:parity={parity}:deint=all"))
    for frame in frames:
        yield from chain.push(frame)
    yield from chain.flush()


def _decode(container: Any, media: Media) -> Iterator[av.VideoFrame]:
    """Yield the decoded frames of the video stream, without damaged packets."""
    stream = stream_of(container, media, media.video_stream)
    stream.thread_type = "AUTO"
    damaged = 0
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except FFmpegError:  # each decoder raises its own errors on damage
                damaged += 1
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: cannot be read to the end ({error.strerror}); copy it again"
        ) from error
    if damaged:
        log.warning(
            "%s: skipped %d damaged packets of video; the frame before each is repeated",
            media.path, damaged,
        )  # fmt: skip
