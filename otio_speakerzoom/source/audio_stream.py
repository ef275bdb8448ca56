"""One audio stream, resampled and aligned to the source's frames by its timestamps."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.source.audio_decode import DecodedAudio, decode_audio_from
from otio_speakerzoom.source.skipped_audio import SkippedAudio

MAX_DRIFT_S = Fraction(1, 25)
"""How far samples may drift from their timestamps before silence is inserted or samples are
dropped: nobody notices less than a frame, and timestamps of recorders jitter by a packet (10 to 20
ms)."""
JUMP_WINDOW_S = Fraction(1, 2)
"""All timestamps in this window must agree on a jump: as much audio as one packet may hold."""

Samples = NDArray[Any]
"""(channels, samples), int16 or float32 with full scale at 1."""

Jump = tuple[DecodedAudio, Fraction | None]
"""Decoded audio, and its seconds from frame 0 if it does not follow what came before it."""


def film_samples(
    media: Media, stream: AudioStream, start: Fraction, rate: int
) -> Generator[NDArray[np.float32], None, None]:
    """Yield the audio of `stream` from `start`, in seconds from frame 0, to its end.

    As (1 or 2, n) pieces without gaps. Decoding begins shortly before `start`: resampled audio, and
    audio whose timestamps jitter, may differ by less than `MAX_DRIFT_S` from what it is when
    decoded from the beginning.
    """
    jumps, aligned = JumpDetector(), AlignedStream(start, rate, "stereo", is_mix=True)
    with closing(decode_audio_from(media, stream, start)) as decoded:
        for _, piece in decoded:
            for samples in aligned.push(jumps.push(piece)):
                yield _to_stereo(samples)
    for samples in (*aligned.push(jumps.finish()), *aligned.finish()):
        yield _to_stereo(samples)


class JumpDetector:
    """Finds where the audio of a stream does not follow what came before it.

    Compares times with the number of samples so far. A single deviating time is wrong (in a
    transport stream whose rate changes, libav counts on at the old one within each packet): it is a
    jump only if all timestamps of the next `JUMP_WINDOW_S` agree.
    """

    def __init__(self) -> None:
        self._waiting: deque[DecodedAudio] = deque()
        """Pieces of which the first deviates."""
        self._anchor: Fraction | None = None
        """When the samples counted since then began; None before the first."""
        self._anchor_pts: int | None = None
        """The same as a timestamp, if there is one."""
        self._samples, self._rate = 0, 1
        """How many samples followed since then, at this rate."""

    def push(self, piece: DecodedAudio) -> Iterator[Jump]:
        """Add a piece; yield those for which it is decided."""
        self._waiting.append(piece)
        while self._waiting and (self._is_plain(self._waiting[0]) or self._is_window_full()):
            yield self._next()

    def finish(self) -> Iterator[Jump]:
        """Yield the pieces that are left at the end of the stream."""
        while self._waiting:
            yield self._next()

    def _next(self) -> Jump:
        piece = self._waiting[0]
        jump = None
        if self._anchor is None:
            jump = piece.time or Fraction(0)  # without any time it starts with the first frame
        elif not self._is_plain(piece) and self._all_jump(self._expected()):
            jump = piece.time
        self._waiting.popleft()
        if jump is not None:
            self._anchor, self._anchor_pts = jump, piece.pts
        elif piece.rate != self._rate:
            self._anchor, self._anchor_pts = self._expected(), None
        if jump is not None or piece.rate != self._rate:
            self._samples, self._rate = 0, piece.rate
        self._samples += piece.samples
        return piece, jump

    def _expected(self) -> Fraction:
        """Return when the next piece is expected."""
        return (self._anchor or Fraction(0)) + Fraction(self._samples, self._rate)

    def _is_plain(self, piece: DecodedAudio) -> bool:
        """Whether a piece is the first, has no time, or comes when it is expected."""
        if self._anchor is None or piece.pts is None:
            return True
        if self._anchor_pts is None:
            return abs(piece.clock.time(piece.pts) - self._expected()) <= MAX_DRIFT_S
        base, limit = piece.clock.time_base, MAX_DRIFT_S  # the same in whole numbers, for speed
        units = (piece.pts - self._anchor_pts) * base.numerator * self._rate
        drift = abs(units - self._samples * base.denominator)
        return drift * limit.denominator <= limit.numerator * base.denominator * self._rate

    def _is_window_full(self) -> bool:
        length = Fraction(0)
        return any((length := length + piece.duration) >= JUMP_WINDOW_S for piece in self._waiting)

    def _all_jump(self, expected: Fraction) -> bool:
        """Whether all timestamps are too late, or all too early, for audio that continues."""
        directions = set()
        for piece in self._waiting:
            if (time := piece.time) is not None:
                if abs(time - expected) <= MAX_DRIFT_S:
                    return False
                directions.add(time > expected)
            expected += piece.duration
        return len(directions) == 1


class AlignedStream:
    """Resamples the audio of a stream and fills its gaps with silence, from a given time on.

    What comes long before that time is counted and not resampled, which would take two thirds of
    the time that audio takes.
    """

    def __init__(self, start: Fraction, rate: int, layout: str, *, is_mix: bool) -> None:
        """`start` is the time of the first sample, in seconds from frame 0.

        With `is_mix`, more channels than `layout` has are mixed, if it is known what they are.
        """
        self._start, self._rate, self._layout, self._is_mix = start, rate, layout, is_mix
        self._resampler: av.AudioResampler | None = None
        self._skipped: SkippedAudio | None = None
        """What the next resampler does not get; None once it has begun."""
        self._first: DecodedAudio | None = None
        """The first piece of `_shape`."""
        self._shape: tuple[int, str, str] | None = None
        """Sample rate, layout and format of the audio that the resampler takes."""
        self._next = 0
        """Position of the next sample; below `_done` if it must be dropped."""
        self._done = 0
        """Samples that were yielded."""

    def push(self, pieces: Iterable[Jump]) -> Iterator[Samples]:
        """Yield the aligned samples of `pieces` as (C, n): int16 for mono, else float32."""
        for piece, jump in pieces:
            frame = piece.frame
            shape = (frame.sample_rate, frame.layout.name, frame.format.name)
            if jump is not None or shape != self._shape:
                yield from self.finish()
                if jump is not None:
                    self._next = round((jump - self._start) * self._rate)
                self._first, self._shape = piece, shape
                self._skipped = SkippedAudio(frame, self._rate)
            if self._skipped is not None:
                if self._skipped.skip(frame, self._next):
                    continue
                frame = self._skipped.rest_of(frame)
                self._next += self._skipped.resampled
                self._resampler, self._skipped = self._new_resampler(piece), None
            assert self._resampler is not None
            yield from self._align(self._resampler.resample(frame))

    def finish(self) -> Iterator[Samples]:
        """Yield what remains in the resampler."""
        if self._skipped is not None and self._first is not None:
            self._next += self._skipped.resampled_to_end(self._new_resampler(self._first))
            self._skipped = None
        if self._resampler is not None:
            yield from self._align(self._resampler.resample(None))
            self._resampler = None

    def _new_resampler(self, piece: DecodedAudio) -> av.AudioResampler:
        layout = piece.frame.layout
        count = len(layout.channels)
        has_layout = piece.has_layout and count <= 8 and "channels" not in layout.name
        downmix = self._is_mix and count > (1 if self._layout == "mono" else 2)
        downmix = downmix and (has_layout or count == 2)
        # packed, because PyAV reads at most eight planes; integers, because libav mixes those to
        # mono at a level that cannot clip, and floats 3 dB louder
        return av.AudioResampler(
            format="s16" if self._layout == "mono" else "flt",
            layout=self._layout if downmix else layout.name,
            rate=self._rate,
        )

    def _align(self, frames: Iterable[av.AudioFrame]) -> Iterator[Samples]:
        """Yield the samples of `frames` at their positions, with silence in the gaps before."""
        for frame in frames:
            samples = self._samples_of(frame)
            start, self._next = self._next, self._next + samples.shape[1]
            while start > self._done:
                count = min(start - self._done, self._rate)
                self._done += count
                yield np.zeros((1, count), samples.dtype)
            if self._next > self._done:
                new = samples[:, self._done - start :]
                self._done = self._next
                yield new

    def _samples_of(self, frame: av.AudioFrame) -> Samples:
        """Return the (C, n) samples of a packed frame; `to_ndarray` takes three times as long."""
        dtype = np.int16 if self._layout == "mono" else np.float32
        packed = np.frombuffer(frame.planes[0], dtype)  # type: ignore[arg-type]  # a buffer
        channels = len(frame.layout.channels)
        return packed[: frame.samples * channels].reshape(-1, channels).T


def _to_stereo(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one or two channels unchanged; more are microphones, and are summed to one."""
    return samples if samples.shape[0] <= 2 else samples.sum(axis=0, keepdims=True)
