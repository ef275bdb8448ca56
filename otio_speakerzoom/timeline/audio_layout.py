"""How the audio of a source is laid out on tracks: stereo streams in pairs, all others as mono."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from otio_speakerzoom.model import AudioStream


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """The channels of the source on one audio track."""

    stream: int
    """Index of the source's audio stream, from 0."""
    channels: tuple[int, ...]
    """Indices in that stream, from 0: two for a stereo track, one for a mono track."""


@dataclass(frozen=True, slots=True)
class AudioChannel:
    """One channel of an audio track, for formats whose tracks hold one channel each."""

    source_channel: int
    """Number of the channel in the file, through all its streams, from 1."""
    place: int
    """Index on its track, from 0."""
    count: int
    """How many channels its track has."""


def audio_tracks(streams: Sequence[AudioStream]) -> tuple[AudioTrack, ...]:
    """Return a track for each stereo stream, and one for each channel of any other stream."""
    return tuple(
        AudioTrack(number, channels)
        for number, stream in enumerate(streams)
        for channels in ([(0, 1)] if stream.channels == 2 else zip(range(stream.channels)))
    )


def audio_channels(streams: Sequence[AudioStream]) -> tuple[AudioChannel, ...]:
    """Return the channels of all tracks, in order."""
    before = [sum(s.channels for s in streams[:n]) for n in range(len(streams))]
    return tuple(
        AudioChannel(before[track.stream] + channel + 1, place, len(track.channels))
        for track in audio_tracks(streams)
        for place, channel in enumerate(track.channels)
    )
