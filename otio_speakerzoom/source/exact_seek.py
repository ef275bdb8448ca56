"""Where the audio of a source can be decoded from, so that a part has the samples of the whole.

Without a seek, the samples of a stream are counted from its first one. So a seek needs proof that
the count is what the timestamps say: an index of every packet, as QuickTime and MP4 have, in which
each begins where the one before ends. And it needs a codec that forgets: the decoder must be in the
same state after a few packets. AAC is not one, as its noise comes from a generator that goes on
from packet to packet; nor are AC-3 (the same) and Opus (its prediction fades, and never ends).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from otio_speakerzoom.model import AudioStream, Media
from otio_speakerzoom.source.container import demux, open_media, origin, stream_of
from otio_speakerzoom.source.skipped_audio import can_cut

MIN_SEEK_S = 20
"""Before the part: what is shorter is decoded sooner than the index is checked."""
MARGIN_S = 1
"""Before the part, for the filter of the resampler, which is 400 samples at most."""
MAX_TRIAL_PACKETS = 200
"""After a seek, of all streams, until each has audio: files interleave them by a second or so."""
FIXED = {"alac": 0, "flac": 0, "mp3": 24, "mp3float": 24}
"""Codecs whose packets last equally long -> packets after which the decoder has forgotten what came
before. MP3 keeps up to 511 bytes, which are 22 packets at 8 kbit/s, and overlaps two."""


@dataclass(frozen=True, slots=True)
class ExactStart:
    """Where to seek to in a stream, and which sample is the first to use, by their timestamps."""

    seek: int
    first: int


def exact_starts(
    media: Media, streams: Sequence[AudioStream], start: Fraction, rate: int
) -> Mapping[int, ExactStart]:
    """Return where each stream can be decoded from for a part that begins at `start`, by its index.

    `start` is in seconds from frame 0, and `rate` that to which it is resampled. Empty where one of
    them must be decoded from the beginning.
    """
    if start < MIN_SEEK_S or not media.has_timestamps:
        return {}
    with open_media(media) as container:
        if "mov" not in container.format.name.split(","):
            return {}
        try:
            starts: dict[int, ExactStart] = {}
            for stream in streams:
                place = _exact_start(container, media, stream.index, start, rate)
                if place is None:
                    return {}
                starts[stream.index] = place
            return starts if _arrives(container, media, starts) else {}
        except FFmpegError:  # which decoding from the beginning meets too, and reports
            return {}


def seek(container: Any, media: Media, starts: Mapping[int, ExactStart]) -> None:
    """Go to where all streams can be decoded from; FFmpegError if that fails."""
    streams = [(stream_of(container, media, index), place) for index, place in starts.items()]
    stream, place = min(streams, key=lambda pair: pair[1].seek * pair[0].time_base)
    container.seek(place.seek, stream=stream)


def _exact_start(
    container: Any, media: Media, index: int, start: Fraction, rate: int
) -> ExactStart | None:
    """Return where a stream can be decoded from; None where that is not proven."""
    stream = stream_of(container, media, index)
    context = stream.codec_context
    warm_up = 0 if context.name.startswith("pcm_") else FIXED.get(context.name)
    frames = _first_frames(media, index)
    if warm_up is None or len(frames) < 2 or stream.time_base != Fraction(1, context.sample_rate):
        return None
    times, sizes = _index(stream)
    begin = origin(container, media)
    first, base = frames[0].pts, stream.time_base
    entry = int(np.searchsorted(times, first, "right")) - 1
    last = int(np.searchsorted(times, int((start - MARGIN_S + begin) / base), "right")) - 1
    if entry < 0 or last <= entry + warm_up or last == len(times) - 1:
        return None
    steps = np.diff(times[entry : last + 1])
    if context.name.startswith("pcm_"):
        follows = (sizes[entry:last] * frames[0].samples == steps * sizes[entry]).all()
        follows &= steps[0] == frames[0].samples
    else:
        follows = (steps == frames[1].samples).all()
    if not follows or not can_cut(frames[1]):
        return None
    # the resampler begins at a whole number of its periods, and thereby of samples
    period = context.sample_rate // gcd(context.sample_rate, rate)
    place = first + (int(times[last]) - first) // period * period
    used = int(np.searchsorted(times, place, "right")) - 1
    if used <= entry + warm_up:
        return None
    # where the first sample lies if it is rounded from this place, and from the beginning
    here, whole = (round((time * base - begin - start) * rate) for time in (place, first))
    if here - whole != (place - first) * rate // context.sample_rate:
        return None
    return ExactStart(int(times[used - warm_up]), place)


def _index(stream: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the timestamp and the size in bytes of each packet."""
    rows = [(entry.timestamp, entry.size) for entry in stream.index_entries]
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _first_frames(media: Media, index: int) -> list[Any]:
    """Return the first two decoded frames of a stream that have a timestamp."""
    with open_media(media) as container:
        stream = stream_of(container, media, index)
        frames: list[Any] = []
        for packet in demux(container, stream):
            frames += [frame for frame in packet.decode() if frame.pts is not None]
            if len(frames) >= 2:
                break
        return frames


def _arrives(container: Any, media: Media, starts: Mapping[int, ExactStart]) -> bool:
    """Whether a seek comes to the packet that it is to come to, or before it, in each stream."""
    seek(container, media, starts)
    missing = set(starts)
    streams = [stream_of(container, media, index) for index in starts]
    met: set[int] = set()
    for number, packet in enumerate(demux(container, *streams)):
        index = packet.stream.index
        is_late = index not in met and packet.pts is not None and packet.pts > starts[index].seek
        if is_late or number > MAX_TRIAL_PACKETS * len(starts):
            return False
        met.add(index)
        with suppress(FFmpegError):  # of a packet that lacks what came before it
            frames = [frame for frame in packet.decode() if frame.pts is not None]
            if any(0 <= starts[index].first - frame.pts < frame.samples for frame in frames):
                missing.discard(index)
        if not missing:
            return True
    return False
