"""The audio of a source, as the networks and the voice detector hear it."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from otio_speakerzoom.model import FrameRange, Media, Microphone
from otio_speakerzoom.source.ffmpeg import opened, reading

SOUND_RATE = 16_000
"""Samples per second of what `sound` gives: what the networks and the voice detector hear."""

FIRST = Microphone(0)
"""The first audio stream, its channels mixed."""


def sound(
    media: Media, *, within: FrameRange | None = None, microphone: Microphone = FIRST
) -> Generator[NDArray[np.int16], None, None]:
    """Yield what `microphone` heard in `within` as blocks of mono int16 samples at 16 kHz.

    The first sample belongs to the first picture of `within`, the number of samples to its
    length: what the file lacks is silence, what it has too much is left out. One block is about
    a minute. A source without sound yields silence.
    """
    within = within or media.range
    left = -int(-within.duration * SOUND_RATE // media.rate)  # rounded up
    skip = round((media.video_offset + within.start / media.rate) * SOUND_RATE)
    block = 60 * SOUND_RATE
    if media.sound:
        # first_pts=0 with async=1: the file's own gaps and late starts become silence
        stream = opened(media.path)[f"a:{microphone.stream}"]
        if microphone.channel is not None:
            # "<" is "=" for one channel, and ffmpeg-python does not escape it
            stream = stream.filter("pan", f"mono|c0<c{microphone.channel}")
        stream = stream.filter("aresample", SOUND_RATE, first_pts=0, **{"async": 1})
        stream = stream.filter("atrim", start_sample=skip, end_sample=skip + left)
        stream = stream.output("pipe:", format="s16le", ac=1)
        with reading(stream, media.path) as pipe:
            while left and (data := pipe.read(2 * min(block, left))):
                samples = np.frombuffer(data[: len(data) // 2 * 2], np.int16)
                left -= len(samples)
                yield samples
    while left:
        samples = np.zeros(min(block, left), np.int16)
        left -= len(samples)
        yield samples
