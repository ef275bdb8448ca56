"""Chooses which audio of a source to analyse: one mix, or each of several microphones.

A conversation is often recorded with a microphone for each talker, one per channel or one per
stream. Each of them is loudest while its owner talks, which is lost when they are mixed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioSelection, Media, Microphone
from otio_speakerzoom.speech.ticks import TICK_SAMPLES

SILENCE_DB = -50.0
"""dB below full scale under which a channel is silent: room tone is softer, speech never."""
MIN_LEVEL_SPREAD_DB = 12.0
"""Range that the level difference of two channels must span, in the middle nine tenths of the time,
for them to be two microphones. A voice at 0.2 m from its own and 1 m from the other is 14 dB louder
in the one (1/r), so two talkers span 28; a stereo pair spans a few."""

log = logging.getLogger(__name__)


def certain_microphones(media: Media, selection: AudioSelection) -> tuple[Microphone, ...]:
    """Return the microphone to analyze in a source that has audio, if there is only one choice.

    Nothing if it depends on the levels of the `candidates`.
    """
    check_audio_selection(media, selection)
    stream = (selection.stream or 1) - 1
    if selection.channel is not None:
        return (Microphone(stream, selection.channel - 1),)
    if selection.mixed or len(candidates(media, selection)) == 1:
        return (Microphone(stream),)
    return ()


def candidates(media: Media, selection: AudioSelection) -> tuple[Microphone, ...]:
    """Return every channel of the streams that may be analyzed."""
    all_streams = range(len(media.audio_streams))
    streams = all_streams if selection.stream is None else [selection.stream - 1]
    return tuple(
        Microphone(stream, channel)
        for stream in streams
        for channel in range(media.audio_streams[stream].channels)
    )


def choose_microphones(
    channels: Sequence[Microphone], levels: NDArray[np.float32]
) -> tuple[Microphone, ...]:
    """Return the microphones to analyze, by the (C, ticks) levels in dB of C channels.

    Each channel that is an independent microphone, or else the mix of the first stream that is not
    silent. Log it if these are several, or not in the first stream.
    """
    independent = [channels[n] for n in independent_channels(levels)]
    if len(independent) > 1:
        labels = "; ".join(microphone.label for microphone in independent)
        count = len(independent)
        log.info("audio: %d microphones (%s); each face is scored with each", count, labels)
        return tuple(independent)
    first = channels[0].stream
    mix = Microphone(independent[0].stream if independent else first)
    if mix.stream != first:
        log.info("audio: stream 1 is silent; using stream %d", mix.stream + 1)
    return (mix,)


def check_audio_selection(media: Media, selection: AudioSelection) -> None:
    """Raise MediaError if a source that has audio lacks the selected stream or channel."""
    count = len(media.audio_streams)
    if selection.stream is not None and not 1 <= selection.stream <= count:
        raise MediaError(
            f"{media.path}: --audio-stream {selection.stream}: there is no such stream; choose 1"
            + (f" to {count}" if count > 1 else "")
        )
    channels = media.audio_streams[(selection.stream or 1) - 1].channels
    if selection.channel is not None and not 1 <= selection.channel <= channels:
        raise MediaError(
            f"{media.path}: audio stream {selection.stream or 1} has no channel "
            f"{selection.channel}; --channels takes 1"
            + (f" to {channels}" if channels > 1 else "")
            + " or mix"
        )


class LevelMeter:
    """Measures the level of mono audio at 16 kHz that comes in blocks of any length."""

    def __init__(self) -> None:
        self._levels: list[NDArray[np.float32]] = []
        self._rest = np.empty(0, np.int16)

    def push(self, pcm: NDArray[np.int16]) -> None:
        """Add (n,) samples."""
        joined = np.concatenate([self._rest, pcm])
        whole = len(joined) // TICK_SAMPLES * TICK_SAMPLES
        power = np.square(joined[:whole].reshape(-1, TICK_SAMPLES) / 32768).mean(axis=1)
        self._levels.append((10 * np.log10(power + 1e-10)).astype(np.float32))
        self._rest = joined[whole:]

    def levels(self) -> NDArray[np.float32]:
        """Return the (ticks,) level of every whole tick, in dB below full scale."""
        return np.concatenate([np.empty(0, np.float32), *self._levels])


def independent_channels(levels: NDArray[np.float32]) -> list[int]:
    """Return which of (C, ticks) channels are microphones of their own, by their levels in dB.

    A channel counts if it is not silent and differs from every channel that counts before it.
    """
    independent: list[int] = []
    audible = (levels > SILENCE_DB).any(axis=0)
    for n, level in enumerate(levels):
        if (level[audible] > SILENCE_DB).mean() < 0.01 if audible.any() else True:
            continue
        if all(_differ(level, levels[other]) for other in independent):
            independent.append(n)
    return independent


def _differ(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    audible = np.maximum(a, b) > SILENCE_DB
    low, high = np.percentile((a - b)[audible], (5, 95))
    return bool(high - low > MIN_LEVEL_SPREAD_DB)
