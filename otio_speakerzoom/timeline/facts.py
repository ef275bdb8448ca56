"""What the adapters write of a timeline: the source, its tracks and its shots.

Reads timelines made by `timeline.build.to_otio`, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, nan
from pathlib import PurePosixPath
from typing import Any

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import AudioStream, Box, CropKey, FrameRange, TwoUp
from otio_speakerzoom.timeline.media_paths import with_slashes
from otio_speakerzoom.timeline.transform import Transform, transform_of
from otio_speakerzoom.timeline.two_up import Half

NAMESPACE = "speakerzoom"
"""Key of everything of ours in OTIO metadata."""


@dataclass(frozen=True, slots=True)
class TimelineFacts:
    """What all clips of a timeline share: the source, and the output format."""

    name: str
    """Of the timeline."""
    path: str
    """Of the source; absolute, as its own system writes it."""
    rate: Fraction
    """Frames per second of source and timeline, exact."""
    duration: int
    """Length of the source in frames."""
    size: tuple[int, int]
    """Width and height of the source in pixels, upright."""
    canvas: tuple[int, int]
    """Width and height of the output in pixels."""
    start: int
    """Timecode of the source's first frame, in frames."""
    drop_frame: bool
    rotation: int
    """Degrees clockwise that a player must turn the stored frame."""
    variable_rate: bool
    audio_streams: tuple[AudioStream, ...]
    video_stream: int = 0
    """As in `Media`, as are the next two."""
    field_order: str = "progressive"
    colour: tuple[int, int, int] = (1, 1, 1)

    @property
    def first_audio(self) -> AudioStream | None:
        return self.audio_streams[0] if self.audio_streams else None

    @property
    def file_name(self) -> str:
        return PurePosixPath(with_slashes(self.path)).name


@dataclass(frozen=True, slots=True)
class ShotClip:
    """A shot as a clip on a video track, in whole frames."""

    record: FrameRange
    """Position in the timeline, which starts at 0."""
    source: FrameRange
    """Range of the source, from the file's first frame, without its timecode."""
    crop: Box
    name: str
    reason: str
    number: int = 0
    """As in `TrackClip`."""
    enabled: bool = True
    confidence: float = 1.0
    keys: tuple[CropKey, ...] = ()
    """As in `Shot`."""
    subjects: tuple[int, ...] = ()
    locked: bool = False
    two_up: TwoUp | None = None
    """As in `Shot`, also on the clip of the second half."""
    half: Half | None = None
    """Which half of a two-up it is; `crop` is then that of the half."""

    @property
    def is_second_half(self) -> bool:
        """Whether it lies over the clip of its shot in the cut."""
        return self.half is not None and self.half.is_second

    @property
    def doubtful(self) -> bool:
        """Whether an editor should check it: the director was more likely wrong than right."""
        return self.confidence < 0.5

    @property
    def comment(self) -> str:
        """The comment of its marker."""
        return marker_comment(self.reason or self.name, self.confidence)

    def transforms(self, facts: TimelineFacts) -> list[tuple[int, Transform]]:
        """Return source frames and the transform at each; a single one if the crop stands still."""
        if self.half:
            transform = self.half.transform(self.crop, facts.size, facts.canvas)
            return [(self.source.start, transform)]
        keys = self.keys or (CropKey(self.source.start, self.crop),)
        return [(key.frame, transform_of(key.crop, facts.size, facts.canvas)) for key in keys]

    def cut_off(self, facts: TimelineFacts) -> tuple[float, float]:
        """Return what a crop effect must cut off at the left and at the top, in source pixels.

        Nothing but at the seam of a second half: all other edges of a crop are those of the canvas.
        """
        if self.half is None:
            return 0.0, 0.0
        frame = self.half.remaining_frame(self.crop, facts.size, facts.canvas)
        return frame.left, frame.top


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """One video track."""

    name: str
    shots: tuple[ShotClip, ...]
    """In order, with gaps between them on all tracks but the lowest."""


def marker_comment(reason: str, confidence: float) -> str:
    """Return the comment of a shot's marker."""
    return f"{reason} (confidence {confidence:.2f})"


