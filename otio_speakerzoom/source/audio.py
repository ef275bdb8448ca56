"""The audio of a source: as the networks hear it, and as the film carries it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, FrameRange, Media, Microphone
from otio_speakerzoom.source.decode import open_media, origin, stream_of
from otio_speakerzoom.source.limiter import limit_peaks

log = logging.getLogger(__name__)

SPEECH_SAMPLE_RATE = 16_000
"""Samples per second of what `sound` gives: what the networks and the voice detector hear."""
FILM_SAMPLE_RATE = 48_000
"""Samples per second of what `film_audio` gives: what every editor and player takes."""

FIRST_MICROPHONE = Microphone(0)
"""The first audio stream, its channels mixed."""

MAX_DRIFT = Fraction(1, 25)
"""Seconds by which samples may leave their time stamps before silence is put in, or samples are
left out: below a frame nobody sees it, and stamps of recorders jitter by a packet (10 to 20 ms)."""
SURE = Fraction(1, 2)
"""Seconds of stamps that must agree on a jump: as much sound as one packet of a stream holds."""
MAX_LOST = 1
"""Seconds of packets at the end of a stream that may give no samples: a decoder keeps a few."""

Samples = NDArray[np.float32]


def read_audio(
    media: Media, *, within: FrameRange | None = None, microphone: Microphone = FIRST_MICROPHONE
) -> Generator[NDArray[np.int16], None, None]:
    """Yield what `microphone` heard in `within` as blocks of mono int16 samples at 16 kHz.

    The first sample belongs to the first picture of `within`, the number of samples to its
    length: what the file lacks is silence, what it has too much is left out. One block is about
    a minute. A source without sound yields silence.
    """
    within = within or media.range
    total = -int(-within.duration * SPEECH_SAMPLE_RATE // media.rate)  # rounded up
    streams = [media.audio_streams[microphone.stream]] if media.audio_streams else []
    with ExitStack() as stack:
        heard: list[Iterator[Samples]] = []
        for stream in streams:
            line = _Line(media, stream, within, SPEECH_SAMPLE_RATE, "mono")
            heard.append(stack.enter_context(closing(line.samples(microphone.channel))))
        for block in _summed(heard, 1, total, 60 * SPEECH_SAMPLE_RATE):
            yield np.rint(np.clip(block[0] * 32768, -32768, 32767)).astype(np.int16)


def film_channels(media: Media) -> int:
    """Return how many channels the sound of a film has: none, one, or two."""
    return min(2, max((_folded(stream.channels) for stream in media.audio_streams), default=0))


def film_audio(media: Media, within: FrameRange) -> Generator[Samples, None, None]:
    """Yield all audio streams of `within` mixed, as (channels, samples) at 48 kHz, 1 s a block.

    Each stream has its own level in the mix; where several together are too loud, the mix is
    turned down for that moment.
    """
    total = -int(-within.duration * FILM_SAMPLE_RATE // media.rate)
    channels = film_channels(media)
    with ExitStack() as stack:
        heard: list[Iterator[Samples]] = []
        for stream in media.audio_streams:
            line = _Line(media, stream, within, FILM_SAMPLE_RATE, "stereo")
            heard.append(stack.enter_context(closing(line.samples(None))))
        mix = _summed(heard, channels, total, FILM_SAMPLE_RATE)
        yield from limit_peaks(mix, FILM_SAMPLE_RATE) if _is_mixed(media) else mix


def _is_mixed(media: Media) -> bool:
    """Whether the film's sound is a sum, which may be too loud though no part of it is."""
    return len(media.audio_streams) > 1 or any(
        stream.channels > 2 for stream in media.audio_streams
    )


def _folded(channels: int) -> int:
    return 1 if channels == 1 else 2


def _summed(
    streams: Iterable[Iterator[Samples]], channels: int, total: int, size: int
) -> Iterator[Samples]:
    """Yield the sum of `streams` in blocks of `size`, `total` samples in all, then nothing more."""
    cutters = [_Blocks(stream) for stream in streams]
    while total > 0:
        count = min(size, total)
        block = np.zeros((channels, count), np.float32)
        for cutter in cutters:
            samples = cutter.take(count)
            if samples.shape[0] > channels:  # a stream that began with fewer
                samples = _mono(samples)
            block[:, : samples.shape[1]] += samples  # one channel is heard on both sides
        total -= count
        yield block


