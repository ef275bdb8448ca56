"""The audio of a film: a mix of all audio streams of its source."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media
from otio_speakerzoom.source.audio_stream import film_samples
from otio_speakerzoom.source.limiter import limit_peaks

FILM_SAMPLE_RATE = 48_000
"""Samples per second from `film_audio`, which every editor and player supports."""

Samples = NDArray[np.float32]
"""(channels, samples), full scale at 1."""


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
        for stream in media.audio_streams:
            samples = film_samples(media, stream, within.start / media.rate, FILM_SAMPLE_RATE)
            streams.append(stack.enter_context(closing(samples)))
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
                samples = samples.mean(axis=0, keepdims=True)
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
