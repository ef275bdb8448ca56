"""One audio stream, decoded and aligned to the source's frames by its timestamps."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioStream, FrameRange, Media
from otio_speakerzoom.source.container import open_media, origin, seek_before, stream_of

log = logging.getLogger(__name__)

MAX_DRIFT_S = Fraction(1, 25)
"""How far samples may drift from their timestamps before silence is inserted or samples are
dropped: nobody notices less than a frame, and timestamps of recorders jitter by a packet (10 to 20
ms)."""
JUMP_WINDOW_S = Fraction(1, 2)
"""All timestamps in this window must agree on a jump: as much audio as one packet may hold."""
MAX_UNDECODED_S = 1
"""Duration of packets at the end of a stream that may give no samples: decoders keep a few."""
SEEK_MARGIN_S = 1
"""How far before the first sample decoding begins after a seek: by then decoders and timestamps
have settled."""

Samples = NDArray[np.float32]
"""(channels, samples), full scale at 1."""


class AlignedStream:
    """Decodes an audio stream into samples without gaps, from the first frame of a range on.

    With `seek` it begins to decode shortly before that frame. Then resampled audio, and audio whose
    timestamps jitter, may differ by less than `MAX_DRIFT_S` from what it is without.
    """

    def __init__(
        self,
        media: Media,
        stream: AudioStream,
        within: FrameRange,
        rate: int,
        layout: str,
        *,
        seek: bool = False,
    ) -> None:
        self._seek = seek
        self._media, self._stream, self._rate, self._layout = media, stream, rate, layout
        self._first = within.start / media.rate
        """Seconds from frame 0 to the first sample."""
        self._last = media.duration / media.rate
        self._done = 0
        """Samples that were yielded."""
        self._has_layout = True
        self._next = 0
        """Position of the next sample; below `_done` if it must be dropped."""

    def samples(self, channel: int | None) -> Generator[Samples, None, None]:
        """Yield (C, n) samples without gaps, from the first frame to the end of the stream."""
        resampler, shape = None, None
        with closing(self._frames()) as frames:
            for frame, jump in _with_jumps(frames):
                new_shape = (frame.sample_rate, frame.layout.name, frame.format.name)
                if resampler and (jump is not None or new_shape != shape):
                    yield from self._align(_resample(resampler, None, channel))
                if jump is not None:
                    self._next = round((jump - self._first) * self._rate)
                if resampler is None or jump is not None or new_shape != shape:
                    resampler, shape = self._resampler(frame, channel), new_shape
                yield from self._align(_resample(resampler, frame, channel))
            if resampler:
                yield from self._align(_resample(resampler, None, channel))

    def _frames(self) -> Generator[tuple[av.AudioFrame, Fraction | None], None, None]:
        """Yield what `_decode` does, from shortly before the first sample on with `seek`."""
        if self._seek and self._first > SEEK_MARGIN_S:
            with open_media(self._media) as container:
                stream = stream_of(container, self._media, self._stream.index)
                if seek_before(container, stream, self._media, self._first - SEEK_MARGIN_S):
                    frames = self._decode(container)
                    first = next(frames, None)
                    if first and first[1] is not None and 0 < first[1] <= self._first:
                        yield first
                        yield from frames
                        return
        with open_media(self._media) as container:
            yield from self._decode(container)

    def _resampler(self, frame: av.AudioFrame, channel: int | None) -> av.AudioResampler:
        count = len(frame.layout.channels)
        has_layout = self._has_layout and count <= 8 and "channels" not in frame.layout.name
        downmix = channel is None and count > (1 if self._layout == "mono" else 2)
        downmix = downmix and (has_layout or count == 2)
        layout = self._layout if downmix else frame.layout.name
        # packed, because PyAV reads at most eight planes; integers, because libav mixes those to
        # mono at a level that cannot clip, and floats 3 dB louder
        format_ = "s16" if self._layout == "mono" else "flt"
        return av.AudioResampler(format=format_, layout=layout, rate=self._rate)

    def _align(self, pieces: Iterable[Samples]) -> Iterator[Samples]:
        """Yield the pieces at their positions, with silence in the gaps before them."""
        for piece in pieces:
            start, self._next = self._next, self._next + piece.shape[1]
            while start > self._done:
                count = min(start - self._done, self._rate)
                self._done += count
                yield np.zeros((1, count), np.float32)
            if self._next > self._done:
                new = piece[:, self._done - start :]
                self._done = self._next
                yield to_mono(new) if self._layout == "mono" else _to_stereo(new)

    def _decode(self, container: Any) -> Iterator[tuple[av.AudioFrame, Fraction | None]]:
        """Yield decoded samples with their seconds from frame 0, None without a timestamp.

        A timestamp beyond the end of the film is an error in the timestamp, not a silence.
        """
        stream = stream_of(container, self._media, self._stream.index)
        # libav guesses a layout for PCM, in which recorders store one microphone per channel
        self._has_layout = not stream.codec_context.name.startswith("pcm_")
        begin = origin(container, self._media)
        damaged, last, end = 0, Fraction(0), None
        try:
            for packet in container.demux(stream):
                if packet.pts is not None:
                    last = (packet.pts + (packet.duration or 0)) * stream.time_base - begin
                try:
                    frames = packet.decode()
                except FFmpegError:  # each decoder raises its own errors on damage
                    damaged += 1
                    continue
                for frame in frames:
                    time = None
                    if frame.pts is not None:
                        time = frame.pts * frame.time_base - begin
                        end = time + Fraction(frame.samples, frame.sample_rate)
                    elif end is None:
                        time = Fraction(0)  # no timestamps at all: starts with the first frame
                    yield frame, time if time is None or time < self._last else None
        except FFmpegError as error:
            raise MediaError(
                f"{self._media.path}: its audio cannot be read to the end ({error.strerror}); "
                "copy the file again"
            ) from error
        self._check_end(last, end, damaged)

    def _check_end(self, last: Fraction, end: Fraction | None, damaged: int) -> None:
        """Raise MediaError if the last packets gave no samples; warn of other damage."""
        path, index = self._media.path, self._stream.index
        if damaged and (end is None or last - end > MAX_UNDECODED_S):
            raise MediaError(
                f"{path}: the audio of stream {index} cannot be decoded from "
                f"{float(end or 0):.1f} s on; is the file damaged?"
            )
        if damaged:
            log.warning("%s: skipped %d damaged packets of audio in stream %d",
                        path, damaged, index)  # fmt: skip


def to_mono(samples: Samples) -> Samples:
    """Return the mean of all channels, (1, n)."""
    return samples.mean(axis=0, keepdims=True)


def _to_stereo(samples: Samples) -> Samples:
    """Return one or two channels unchanged; more are microphones, and are summed to one."""
    return samples if samples.shape[0] <= 2 else samples.sum(axis=0, keepdims=True)


def _with_jumps(
    decoded: Iterable[tuple[av.AudioFrame, Fraction | None]],
) -> Iterator[tuple[av.AudioFrame, Fraction | None]]:
    """Yield each piece with its time if it does not follow the last one, otherwise with None.

    Compares times with the number of samples so far. A single deviating time is wrong (in a
    transport stream whose rate changes, libav counts on at the old one within each packet): it is a
    jump only if all timestamps of the next `JUMP_WINDOW_S` agree.
    """
    waiting: deque[tuple[av.AudioFrame, Fraction | None]] = deque()
    length, clock = Fraction(0), None
    source = iter(decoded)
    while True:
        while length < JUMP_WINDOW_S and (piece := next(source, None)) is not None:
            waiting.append(piece)
            length += Fraction(piece[0].samples, piece[0].sample_rate)
        if not waiting:
            return
        jump = waiting[0][1]
        if clock is not None and jump is not None and not _all_jump(waiting, clock):
            jump = None
        frame, _ = waiting.popleft()
        duration = Fraction(frame.samples, frame.sample_rate)
        length -= duration
        clock = duration + (jump if jump is not None else clock or Fraction(0))
        yield frame, jump


def _all_jump(pieces: Iterable[tuple[av.AudioFrame, Fraction | None]], clock: Fraction) -> bool:
    """Whether all timestamps are too late, or all too early, for samples that continue `clock`."""
    directions = set()
    for frame, time in pieces:
        if time is not None:
            if abs(time - clock) <= MAX_DRIFT_S:
                return False
            directions.add(time > clock)
        clock += Fraction(frame.samples, frame.sample_rate)
    return len(directions) == 1


def _resample(
    resampler: av.AudioResampler, frame: av.AudioFrame | None, channel: int | None
) -> Iterator[Samples]:
    """Yield the resampler's output as (C, n) arrays; for None, what remains in it."""
    for out in resampler.resample(frame):
        channels = len(out.layout.channels)
        samples = out.to_ndarray().reshape(-1, channels).T
        full_scale = np.float32(32768 if samples.dtype == np.int16 else 1)
        samples = (samples / full_scale).astype(np.float32)
        if channel is not None and channel < samples.shape[0]:
            samples = samples[channel : channel + 1]
        yield samples
