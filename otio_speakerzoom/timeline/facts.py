"""What an adapter writes of one of our timelines: its source, its tracks, its shots.

Read from an OpenTimelineIO timeline that `timeline.to_otio` made, and from no other.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, nan
from pathlib import PurePosixPath
from typing import Any

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import AudioStream, Box, CropKey, FrameRange
from otio_speakerzoom.timeline.media_paths import with_slashes
from otio_speakerzoom.timeline.transform import Transform, transform_of

log = logging.getLogger(__name__)

NAMESPACE = "speakerzoom"
"""Key of everything of ours in OTIO metadata."""


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """What all clips of one of our timelines share: the source, and the picture delivered."""

    name: str
    """Of the programme."""
    path: str
    """Of the source; absolute, as its own system writes it."""
    rate: Fraction
    """Frames per second of source and programme, exact."""
    duration: int
    """Length of the source in frames."""
    size: tuple[int, int]
    """Width and height of the source in pixels, as shown."""
    canvas: tuple[int, int]
    """Width and height of the delivered picture in pixels."""
    start: int
    """Timecode of the source's first frame, in frames."""
    drop_frame: bool
    rotation: int
    """Degrees clockwise that a player must turn the stored picture."""
    variable_rate: bool
    audio_streams: tuple[AudioStream, ...]
    picture: int = 0
    """As in `Media`, as are the next two."""
    fields: str = "progressive"
    colour: tuple[int, int, int] = (1, 1, 1)

    @property
    def first_audio(self) -> AudioStream | None:
        return self.audio_streams[0] if self.audio_streams else None

    @property
    def audio_tracks(self) -> tuple[AudioTrack, ...]:
        """All of the sound: each pair of channels together, any other number each on its own."""
        return tuple(
            AudioTrack(stream, channels)
            for stream, sound in enumerate(self.audio_streams)
            for channels in ([(0, 1)] if sound.channels == 2 else zip(range(sound.channels)))
        )

    @property
    def file_name(self) -> str:
        return PurePosixPath(with_slashes(self.path)).name


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """Channels of the source that are heard on one track."""

    stream: int
    """Number of the source's audio stream, from 0."""
    channels: tuple[int, ...]
    """Of that stream, from 0: two for a stereo track, one for a mono one."""


@dataclass(frozen=True, slots=True)
class ShotClip:
    """One clip of a picture track, in whole frames."""

    record: FrameRange
    """Where it lies in the programme, which starts at 0."""
    source: FrameRange
    """What it shows, counted from the file's first frame (timecode left out)."""
    crop: Box
    name: str
    reason: str
    number: int = 0
    """Of the shot it is in the programme, from 1; 0 for one that is not in it."""
    on: bool = True
    """Whether it is seen."""
    confidence: float = 1.0
    keys: tuple[CropKey, ...] = ()
    """As in `Shot`."""
    subjects: tuple[int, ...] = ()
    locked: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether an editor should look at it: the director was more likely wrong than right."""
        return self.confidence < 0.5

    @property
    def remark(self) -> str:
        """What a marker says of it."""
        return remark(self.reason or self.name, self.confidence)

    def moves(self, facts: TimelineFacts) -> list[tuple[int, Transform]]:
        """Return frames of the source and the framing at each; one where it stands still."""
        keys = self.keys or (CropKey(self.source.start, self.crop),)
        return [(key.frame, transform_of(key.crop, facts.size, facts.canvas)) for key in keys]


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """One picture track."""

    name: str
    shots: tuple[ShotClip, ...]
    """In order, with gaps between them on all tracks but the lowest."""


def remark(why: str, confidence: float) -> str:
    """Return what a marker says of a shot."""
    return f"{why} (confidence {confidence:.2f})"


def read_facts(timeline: otio.schema.Timeline) -> TimelineFacts:
    """Return what `to_otio` noted on the timeline; raise TimelineError if it did not make it."""
    try:
        note = timeline.metadata[NAMESPACE]
        return TimelineFacts(
            name=timeline.name,
            path=note["path"],
            rate=Fraction(*note["rate"]),
            duration=note["duration"],
            size=_pair(note["size"]),
            canvas=_pair(note["canvas"]),
            start=note["start"],
            drop_frame=note["drop_frame"],
            rotation=note["rotation"],
            variable_rate=note["variable_rate"],
            audio_streams=tuple(_sound(row) for row in note["sounds"]),
            picture=note.get("picture", 0),  # older timelines have none
            fields=note.get("fields", "progressive"),
            colour=_colour(note.get("colour", (1, 1, 1))),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TimelineError(
            f"{getattr(timeline, 'name', '') or 'the timeline'}: carries no complete speakerzoom "
            "metadata; write it from a cut list with `speakerzoom export`"
        ) from error


def tracks_of(timeline: otio.schema.Timeline) -> tuple[VideoTrack, ...]:
    """Return the picture tracks, the lowest first, with what lies on each."""
    facts = read_facts(timeline)
    return tuple(_programme_track(track, facts) for track in timeline.video_tracks())


def shots_of(timeline: otio.schema.Timeline) -> tuple[ShotClip, ...]:
    """Return the programme's own shots in order, on whichever track each lies."""
    name = read_facts(timeline).name
    clips = (shot for track in tracks_of(timeline) for shot in track.shots if shot.number)
    shots = sorted(clips, key=lambda shot: shot.record.start)
    at = 0
    for shot in shots:
        if shot.record.start != at:
            raise TimelineError(
                f"{name}: has a gap on its picture track at frame {at}; export again from the cut "
                "list, which has clips only"
            )
        at = shot.record.end
    return tuple(shots)