def read_facts(timeline: otio.schema.Timeline) -> TimelineFacts:
    """Return the facts that `to_otio` stored in `timeline`; raise TimelineError without them."""
    try:
        note = timeline.metadata[NAMESPACE]
        return TimelineFacts(
            name=timeline.name,
            path=note["path"],
            rate=Fraction(*note["rate"]),
            duration=note["duration"],
            size=_size(note["size"]),
            canvas=_size(note["canvas"]),
            start=note["start"],
            drop_frame=note["drop_frame"],
            rotation=note["rotation"],
            variable_rate=note["variable_rate"],
            audio_streams=tuple(_audio_stream(row) for row in note["sounds"]),
            video_stream=note.get("picture", 0),  # older timelines have none
            field_order=note.get("fields", "progressive"),
            colour=_colour(note.get("colour", (1, 1, 1))),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TimelineError(
            f"{getattr(timeline, 'name', '') or 'the timeline'}: has no complete speakerzoom "
            "metadata; write it from a cut list with `speakerzoom export`"
        ) from error


def tracks_of(timeline: otio.schema.Timeline) -> tuple[VideoTrack, ...]:
    """Return the video tracks and their clips, the lowest first."""
    facts = read_facts(timeline)
    return tuple(_video_track(track, facts) for track in timeline.video_tracks())


def shots_of(timeline: otio.schema.Timeline) -> tuple[ShotClip, ...]:
    """Return the shots of the cut in order, from all video tracks."""
    name = read_facts(timeline).name
    clips = (shot for track in tracks_of(timeline) for shot in track.shots if shot.number)
    shots = sorted(clips, key=lambda shot: shot.record.start)
    at = 0
    for shot in shots:
        if shot.record.start != at:
            raise TimelineError(
                f"{name}: has a gap on its video track at frame {at}; export again from the cut "
                "list, which has no gaps"
            )
        at = shot.record.end
    return tuple(shots)


def clip_crop(clip: otio.schema.Clip) -> Box:
    """Return the crop of a clip, in source pixels."""
    for effect in clip.effects:
        note = effect.metadata.get(NAMESPACE, {})
        if "crop" in note:
            return _crop(note["crop"], clip.name)
    raise TimelineError(
        f"{clip.name}: this clip has no speakerzoom framing; export again from the cut list"
    )


def _crop(edges: Sequence[float], clip: str) -> Box:
    """Return a crop that has an area, whichever program wrote the timeline last."""
    try:
        left, top, right, bottom = map(float, edges)
    except (TypeError, ValueError):
        left = top = right = bottom = nan
    if not (all(map(isfinite, (left, top, right, bottom))) and left < right and top < bottom):
        raise TimelineError(
            f"{clip}: the crop {list(edges)} of this clip is not a part of a frame; export again "
            "from the cut list"
        )
    return Box(left, top, right, bottom)


def _audio_stream(note: Mapping[str, Any]) -> AudioStream:
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


def _video_track(track: otio.schema.Track, facts: TimelineFacts) -> VideoTrack:
    shots: list[ShotClip] = []
    at = 0
    for item in track:
        if isinstance(item, otio.schema.Clip):
            source = _source_range(item, facts)
            shots.append(_shot_clip(item, FrameRange(at, at + source.duration), source))
            at = shots[-1].record.end
        elif isinstance(item, otio.schema.Gap):
            at += round(item.duration().rescaled_to(float(facts.rate)).value)
        else:
            raise TimelineError(
                f"{facts.name}: has a {type(item).__name__.lower()} on its video track at frame "
                f"{at}; export again from the cut list, which has clips only"
            )
    return VideoTrack(track.name, tuple(shots))


def _shot_clip(clip: otio.schema.Clip, record: FrameRange, source: FrameRange) -> ShotClip:
    note = clip.metadata.get(NAMESPACE, {})
    rows = note.get("keys", ())
    return ShotClip(
        record,
        source,
        clip_crop(clip),
        clip.name,
        note.get("reason", ""),
        note.get("link", 0),
        clip.enabled,
        note.get("confidence", 1.0),
        tuple(CropKey(int(frame), _crop(edges, clip.name)) for frame, *edges in rows),
        tuple(note.get("subjects", ())),
        note.get("locked", False),
        two_up := _two_up(note, clip.name),
        Half(two_up.layout, bool(note.get("second_half"))) if two_up else None,
    )


def _two_up(note: Mapping[str, Any], clip: str) -> TwoUp | None:
    if "two_up" not in note:
        return None
    content = note["two_up"]
    try:
        return TwoUp(content["layout"], _crop(content["second_crop"], clip))
    except (KeyError, TypeError, ValueError) as error:
        raise TimelineError(
            f"{clip}: the two_up of this clip is damaged; export again from the cut list"
        ) from error


def _source_range(clip: otio.schema.Clip, facts: TimelineFacts) -> FrameRange:
    """Return the clip's range, counted from the file's first frame."""
    rate, source = float(facts.rate), clip.source_range
    start = round(source.start_time.rescaled_to(rate).value) - facts.start
    end = start + round(source.duration.rescaled_to(rate).value)
    if not 0 <= start < end <= facts.duration:
        raise TimelineError(
            f"{facts.name}: the clip {clip.name} shows frames {start} to {end} of a source of "
            f"{facts.duration}; export again from the cut list"
        )
    return FrameRange(start, end)


def _size(values: Any) -> tuple[int, int]:
    width, height = values
    return int(width), int(height)