class _Blocks:
    """Cuts a stream of pieces of any length into pieces of the length asked for."""

    def __init__(self, pieces: Iterator[Samples]) -> None:
        self._pieces = pieces
        self._waiting: list[Samples] = []

    def take(self, count: int) -> Samples:
        """Return (C, count) samples, fewer at the end of the stream."""
        have = sum(piece.shape[1] for piece in self._waiting)
        while have < count and (piece := next(self._pieces, None)) is not None:
            self._waiting.append(piece)
            have += piece.shape[1]
        if not self._waiting:
            return np.zeros((1, 0), np.float32)
        wide = max(piece.shape[0] for piece in self._waiting)
        joined = np.concatenate(
            [np.broadcast_to(piece, (wide, piece.shape[1])) for piece in self._waiting], axis=1
        )
        self._waiting = [joined[:, count:]]
        return joined[:, :count]


class _Line:
    """One audio stream laid on samples, by its time stamps, from the first picture on."""

    def __init__(
        self, media: Media, stream: AudioStream, within: FrameRange, rate: int, layout: str
    ) -> None:
        self._media, self._stream, self._rate, self._layout = media, stream, rate, layout
        self._first = within.start / media.rate
        """Seconds from frame 0 to the first sample."""
        self._last = media.duration / media.rate
        self._done = 0
        """Samples that have been given."""
        self._arranged = True
        self._next = 0
        """Where the next sample belongs; below `_done` for one that is left out."""

    def samples(self, channel: int | None) -> Generator[Samples, None, None]:
        """Yield (C, n) pieces without gaps, from the first picture to the end of the stream."""
        resampler, shape = None, None
        with open_media(self._media) as container:
            codec = stream_of(container, self._media, self._stream.index).codec_context.name
            # libav guesses an arrangement for PCM, in which recorders keep a microphone a channel
            self._arranged = not codec.startswith("pcm_")
            for frame, jump in _with_jumps(self._decoded(container)):
                now = (frame.sample_rate, frame.layout.name, frame.format.name)
                if resampler and (jump is not None or now != shape):
                    yield from self._laid(_converted(resampler, None, channel))
                if jump is not None:
                    self._next = round((jump - self._first) * self._rate)
                if resampler is None or jump is not None or now != shape:
                    resampler, shape = self._resampler(frame, channel), now
                yield from self._laid(_converted(resampler, frame, channel))
            if resampler:
                yield from self._laid(_converted(resampler, None, channel))

    def _resampler(self, frame: av.AudioFrame, channel: int | None) -> av.AudioResampler:
        count = len(frame.layout.channels)
        known = self._arranged and count <= 8 and "channels" not in frame.layout.name
        fold = channel is None and count > (1 if self._layout == "mono" else 2)
        fold = fold and (known or count == 2)
        layout = self._layout if fold else frame.layout.name
        # packed, because PyAV reads no more than eight planes; whole numbers, because libav mixes
        # those to one channel at a level that cannot clip, and floats 3 dB louder
        kind = "s16" if self._layout == "mono" else "flt"
        return av.AudioResampler(format=kind, layout=layout, rate=self._rate)

    def _laid(self, pieces: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the pieces where they belong, silence before them where there is a gap."""
        for piece in pieces:
            start, self._next = self._next, self._next + piece.shape[1]
            while start > self._done:
                count = min(start - self._done, self._rate)
                self._done += count
                yield np.zeros((1, count), np.float32)
            if self._next > self._done:
                fitting = piece[:, self._done - start :]
                self._done = self._next
                yield _mono(fitting) if self._layout == "mono" else _stereo(fitting)

    def _decoded(self, container: Any) -> Iterator[tuple[av.AudioFrame, Fraction | None]]:
        """Yield decoded samples with their seconds from frame 0, where their stamp says them.

        A stamp that lies beyond the end of the film is an error in the stamp, not a silence.
        """
        stream = stream_of(container, self._media, self._stream.index)
        begin = origin(container, self._media)
        damaged, last, end = 0, Fraction(0), None
        try:
            for packet in container.demux(stream):
                if packet.pts is not None:
                    last = (packet.pts + (packet.duration or 0)) * stream.time_base - begin
                try:
                    decoded = packet.decode()
                except FFmpegError:  # each decoder has errors of its own for damage
                    damaged += 1
                    continue
                for frame in decoded:
                    time = None
                    if frame.pts is not None:
                        time = frame.pts * frame.time_base - begin
                        end = time + Fraction(frame.samples, frame.sample_rate)
                    elif end is None:
                        time = Fraction(0)  # without any stamp: from the first picture on
                    yield frame, time if time is None or time < self._last else None
        except FFmpegError as error:
            raise MediaError(
                f"{self._media.path}: its sound cannot be read to its end ({error.strerror}); "
                "copy it again"
            ) from error
        self._check_end(last, end, damaged)

    def _check_end(self, last: Fraction, end: Fraction | None, damaged: int) -> None:
        """Refuse a stream whose last packets gave no samples; tell of damage before."""
        path, index = self._media.path, self._stream.index
        if damaged and (end is None or last - end > MAX_LOST):
            raise MediaError(
                f"{path}: the sound of stream {index} cannot be decoded from "
                f"{float(end or 0):.1f} s on; is the file damaged?"
            )
        if damaged:
            log.warning("%s: %d damaged packets of sound in stream %d were left out",
                        path, damaged, index)  # fmt: skip


def _with_jumps(
    decoded: Iterable[tuple[av.AudioFrame, Fraction | None]],
) -> Iterator[tuple[av.AudioFrame, Fraction | None]]:
    """Yield each piece with its time where it does not follow the last one, else with None.

    Times are compared with the samples so far. One that differs alone is wrong (in a transport
    stream whose rate changes, libav counts on at the old one within each packet): it is a jump
    where all stamps of the next `SURE` seconds say so too.
    """
    waiting: deque[tuple[av.AudioFrame, Fraction | None]] = deque()
    length, clock = Fraction(0), None
    source = iter(decoded)
    while True:
        while length < SURE and (piece := next(source, None)) is not None:
            waiting.append(piece)
            length += Fraction(piece[0].samples, piece[0].sample_rate)
        if not waiting:
            return
        jump = waiting[0][1]
        if clock is not None and jump is not None and not _all_jump(waiting, clock):
            jump = None
        frame, _ = waiting.popleft()
        lasts = Fraction(frame.samples, frame.sample_rate)
        length -= lasts
        clock = lasts + (jump if jump is not None else clock or Fraction(0))
        yield frame, jump


def _all_jump(pieces: Iterable[tuple[av.AudioFrame, Fraction | None]], clock: Fraction) -> bool:
    """Whether all stamps lie too late, or all too early, for samples that go on at `clock`."""
    signs = set()
    for frame, time in pieces:
        if time is not None:
            if abs(time - clock) <= MAX_DRIFT:
                return False
            signs.add(time > clock)
        clock += Fraction(frame.samples, frame.sample_rate)
    return len(signs) == 1


def _converted(
    resampler: av.AudioResampler, frame: av.AudioFrame | None, channel: int | None
) -> Iterator[Samples]:
    """Yield what comes out of the resampler as (C, n) arrays; of None, what is left in it."""
    for out in resampler.resample(frame):
        channels = len(out.layout.channels)
        samples = out.to_ndarray().reshape(-1, channels).T
        full = np.float32(32768 if samples.dtype == np.int16 else 1)
        samples = (samples / full).astype(np.float32)
        if channel is not None and channel < samples.shape[0]:
            samples = samples[channel : channel + 1]
        yield samples


def _mono(samples: Samples) -> Samples:
    return samples.mean(axis=0, keepdims=True)


def _stereo(samples: Samples) -> Samples:
    """Return one or two channels as they are; more are microphones, and all are heard."""
    return samples if samples.shape[0] <= 2 else samples.sum(axis=0, keepdims=True)
