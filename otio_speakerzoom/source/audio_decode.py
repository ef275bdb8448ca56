"""Decodes audio streams of a source, all of them in one demux."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from types import MappingProxyType
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Discard

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.source.container import (
    demux,
    open_media,
    origin,
    seek_before,
    stream_of,
)
from otio_speakerzoom.source.exact_seek import ExactStart, seek
from otio_speakerzoom.source.skipped_audio import without_first

log = logging.getLogger(__name__)

MAX_UNDECODED_S = 1
"""Duration of packets at the end of a stream that may give no samples: decoders keep a few."""
SEEK_MARGIN_S = 1
"""How far before the first sample decoding begins after a seek: by then decoders and timestamps
have settled."""


@dataclass(frozen=True, slots=True, eq=False)
class DecodedAudio:
    """A piece of decoded audio as the decoder returns it, 10 to 100 ms long."""

    frame: av.AudioFrame
    samples: int
    rate: int
    """Samples per second."""
    pts: int | None
    """When its first sample is due, None without a usable timestamp."""
    clock: AudioClock
    """What `pts` counts."""
    has_layout: bool
    """Whether its channel layout says where its channels belong."""

    @property
    def duration(self) -> Fraction:
        """In seconds."""
        return Fraction(self.samples, self.rate)

    @property
    def time(self) -> Fraction | None:
        """When its first sample is due, in seconds from frame 0."""
        return None if self.pts is None else self.clock.time(self.pts)


@dataclass(frozen=True, slots=True)
class AudioClock:
    """What the timestamps of a stream mean."""

    time_base: Fraction
    """Seconds per unit."""
    begin: Fraction
    """The timestamp of frame 0, in seconds."""

    def time(self, pts: int) -> Fraction:
        """Return `pts` in seconds from frame 0."""
        return pts * self.time_base - self.begin


Decoded = tuple[int, DecodedAudio]
"""Which of the streams it belongs to, from 0, and the audio."""


def decode_audio(
    media: Media,
    streams: Sequence[AudioStream],
    *,
    starts: Mapping[int, ExactStart] | None = None,
    is_done: Callable[[int], bool] = lambda number: False,
) -> Generator[Decoded, None, None]:
    """Yield the audio of all `streams` as the file holds it, from its beginning or from `starts`.

    Streams for which `is_done` are not decoded any further.
    """
    indices = {stream.index for stream in streams}
    with open_media(media) as container:
        if starts:
            seek(container, media, starts)
        for stream in container.streams:
            if stream.index not in indices:
                stream.discard = Discard.all  # which demuxers skip unread where they can
        yield from _decode(container, media, streams, is_done, starts or {})


def decode_audio_from(
    media: Media, stream: AudioStream, start: Fraction
) -> Generator[Decoded, None, None]:
    """Yield the audio of `stream` from shortly before `start`, in seconds from frame 0.

    From its beginning where the source cannot seek.
    """
    if start > SEEK_MARGIN_S:
        with open_media(media) as container:
            demuxed = stream_of(container, media, stream.index)
            if seek_before(container, demuxed, media, start - SEEK_MARGIN_S):
                pieces = _decode(container, media, [stream], lambda number: False)
                first = next(pieces, None)
                if first and first[1].time is not None and 0 < first[1].time <= start:
                    yield first
                    yield from pieces
                    return
    with closing(decode_audio(media, [stream])) as pieces:
        yield from pieces


def _decode(
    container: Any,
    media: Media,
    streams: Sequence[AudioStream],
    is_done: Callable[[int], bool],
    starts: Mapping[int, ExactStart] = MappingProxyType({}),
) -> Iterator[Decoded]:
    demuxed = [stream_of(container, media, stream.index) for stream in streams]
    decoders = {
        stream.index: _StreamDecoder(number, media, stream, origin(container, media))
        for number, stream in enumerate(demuxed)
    }
    for index, place in starts.items():
        decoders[index].first = place.first
    try:
        for packet in demux(container, *demuxed):
            decoder = decoders[packet.stream.index]
            if not is_done(decoder.number):
                for piece in decoder.decode(packet):
                    yield decoder.number, piece
    except GeneratorExit:  # all have what they need
        for decoder in decoders.values():
            decoder.warn_of_damage()
        raise
    except FFmpegError as error:
        raise MediaError(
            f"{media.path}: its audio cannot be read to the end ({error.strerror}); "
            "copy the file again"
        ) from error
    for decoder in decoders.values():
        if is_done(decoder.number):
            decoder.warn_of_damage()
        else:
            decoder.check_end()


class _StreamDecoder:
    """Decodes the packets of one stream, and notes what is damaged."""

    def __init__(self, number: int, media: Media, stream: Any, begin: Fraction) -> None:
        """`begin` is the timestamp of frame 0 in seconds."""
        self.number = number
        self._media, self._stream = media, stream
        self._clock = AudioClock(stream.time_base, begin)
        self._film_end = ceil((media.duration / media.rate + begin) / stream.time_base)
        """As a timestamp."""
        # libav guesses a layout for PCM, in which recorders store one microphone per channel
        self._has_layout = not stream.codec_context.name.startswith("pcm_")
        self.first: int | None = None
        """Timestamp of the first audio to use; None for all of it."""
        self._damaged = 0
        self._packets_end = 0
        """Of all packets so far, as a timestamp."""
        self._last_pts, self._last_frame = 0, None
        """Of the last audio that had a timestamp."""

    def decode(self, packet: Any) -> Iterator[DecodedAudio]:
        """Yield the audio of a packet with its times.

        A timestamp beyond the end of the film is an error in the timestamp, not a silence.
        """
        if packet.pts is not None:
            self._packets_end = packet.pts + (packet.duration or 0)
        try:
            frames = packet.decode()
        except FFmpegError:  # each decoder raises its own errors on damage
            self._damaged += self.first is None  # before that it may lack what precedes the seek
            return
        for frame in frames:
            pts = frame.pts
            if self.first is not None:
                if pts is None or pts + frame.samples <= self.first:
                    continue
                if pts < self.first:
                    frame, pts = without_first(frame, self.first - pts), self.first
                    frame.pts = pts
                self.first = None
            if pts is not None:
                self._last_pts, self._last_frame = pts, frame
            if pts is not None and pts >= self._film_end:
                pts = None
            yield DecodedAudio(
                frame, frame.samples, frame.sample_rate, pts, self._clock, self._has_layout
            )

    def check_end(self) -> None:
        """Raise MediaError if the last packets gave no samples; warn of other damage."""
        path, index = self._media.path, self._stream.index
        end, frame = None, self._last_frame
        if frame is not None:
            end = self._clock.time(self._last_pts) + Fraction(frame.samples, frame.sample_rate)
        missing = end is None or self._clock.time(self._packets_end) - end > MAX_UNDECODED_S
        if self._damaged and missing:
            raise MediaError(
                f"{path}: the audio of stream {index} cannot be decoded from "
                f"{float(end or 0):.1f} s on; is the file damaged?"
            )
        self.warn_of_damage()

    def warn_of_damage(self) -> None:
        """Warn if there were damaged packets."""
        if self._damaged:
            log.warning("%s: skipped %d damaged packets of audio in stream %d",
                        self._media.path, self._damaged, self._stream.index)  # fmt: skip
