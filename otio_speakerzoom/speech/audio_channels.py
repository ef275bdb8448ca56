"""Which sound of a source to listen to: one microphone, or each of several on its own.

A conversation is often recorded with a microphone for each talker, one a channel or one a stream.
Mixed, they are one sound that everybody hears; apart, each is loudest while its owner talks.
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom import source as source_file
from otio_speakerzoom.errors import MediaError
from otio_speakerzoom.model import AudioSelection, FrameRange, Media, Microphone

TICK = 640
"""Samples of 1/25 s at 16 kHz."""
QUIET = -50.0
"""dB below full scale under which a channel carries nothing: room tone is softer, speech never."""
APART = 12.0
"""dB that the difference in level of two channels must range over, in the middle nine tenths of the
time, for them to be two microphones. A voice at 0.2 m from its own and 1 m from the other is 14 dB
louder in the one (1/r), so two talkers swing over 28; one stereo pair swings over a few."""

log = logging.getLogger(__name__)


def choose_microphones(
    media: Media, within: FrameRange, wanted: AudioSelection
) -> tuple[Microphone, ...]:
    """Return the microphones to listen to in a source that has sound; say so if they are several.

    Unless told otherwise: each channel that is a microphone of its own, or else all channels
    mixed of the first stream that is not silent.
    """
    check_listening(media, wanted)
    stream = (wanted.stream or 1) - 1
    if wanted.channel is not None:
        return (Microphone(stream, wanted.channel - 1),)
    if wanted.mixed:
        return (Microphone(stream),)
    streams = range(len(media.audio_streams)) if wanted.stream is None else [stream]
    candidates = [Microphone(s, c) for s in streams for c in range(media.audio_streams[s].channels)]
    if len(candidates) == 1:
        return (Microphone(stream),)
    levels = np.stack([_levels(media, within, candidate) for candidate in candidates])
    apart = [candidates[n] for n in microphones_apart(levels)]
    if len(apart) > 1:
        labels = "; ".join(microphone.label for microphone in apart)
        log.info("sound: %d microphones (%s); each face is scored with each", len(apart), labels)
        return tuple(apart)
    heard = Microphone(apart[0].stream if apart else stream)
    if heard.stream != streams[0]:
        log.info("sound: stream 1 is silent; listening to stream %d", heard.stream + 1)
    return (heard,)


def check_listening(media: Media, wanted: AudioSelection) -> None:
    """Raise MediaError where a source that has sound lacks the stream or channel wanted."""
    count = len(media.audio_streams)
    if wanted.stream is not None and not 1 <= wanted.stream <= count:
        raise MediaError(
            f"{media.path}: --audio-stream {wanted.stream} is not there; choose 1"
            + (f" to {count}" if count > 1 else "")
        )
    channels = media.audio_streams[(wanted.stream or 1) - 1].channels
    if wanted.channel is not None and not 1 <= wanted.channel <= channels:
        raise MediaError(
            f"{media.path}: audio stream {wanted.stream or 1} has no channel {wanted.channel}; "
            "--channels takes 1" + (f" to {channels}" if channels > 1 else "") + " or mix"
        )


def _levels(media: Media, within: FrameRange, microphone: Microphone) -> NDArray[np.float32]:
    """Return (ticks,) dB below full scale of what `microphone` heard."""
    levels, rest = [], np.empty(0, np.int16)
    for block in source_file.read_audio(media, within=within, microphone=microphone):
        rest = np.concatenate([rest, block])
        whole = len(rest) // TICK * TICK
        power = np.square(rest[:whole].reshape(-1, TICK) / 32768).mean(axis=1)
        levels.append(10 * np.log10(power + 1e-10))
        rest = rest[whole:]
    return np.concatenate(levels).astype(np.float32)


def microphones_apart(levels: NDArray[np.float32]) -> list[int]:
    """Return which of (C, ticks) channels are microphones of their own, by their levels in dB.

    A channel counts that is not silent and unlike every one that counts before it.
    """
    apart: list[int] = []
    heard = (levels > QUIET).any(axis=0)
    for n, level in enumerate(levels):
        if (level[heard] > QUIET).mean() < 0.01 if heard.any() else True:
            continue
        if all(_unlike(level, levels[other]) for other in apart):
            apart.append(n)
    return apart


def _unlike(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    heard = np.maximum(a, b) > QUIET
    low, high = np.percentile((a - b)[heard], (5, 95))
    return bool(high - low > APART)
