"""What only decoded pictures and samples say: how they are turned, their fields, their colour."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

_PLACES = 12
"""Where a file is looked into for changes: a call that grows or shrinks stays so for a while."""
_FIRST = 12
"""Pictures that are decoded in a row to see whether each has one packet or two."""
_PATIENCE = 400
"""Packets that are read for one look: a group of pictures with its sound has fewer."""


@dataclass(frozen=True, slots=True)
class DecodedFacts:
    """What was seen and heard."""

    stored: tuple[int, int]
    """Width and height of the first picture, as it is stored."""
    rotation: int
    """Degrees that a player must turn it, clockwise."""
    mirrored: bool
    """Whether a player must mirror it too."""
    fields: str
    """As in `Media`."""
    colour: tuple[int, int, int]
    """As in `Media`."""
    sizes: frozenset[tuple[int, int]]
    """All sizes that were seen."""
    formats: dict[int, frozenset[tuple[int, str]]]
    """Rates and layouts that were heard of each audio stream, by its number."""


def read_decoded_facts(
    container: Any, video: int, audio: Sequence[int], stamps: NDArray[np.int64]
) -> DecodedFacts | None:
    """Look into a file, of which nothing was read yet, at its beginning and in some places after.

    `video` and `audio` are numbers of streams, `stamps` when its pictures are shown. Return None
    where no picture can be decoded.
    """
    pictures: list[Any] = []
    heard: dict[int, set[tuple[int, str]]] = {number: set() for number in audio}
    film, streams = container.streams[video], [container.streams[n] for n in (video, *audio)]
    for place in range(_PLACES):
        if place:
            at = int(stamps[len(stamps) * place // _PLACES])
            with suppress(FFmpegError):
                container.seek(at, stream=film)
        for number, frame in _look(container, streams):
            if number == video:
                pictures.append(frame)
            else:
                heard[number].add((frame.sample_rate, frame.layout.name))
        if not pictures:
            return None
    first = pictures[0]
    rotation, mirrored = _turn(first)
    return DecodedFacts(
        (first.width, first.height),
        rotation,
        mirrored,
        _fields(film, pictures),
        _colour(first),
        frozenset((picture.width, picture.height) for picture in pictures),
        {number: frozenset(formats) for number, formats in heard.items()},
    )


def first_frame_stamps(container: Any, video: int) -> list[int]:
    """Return when the first pictures that are decoded are shown, in order."""
    frames: list[Any] = []
    with suppress(FFmpegError):
        for frame in container.decode(container.streams[video]):
            frames.append(frame)
            if len(frames) == _FIRST:
                break
    return sorted(frame.pts for frame in frames if frame.pts is not None)


def whole_frame_stamps(stamps: NDArray[np.int64], decoded: Sequence[int]) -> NDArray[np.int64]:
    """Return the stamps of whole pictures, of which those that are `decoded` are the first.

    A recorder may write the two fields of a picture as packets of their own, each with its stamp.
    """
    if len(decoded) < 2:
        return stamps
    first, last = np.searchsorted(stamps, (decoded[0], decoded[-1]))
    whole = 2 * (len(decoded) - 1) <= last - first
    return stamps[first % 2 :: 2] if whole else stamps


def _look(container: Any, streams: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Yield the number of each stream with what is decoded of it first from here on."""
    waiting = {stream.index for stream in streams}
    with suppress(FFmpegError):
        for read, packet in enumerate(container.demux(*streams)):
            frames: list[Any] = []
            with suppress(FFmpegError):  # damaged, or of the group before: the next one may do
                frames = packet.decode() if packet.stream_index in waiting else []
            for frame in frames[:1]:
                waiting.remove(packet.stream_index)
                yield packet.stream_index, frame
            if not waiting or (read > _PATIENCE and streams[0].index not in waiting):
                return


def _turn(picture: Any) -> tuple[int, bool]:
    """Return the rotation clockwise, and whether the picture is mirrored, too."""
    matrix = picture.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    a, b, _, c, d = struct.unpack("<5i", bytes(matrix)[:20])
    return -picture.rotation % 360, a * d - b * c < 0  # libav counts anticlockwise


def _fields(video: Any, pictures: list[Any]) -> str:
    """Return whether most pictures are of two fields, and which is the first.

    The pictures are asked because a file may carry whole ones in a stream for fields. The order is
    the stream's (libav's numbers: 2 and 4 top, 3 and 5 bottom); without one it is that of the
    standards: bottom first for DV and for 480 lines.
    """
    if 2 * sum(picture.interlaced_frame for picture in pictures) <= len(pictures):
        return "progressive"
    order = video.codec_context.field_order
    if order in (2, 4):
        return "top"
    bottom = video.codec_context.name == "dvvideo" or pictures[0].height in (480, 486)
    return "bottom" if order in (3, 5) or bottom else "top"


def _colour(picture: Any) -> tuple[int, int, int]:
    """Return primaries, transfer and matrix; Rec. 709 where they are reserved or left out."""
    codes = (picture.color_primaries, picture.color_trc, picture.colorspace)
    primaries, transfer, matrix = (1 if int(code) in (0, 2, 3) else int(code) for code in codes)
    return primaries, transfer, matrix