def single_track_shots(timeline: otio.schema.Timeline, format_: str) -> tuple[ShotClip, ...]:
    """Return the programme's shots, for a format that cannot switch a clip off; say so."""
    if len(timeline.video_tracks()) > 1:
        log.warning("%s cannot switch clips off: only the chosen shots are written", format_)
    return shots_of(timeline)


def clip_crop(clip: otio.schema.Clip) -> Box:
    """Return the crop the clip is framed to, in source pixels."""
    for effect in clip.effects:
        note = effect.metadata.get(NAMESPACE, {})
        if "crop" in note:
            return _box(note["crop"], clip.name)
    raise TimelineError(
        f"{clip.name}: this clip carries no speakerzoom framing; export again from the cut list"
    )


def _box(edges: Sequence[float], name: str) -> Box:
    """A crop with an area, whoever has had the timeline in between."""
    try:
        left, top, right, bottom = map(float, edges)
    except (TypeError, ValueError):
        left = top = right = bottom = nan
    if not (all(map(isfinite, (left, top, right, bottom))) and left < right and top < bottom):
        raise TimelineError(
            f"{name}: this clip is framed to {list(edges)}, which is no part of a picture; export "
            "again from the cut list"
        )
    return Box(left, top, right, bottom)


def _sound(note: Mapping[str, Any]) -> AudioStream:
    return AudioStream(
        note["rate"],
        note["channels"],
        Fraction(*note["delay"]),
        note.get("index", 1),
        note.get("varies", False),
    )


def _colour(note: Any) -> tuple[int, int, int]:
    primaries, transfer, matrix = note
    return int(primaries), int(transfer), int(matrix)


def _programme_track(track: otio.schema.Track, facts: TimelineFacts) -> VideoTrack:
    shots: list[ShotClip] = []
    at = 0
    for item in track:
        if isinstance(item, otio.schema.Clip):
            source = _source_frames(item, facts)
            shots.append(_programme_shot(item, FrameRange(at, at + source.duration), source))
            at = shots[-1].record.end
        elif isinstance(item, otio.schema.Gap):
            at += round(item.duration().rescaled_to(float(facts.rate)).value)
        else:
            raise TimelineError(
                f"{facts.name}: has a {type(item).__name__.lower()} on its picture track at frame "
                f"{at}; export again from the cut list, which has clips only"
            )
    return VideoTrack(track.name, tuple(shots))


def _programme_shot(clip: otio.schema.Clip, record: FrameRange, source: FrameRange) -> ShotClip:
    note = clip.metadata.get(NAMESPACE, {})
    return ShotClip(
        record,
        source,
        clip_crop(clip),
        clip.name,
        note.get("reason", ""),
        note.get("link", 0),
        clip.enabled,
        note.get("confidence", 1.0),
        tuple(
            CropKey(int(frame), _box(edges, clip.name)) for frame, *edges in note.get("keys", ())
        ),
        tuple(note.get("subjects", ())),
        note.get("locked", False),
    )


def _source_frames(clip: otio.schema.Clip, facts: TimelineFacts) -> FrameRange:
    """The clip's range counted from the file's first frame."""
    rate, source = float(facts.rate), clip.source_range
    start = round(source.start_time.rescaled_to(rate).value) - facts.start
    end = start + round(source.duration.rescaled_to(rate).value)
    if not 0 <= start < end <= facts.duration:
        raise TimelineError(
            f"{facts.name}: the clip {clip.name} shows frames {start} to {end} of a source of "
            f"{facts.duration}; export again from the cut list"
        )
    return FrameRange(start, end)


def _pair(values: Any) -> tuple[int, int]:
    width, height = values
    return int(width), int(height)
