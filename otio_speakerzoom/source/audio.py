"""The audio of a source: one microphone for speech networks, or a mix of everything for a film."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media, Microphone
from otio_speakerzoom.source.audio_stream import AlignedStream, Samples, to_mono
from otio_speakerzoom.source.limiter import limit_peaks

SPEECH_SAMPLE_RATE = 16_000
"""Samples per second from `read_audio`, as the networks and the VAD expect."""
FILM_SAMPLE_RATE = 48_000
"""Samples per second from `film_audio`, which every editor and player supports."""

FIRST_MICROPHONE = Microphone(0)
"""The first audio stream, its channels mixed."""


def read_audio(
    media: Media, *, within: FrameRange | None = None, microphone: Microphone = FIRST_MICROPHONE
) -> Generator[NDArray[np.int16], None, None]:
    """Yield the audio of `microphone` in `within` as blocks of mono int16 samples at 16 kHz.

    The first sample is at the first frame of `within`, and the number of samples matches its
    duration: gaps in the file become silence, surplus samples are dropped. A block lasts about a
    minute. A source without audio yields silence.
    """
    within = within or media.range
    total = -int(-within.duration * SPEECH_SAMPLE_RATE // media.rate)  # rounded up
    sources = [media.audio_streams[microphone.stream]] if media.audio_streams else []
    with ExitStack() as stack:
        streams: list[Iterator[Samples]] = []
        for source in sources:
            stream = AlignedStream(media, source, within, SPEECH_SAMPLE_RATE, "mono")
            streams.append(stack.enter_context(closing(stream.samples(microphone.channel))))
        for block in _mix(streams, 1, total, 60 * SPEECH_SAMPLE_RATE):
            yield np.rint(np.clip(block[0] * 32768, -32768, 32767)).astype(np.int16)


def film_channels(media: Media) -> int:
    """Return the number of channels of a film's audio: none, one or two."""
    channels = (1 if stream.channels == 1 else 2 for stream in media.audio_streams)
    return min(2, max(channels, default=0))


def film_audio(media: Media, within: FrameRange) -> Generator[Samples, None, None]:
    """Yield a mix of all audio streams in `within` as (channels, samples) at 48 kHz, 1 s a block.

    Each stream keeps its own level; a limiter turns the mix down where the sum is too loud.
    """
    total = -int(-within.duration * FILM_SAMPLE_RATE // media.rate)
    channels = film_channels(media)
    with ExitStack() as stack:
        streams: list[Iterator[Samples]] = []
        for source in media.audio_streams:
            stream = AlignedStream(media, source, within, FILM_SAMPLE_RATE, "stereo", seek=True)
            streams.append(stack.enter_context(closing(stream.samples(None))))
        mix = _mix(streams, channels, total, FILM_SAMPLE_RATE)
        yield from limit_peaks(mix, FILM_SAMPLE_RATE) if _is_sum(media) else mix


def _is_sum(media: Media) -> bool:
    """Whether a film's audio is a sum, which may be too loud although no part of it is."""
    return len(media.audio_streams) > 1 or any(
        stream.channels > 2 for stream in media.audio_streams
    )


def _mix(
    streams: Iterable[Iterator[Samples]], channels: int, total: int, size: int
) -> Iterator[Samples]:
    """Yield the sum of `streams` in blocks of `size` samples, exactly `total` samples in all."""
    buffers = [_SampleBuffer(stream) for stream in streams]
    while total > 0:
        count = min(size, total)
        block = np.zeros((channels, count), np.float32)
        for buffer in buffers:
            samples = buffer.take(count)
            if samples.shape[0] > channels:  # a stream that began with fewer
                samples = to_mono(samples)
            block[:, : samples.shape[1]] += samples  # a mono stream goes to both sides
        total -= count
        yield block


class _SampleBuffer:
    """Buffers pieces of any length, to read them in blocks of a given length."""

    def __init__(self, pieces: Iterator[Samples]) -> None:
        self._pieces = pieces
        self._waiting: list[Samples] = []

    def take(self, count: int) -> Samples:
        """Return (C, count) samples, fewer at the end of the stream."""
        available = sum(piece.shape[1] for piece in self._waiting)
        while available < count and (piece := next(self._pieces, None)) is not None:
            self._waiting.append(piece)
            available += piece.shape[1]
        if not self._waiting:
            return np.zeros((1, 0), np.float32)
        channels = max(piece.shape[0] for piece in self._waiting)
        joined = np.concatenate(
            [np.broadcast_to(piece, (channels, piece.shape[1])) for piece in self._waiting], axis=1
        )
        self._waiting = [joined[:, count:]]
        return joined[:, :count]
