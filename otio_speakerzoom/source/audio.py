"""The audio of a source for speech networks: each of its microphones as mono samples at 16 kHz."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media, Microphone
from otio_speakerzoom.source.audio_decode import DecodedAudio, decode_audio
from otio_speakerzoom.source.audio_stream import AlignedStream, Jump, JumpDetector, Samples
from otio_speakerzoom.source.exact_seek import exact_starts

SPEECH_SAMPLE_RATE = 16_000
"""Samples per second from `read_audio`, as the networks and the VAD expect."""
BLOCK_SAMPLES = 10 * SPEECH_SAMPLE_RATE

FIRST_MICROPHONE = Microphone(0)
"""The first audio stream, its channels mixed."""

Pcm = NDArray[np.int16]
"""(samples,), mono."""


def read_audio(
    media: Media, *, within: FrameRange | None = None, microphone: Microphone = FIRST_MICROPHONE
) -> Generator[Pcm, None, None]:
    """Yield the audio of `microphone` in `within` as blocks of mono int16 samples at 16 kHz.

    The first sample is at the first frame of `within`, and the number of samples matches its
    duration: gaps in the file become silence, surplus samples are dropped. A block lasts ten
    seconds. A source without audio yields silence.
    """
    with closing(read_microphones(media, [microphone], within=within)) as blocks:
        for _, block in blocks:
            yield block


def read_microphones(
    media: Media, microphones: Sequence[Microphone], *, within: FrameRange | None = None
) -> Generator[tuple[int, Pcm], None, None]:
    """Yield what `read_audio` does for each of `microphones`, of which it decodes the file once.

    As (index of the microphone, block) pairs. Blocks come as the file holds them: those of one
    stream may all come before those of another.
    """
    within = within or media.range
    total = -int(-within.duration * SPEECH_SAMPLE_RATE // media.rate)  # rounded up
    outputs = [_SpeechBlocks(microphone.channel, total) for microphone in microphones]
    if media.audio_streams:
        by_stream: dict[int, list[int]] = {}
        for number, microphone in enumerate(microphones):
            by_stream.setdefault(microphone.stream, []).append(number)
        groups = [
            _StreamOutputs({number: outputs[number] for number in numbers}, within, media)
            for numbers in by_stream.values()
        ]
        streams = [media.audio_streams[stream] for stream in by_stream]
        starts = exact_starts(media, streams, within.start / media.rate, SPEECH_SAMPLE_RATE)
        decoded = decode_audio(
            media, streams, starts=starts, is_done=lambda number: groups[number].is_done
        )
        with closing(decoded) as pieces:
            for number, piece in pieces:
                yield from groups[number].push(piece)
                if all(group.is_done for group in groups):
                    break
        for group in groups:
            yield from group.finish()
    for number, output in enumerate(outputs):
        for block in output.finish():
            yield number, block


class _StreamOutputs:
    """Turns the decoded audio of one stream into blocks for several microphones."""

    def __init__(
        self, outputs: Mapping[int, _SpeechBlocks], within: FrameRange, media: Media
    ) -> None:
        self._outputs = outputs
        self._jumps = JumpDetector()
        self._aligned = {
            is_mix: AlignedStream(
                within.start / media.rate, SPEECH_SAMPLE_RATE, "mono", is_mix=is_mix
            )
            for is_mix in {output.channel is None for output in outputs.values()}
        }

    @property
    def is_done(self) -> bool:
        return all(output.is_done for output in self._outputs.values())

    def push(self, piece: DecodedAudio) -> Iterator[tuple[int, Pcm]]:
        yield from self._align(list(self._jumps.push(piece)))

    def finish(self) -> Iterator[tuple[int, Pcm]]:
        if self.is_done:
            return
        yield from self._align(list(self._jumps.finish()))
        for is_mix, aligned in self._aligned.items():
            yield from self._distribute(is_mix, aligned.finish())

    def _align(self, pieces: Iterable[Jump]) -> Iterator[tuple[int, Pcm]]:
        for is_mix, aligned in self._aligned.items():
            yield from self._distribute(is_mix, aligned.push(pieces))

    def _distribute(self, is_mix: bool, pieces: Iterator[Samples]) -> Iterator[tuple[int, Pcm]]:
        for samples in pieces:
            for number, output in self._outputs.items():
                if is_mix == (output.channel is None):
                    for block in output.push(samples):
                        yield number, block


class _SpeechBlocks:
    """Joins the samples of one microphone to blocks of equal length, `total` samples in all."""

    def __init__(self, channel: int | None, total: int) -> None:
        self.channel = channel
        self._left = total
        """Samples that are still to be yielded or wait."""
        self._waiting: list[Pcm] = []
        self._count = 0
        """Samples that wait."""

    @property
    def is_done(self) -> bool:
        """Whether it has all samples."""
        return self._left <= self._count

    def push(self, samples: Samples) -> Iterator[Pcm]:
        """Add (C, n) int16 samples; yield the blocks that are full or the last."""
        if not self._left:
            return
        self._waiting.append(_one_channel(samples, self.channel))
        self._count += samples.shape[1]
        while self._left and self._count >= min(BLOCK_SAMPLES, self._left):
            joined = np.concatenate(self._waiting)
            block = joined[: min(BLOCK_SAMPLES, self._left)]
            self._waiting = [joined[len(block) :]]
            self._count -= len(block)
            self._left -= len(block)
            yield block

    def finish(self) -> Iterator[Pcm]:
        """Yield what is left, and silence where the stream ended early."""
        while self._left:
            silence = min(BLOCK_SAMPLES, self._left) - self._count
            yield from self.push(np.zeros((1, silence), np.int16))


def _one_channel(samples: Samples, channel: int | None) -> Pcm:
    """Return (n,) of one channel; of all, if there is no such channel, or none is asked for."""
    if samples.shape[0] == 1:
        return samples[0]
    if channel is not None and channel < samples.shape[0]:
        return samples[channel]
    mean = (samples / np.float32(32768)).mean(axis=0)
    return np.rint(np.clip(mean * 32768, -32768, 32767)).astype(np.int16)
