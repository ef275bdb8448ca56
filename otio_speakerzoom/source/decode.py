"""The pictures of a source as libav decodes them, each on its frame of the grid."""

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

MAX_HELD_AT_END = 1
"""Frames by which the pictures may end before the grid: a recorder that was switched off often
leaves half of the last picture."""
_TIE = Fraction(1, 1000)
"""Of a frame: a picture in the middle between two frames belongs to the later one, even where a
stamp was rounded down."""


def open_media(media: Media) -> Any:
    """Return the container of `media`, which reaches no network."""
    try:
        return av.open(input_url(media.path), container_options=LOCAL_ONLY)
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: cannot be opened any more ({error.strerror}); has it been moved?"
        ) from error


def stream_of(container: Any, media: Media, index: int) -> Any:
    """Return the stream of that number, which `probe` found."""
    if index >= len(container.streams):
        raise MediaError(f"{media.path}: has no stream {index} any more; was it replaced?")
    return container.streams[index]


def origin(container: Any, media: Media) -> Fraction:
    """Return the time stamp of frame 0 in seconds, in the container's own time."""
    return Fraction(container.start_time or 0, av.time_base) + media.video_offset


def decode_frames(
    media: Media, within: FrameRange
) -> Generator[tuple[int, av.VideoFrame], None, None]:
    """Yield (source frame, picture) for every frame of `within`, in order, deinterlaced.

    Pictures are as they are stored: not turned, in any pixel format, and of another size where the
    file changes it midway. A picture is held where the grid has frames that the file lacks, and of
    several pictures for one frame the last is taken. Raise MediaError where pictures end before
    `within` does.
    """
    held: av.VideoFrame | None = None
    at = 0
    with open_media(media) as container:
        for place, picture in _placed(container, media):
            if held is None:
                place = 0  # what is before the first picture that decodes shows that picture
            elif place < at:
                continue  # a stamp that goes back
            for frame in range(max(at, within.start), min(place, within.end)):
                assert held is not None
                yield frame, held
            if place >= within.end:
                return
            held, at = picture, place
    if held is None:
        raise MediaError(f"{media.path}: no picture could be decoded; is the file damaged?")
    if within.end > at + 1 + MAX_HELD_AT_END:
        raise MediaError(
            f"{media.path}: its pictures end at frame {at + 1} of {media.duration}; is it a copy "
            f"that was cut off? Copy it again, or use what is there: --out {at + 1}f"
        )
    for frame in range(max(at, within.start), within.end):
        yield frame, held


def _placed(container: Any, media: Media) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield each picture with the frame it is nearest to."""
    begin, place = origin(container, media), -1
    # AVI has stamps of decoding only; libav guesses those of showing, for H.264 one too late
    by_decoding = container.format.name == "avi"
    for picture in _deinterlaced(container, media):
        stamp = picture.dts if by_decoding else picture.pts
        if stamp is None or picture.time_base is None or not media.has_timestamps:
            place += 1
        else:
            exact = (stamp * picture.time_base - begin) * media.rate
            place = int((exact + Fraction(1, 2) + _TIE) // 1)
        yield place, picture


def _deinterlaced(container: Any, media: Media) -> Iterator[av.VideoFrame]:
    """Yield one whole picture for each two fields, at the time of the first of them."""
    decoded = _decoded(container, media)
    parity = {"top": "tff", "bottom": "bff"}.get(media.field_order)
    if parity is None:
        yield from decoded
        return
    chain = FilterChain(("bwdif", f"mode=send_frame:parity={parity}:deint=all"))
    for picture in decoded:
        yield from chain.push(picture)
    yield from chain.flush()


def _decoded(container: Any, media: Media) -> Iterator[av.VideoFrame]:
    """Yield what the decoder makes of the picture's stream; damaged packets are left out."""
    stream = stream_of(container, media, media.video_stream)
    stream.thread_type = "AUTO"
    damaged = 0
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except FFmpegError:  # each decoder has errors of its own for damage
                damaged += 1
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: cannot be read to its end ({error.strerror}); copy it again"
        ) from error
    if damaged:
        log.warning(
            "%s: %d damaged packets of picture were left out; the picture before each stands still",
            media.path, damaged,
        )  # fmt: skip
