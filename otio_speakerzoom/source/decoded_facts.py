"""Facts that only decoded frames and samples reveal: rotation, field order, colour, changes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.source.container import demux

_SAMPLED_PLACES = 12
"""Places of a file that are sampled for changes: a video call that changes its size keeps the new
one for a while."""
_FIRST_FRAMES = 12
"""Frames that are decoded in a row to determine whether each has one packet or two."""
_MAX_PACKETS = 400
"""Packets that are read at one place: a group of pictures with its audio has fewer."""


@dataclass(frozen=True, slots=True)
class DecodedFacts:
    """Facts from a sample of decoded frames."""

    stored_size: tuple[int, int]
    """Width and height of the first frame, as stored."""
    rotation: int
    """Degrees clockwise that a player must turn it."""
    mirrored: bool
    """Whether a player must mirror it too."""
    field_order: str
    """As in `Media`."""
    colour: tuple[int, int, int]
    """As in `Media`."""
    sizes: frozenset[tuple[int, int]]
    """All frame sizes in the sample."""
    audio_formats: dict[int, frozenset[tuple[int, str]]]
    """Sample rates and channel layouts of each audio stream in the sample, by its index."""
    has_first_stamp: bool
    """Whether the first frame has a timestamp."""


def read_decoded_facts(
    container: Any, video: int, audio: Sequence[int], stamps: NDArray[np.int64]
) -> DecodedFacts | None:
    """Decode a sample of a newly opened file: at its beginning, and at some places after it.

    `video` and `audio` are stream indices, `stamps` the presentation times of the frames. Return
    None if no frame can be decoded.
    """
    frames: list[Any] = []
    formats: dict[int, set[tuple[int, str]]] = {index: set() for index in audio}
    video_stream = container.streams[video]
    streams = [container.streams[index] for index in (video, *audio)]
    for place in range(_SAMPLED_PLACES):
        if place:
            at = int(stamps[len(stamps) * place // _SAMPLED_PLACES])
            with suppress(FFmpegError):
                container.seek(at, stream=video_stream)
        for index, frame in _decode_one_each(container, streams):
            if index == video:
                frames.append(frame)
            else:
                formats[index].add((frame.sample_rate, frame.layout.name))
        if not frames:
            return None
    first = frames[0]
    rotation, mirrored = _rotation(first)
    return DecodedFacts(
        (first.width, first.height),
        rotation,
        mirrored,
        _field_order(video_stream, frames),
        _colour(first),
        frozenset((frame.width, frame.height) for frame in frames),
        {index: frozenset(values) for index, values in formats.items()},
        first.pts is not None or first.dts is not None,
    )


def first_frame_stamps(container: Any, video: int) -> list[int]:
    """Return the timestamps of the first decoded frames, in ascending order."""
    frames: list[Any] = []
    with suppress(FFmpegError):
        for packet in demux(container, container.streams[video]):
            frames += packet.decode()
            if len(frames) >= _FIRST_FRAMES:
                break
    return sorted(frame.pts for frame in frames[:_FIRST_FRAMES] if frame.pts is not None)


def whole_frame_stamps(stamps: NDArray[np.int64], decoded: Sequence[int]) -> NDArray[np.int64]:
    """Return the timestamps of whole frames; `decoded` are those of the first frames.

    A recorder may write the two fields of a frame as separate packets, each with a timestamp.
    """
    if len(decoded) < 2:
        return stamps
    first, last = np.searchsorted(stamps, (decoded[0], decoded[-1]))
    whole = 2 * (len(decoded) - 1) <= last - first
    return stamps[first % 2 :: 2] if whole else stamps


def _decode_one_each(container: Any, streams: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the index of each stream with its first frame that decodes from here on."""
    waiting = {stream.index for stream in streams}
    with suppress(FFmpegError):
        for count, packet in enumerate(demux(container, *streams)):
            frames: list[Any] = []
            with suppress(FFmpegError):  # damaged, or of an earlier group of pictures: try the next
                frames = packet.decode() if packet.stream_index in waiting else []
            for frame in frames[:1]:
                waiting.remove(packet.stream_index)
                yield packet.stream_index, frame
            if not waiting or (count > _MAX_PACKETS and streams[0].index not in waiting):
                return


def _rotation(frame: Any) -> tuple[int, bool]:
    """Return the rotation clockwise, and whether the frame is also mirrored."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    a, b, _, c, d = struct.unpack("<5i", bytes(matrix)[:20])
    if a * d == b * c:  # it would show nothing: players ignore it, and libav gets no angle
        return 0, False
    return -frame.rotation % 360, a * d - b * c < 0  # libav counts anticlockwise


def _field_order(video: Any, frames: list[Any]) -> str:
    """Return whether most frames are interlaced, and which field comes first.

    The frames decide, because a file may carry progressive frames in an interlaced stream. The
    order is the stream's (libav's numbers: 2 and 4 top, 3 and 5 bottom); without one it is that of
    the standards: bottom first for DV and for 480 lines.
    """
    if 2 * sum(frame.interlaced_frame for frame in frames) <= len(frames):
        return "progressive"
    order = video.codec_context.field_order
    if order in (2, 4):
        return "top"
    bottom = video.codec_context.name == "dvvideo" or frames[0].height in (480, 486)
    return "bottom" if order in (3, 5) or bottom else "top"


def _colour(frame: Any) -> tuple[int, int, int]:
    """Return primaries, transfer and matrix; Rec. 709 for those that are reserved or missing."""
    codes = (frame.color_primaries, frame.color_trc, frame.colorspace)
    primaries, transfer, matrix = (1 if int(code) in (0, 2, 3) else int(code) for code in codes)
    return primaries, transfer, matrix
