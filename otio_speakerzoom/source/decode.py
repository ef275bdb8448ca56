"""Decodes the frames of a source with libav, each at its place on the frame grid."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import dropwhile
from typing import Any

import av
from av.error import FFmpegError

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.container import (
    demux,
    open_media,
    origin,
    seek_before,
    stream_of,
)
from otio_speakerzoom.source.filters import FilterChain
from otio_speakerzoom.source.threads import usable_cores

log = logging.getLogger(__name__)

MAX_MISSING_END_FRAMES = 1
"""Frames that may be missing at the end: recorders that were switched off often leave half of the
last one."""
SEEK_MARGINS_FRAMES = (32, 512)
"""How far before the first frame to seek, first and if no keyframe is found there: more than the
frames that a codec reorders, because some containers seek by decoding timestamps, and more than
most keyframes are apart, because a transport stream has no index of them."""
CONTEXT_FRAMES = 2
"""Frames before the first one that the deinterlacer needs."""
MAX_THREADS_PX = 4 * 3840 * 2160
"""Pixels that are decoded at once, at most: each of libav's threads holds one or two frames. In 4K
16 threads take 460 MB (H.264) or 770 (HEVC of 10 bits), 4 take 190 or 350; they decode 4K at 13 or
5 times real time."""
_MAX_THREADS = 16  # as libav itself
FEW_CORES, MAX_SINGLE_THREAD_PX = 2, 1920 * 1088
"""Up to so many cores, and for frames of up to that size, one thread decodes beside other work: it
takes 2.4 ms for a frame of 1080p where three take 2.8 in all, and what else is done to a frame
takes longer. Larger frames of HEVC may take one thread more time than that."""
_TIE = Fraction(1, 1000)
"""Share of a frame that is added before rounding: a timestamp halfway between two frames belongs to
the later one, even if it was rounded down."""


def decode_frames(
    media: Media, within: FrameRange, *, beside_work: bool = False
) -> Generator[tuple[int, av.VideoFrame], None, None]:
    """Yield (frame number, frame) for every frame of `within`, in order, deinterlaced.

    Frames are as stored: not rotated, in any pixel format, and of a different size if it changes in
    the middle of the file. Where the file lacks a frame, the previous one is repeated; of several
    frames at one place, the last is used. `beside_work` is for a reader that needs the cores more
    than the next frame. Raise MediaError if the file ends before `within` does.
    """
    threads = thread_count(*media.size, beside_work=beside_work)
    current: av.VideoFrame | None = None
    at = 0
    with closing(_frames_near(media, within.start, threads)) as frames:
        for place, decoded in frames:
            if place < at:
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


def _frames_near(
    media: Media, start: int, threads: int
) -> Generator[tuple[int, av.VideoFrame], None, None]:
    """Yield decoded frames with their places on the grid, from one at or before `start` on.

    Begins at a keyframe near `start` where the source can seek, else at frame 0.
    """
    for margin in SEEK_MARGINS_FRAMES:
        if start <= margin:
            break
        with open_media(media) as container:
            stream = stream_of(container, media, media.video_stream)
            if not seek_before(container, stream, media, (start - margin) / media.rate):
                break
            frames = _with_places(container, media, threads, from_keyframe=True)
            first = next(frames, None)
            if first and first[1].pts is not None and first[0] <= start - CONTEXT_FRAMES:
                yield first
                yield from frames
                return
    with open_media(media) as container:
        frames = _with_places(container, media, threads)
        first = next(frames, None)
        if first is not None:
            yield 0, first[1]  # the first frame that decodes also fills any places before it
            yield from frames


def _with_places(
    container: Any, media: Media, threads: int, *, from_keyframe: bool = False
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield each decoded frame with the nearest place on the grid."""
    begin, place = origin(container, media), -1
    # AVI has decoding timestamps only; libav guesses presentation ones, for H.264 one too late
    use_dts = container.format.name == "avi"
    for frame in _deinterlace(_decode(container, media, threads), media, from_keyframe):
        stamp = frame.dts if use_dts else frame.pts
        if stamp is None or frame.time_base is None or not media.has_timestamps:
            place += 1
        else:
            exact = (stamp * frame.time_base - begin) * media.rate
            place = int((exact + Fraction(1, 2) + _TIE) // 1)
        yield place, frame


def _deinterlace(
    frames: Iterator[av.VideoFrame], media: Media, from_keyframe: bool
) -> Iterator[av.VideoFrame]:
    """Yield one progressive frame for every two fields, at the time of the first."""
    if from_keyframe:  # before it, there may be frames whose references were skipped
        frames = dropwhile(lambda frame: not frame.key_frame or frame.is_corrupt, frames)
    parity = {"top": "tff", "bottom": "bff"}.get(media.field_order)
    if parity is None:
        yield from frames
        return
    chain = FilterChain(("bwdif", f"mode=send_frame:parity={parity}:deint=all"))
    for frame in frames:
        yield from chain.push(frame)
    yield from chain.flush()


def _decode(container: Any, media: Media, threads: int) -> Iterator[av.VideoFrame]:
    """Yield the decoded frames of the video stream, without damaged packets."""
    stream = stream_of(container, media, media.video_stream)
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    damaged = 0
    try:
        for packet in demux(container, stream):
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


def thread_count(width: int, height: int, *, beside_work: bool = False) -> int:
    """Return the number of threads that decode frames of that size: one more than cores, or fewer.

    The cores are those that this process may use. With few of them one thread is enough
    `beside_work` that takes longer.
    """
    if beside_work and usable_cores() <= FEW_CORES and width * height <= MAX_SINGLE_THREAD_PX:
        return 1
    most = max(2, MAX_THREADS_PX // (width * height))
    return min(usable_cores() + 1, _MAX_THREADS, most)
