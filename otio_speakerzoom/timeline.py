"""A cut list as an OpenTimelineIO timeline, and back.

Every clip refers to the whole original file, so an editor can trim into what lies beyond a shot.
Source ranges count with the file's own timecode, as OTIO means them; record time starts at 0.
What OTIO has no field for (exact rate, canvas, crop) lies in `metadata["speakerzoom"]`, and is
read only through this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot, Sound

NAMESPACE = "speakerzoom"
"""Key of everything of ours in OTIO metadata."""


@dataclass(frozen=True, slots=True)
class ProgrammeFacts:
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
    sound: Sound | None

    @property
    def file_name(self) -> str:
        return PurePosixPath(_with_slashes(self.path)).name


@dataclass(frozen=True, slots=True)
class ProgrammeShot:
    """One clip of the picture track, in whole frames."""

    record: FrameRange
    """Where it lies in the programme, which starts at 0."""
    source: FrameRange
    """What it shows, counted from the file's first frame (timecode left out)."""
    crop: Box
    name: str
    reason: str


def to_otio(cut_list: CutList) -> otio.schema.Timeline:
    """Return `cut_list` as a timeline of one picture track and, where there is sound, one of sound.

    The same cut list always gives the same timeline, byte for byte once written.
    """
    media = cut_list.media
    _refuse_unwritable(str(media.path))
    timeline = otio.schema.Timeline(
        name=media.path.stem,
        global_start_time=otio.opentime.RationalTime(0, float(media.rate)),
        metadata={NAMESPACE: _programme_metadata(cut_list)},
    )
    picture = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    sound = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
    for link, shot in enumerate(cut_list.shots, start=1):
        name = cut_list.names(shot)
        seen, heard = (_clip(media, shot, name) for _ in range(2))
        seen.metadata[NAMESPACE] = {"link": link, **_shot_metadata(shot, name)}
        seen.effects.append(_framing(shot.crop, cut_list.canvas))
        picture.append(seen)
        heard.metadata[NAMESPACE] = {"link": link}  # the same number: they are moved together
        sound.append(heard)
    timeline.tracks.append(picture)
    if media.sound is not None:
        timeline.tracks.append(sound)
    return timeline


def read_facts(timeline: otio.schema.Timeline) -> ProgrammeFacts:
    """Return what `to_otio` noted on the timeline; raise TimelineError if it did not make it."""
    try:
        noted = timeline.metadata[NAMESPACE]
        sound = noted["sound"]
        return ProgrammeFacts(
            name=timeline.name,
            path=noted["path"],
            rate=Fraction(*noted["rate"]),
            duration=noted["duration"],
            size=_pair(noted["size"]),
            canvas=_pair(noted["canvas"]),
            start=noted["start"],
            drop_frame=noted["drop_frame"],
            rotation=noted["rotation"],
            variable_rate=noted["variable_rate"],
            sound=sound and Sound(sound["rate"], sound["channels"], Fraction(*sound["delay"])),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TimelineError(
            f"{getattr(timeline, 'name', '') or 'the timeline'}: carries no complete speakerzoom "
            "metadata; write it from a cut list with `speakerzoom export`"
        ) from error


def shots_of(timeline: otio.schema.Timeline) -> tuple[ProgrammeShot, ...]:
    """Return the picture track's clips in order, where each lies and what it shows."""
    facts = read_facts(timeline)
    shots: list[ProgrammeShot] = []
    at = 0
    for clip in timeline.video_tracks()[0]:
        if not isinstance(clip, otio.schema.Clip):
            raise TimelineError(
                f"{facts.name}: has a {type(clip).__name__.lower()} on its picture track at frame "
                f"{at}; export again from the cut list, which has clips only"
            )
        source = _source_frames(clip, facts)
        reason = clip.metadata.get(NAMESPACE, {}).get("reason", "")
        record = FrameRange(at, at + source.duration)
        shots.append(ProgrammeShot(record, source, framing_of(clip), clip.name, reason))
        at = record.end
    return tuple(shots)


def framing_of(clip: otio.schema.Clip) -> Box:
    """Return the crop the clip is framed to, in source pixels."""
    for effect in clip.effects:
        noted = effect.metadata.get(NAMESPACE, {})
        if "crop" in noted:
            return Box(*noted["crop"])
    raise TimelineError(
        f"{clip.name}: this clip carries no speakerzoom framing; export again from the cut list"
    )


def url_path(path: str, *, keep: str = "") -> str:
    """Return `path` as the path of a file URL: UTF-8, percent-encoded, from its first slash on.

    Only letters, digits, `_.-~/` and the characters in `keep` stay as they are. Stricter than
    RFC 3986 asks, so that the result needs no escaping in XML either.
    """
    slashed = _with_slashes(path)
    return quote(slashed if slashed.startswith("/") else f"/{slashed}", safe=f"/{keep}")


def _with_slashes(path: str) -> str:
    """An absolute POSIX path as it is, a Windows path with forward slashes."""
    return path if path.startswith("/") else PureWindowsPath(path).as_posix()


def _refuse_unwritable(path: str) -> None:
    """Raise where no text format can hold the path: bytes that are not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError as error:
        shown = path.encode(errors="replace").decode()
        raise TimelineError(
            f"{shown}: the file's name is not valid UTF-8, which no timeline can hold; rename it"
        ) from error


def _programme_metadata(cut_list: CutList) -> dict[str, Any]:
    media, sound = cut_list.media, cut_list.media.sound
    return {
        "path": str(media.path),
        "rate": list(media.rate.as_integer_ratio()),
        "duration": media.duration,
        "size": list(media.size),
        "canvas": list(cut_list.canvas),
        "start": media.start,
        "drop_frame": media.drop_frame,
        "rotation": media.rotation,
        "variable_rate": media.variable_rate,
        "sound": sound
        and {
            "rate": sound.rate,
            "channels": sound.channels,
            "delay": list(sound.delay.as_integer_ratio()),
        },
    }


def _shot_metadata(shot: Shot, name: str) -> dict[str, Any]:
    return {
        "kind": shot.kind,
        "subjects": list(shot.subjects),
        "shows": name,
        "reason": shot.reason,
        "start": shot.range.start,
        "end": shot.range.end,
    }


def _clip(media: Media, shot: Shot, name: str) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(
        target_url=f"file://{url_path(str(media.path), keep=':')}",
        available_range=_with_timecode(media, media.range),
    )
    reference.name = media.path.name
    return otio.schema.Clip(name, reference, _with_timecode(media, shot.range))


def _with_timecode(media: Media, frames: FrameRange) -> otio.opentime.TimeRange:
    rate = float(media.rate)
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(media.start + frames.start, rate),
        otio.opentime.RationalTime(frames.duration, rate),
    )


def _framing(crop: Box, canvas: tuple[int, int]) -> otio.schema.Effect:
    edges = [float(edge) for edge in (crop.left, crop.top, crop.right, crop.bottom)]
    noted = {"crop": edges, "canvas": list(canvas)}
    return otio.schema.Effect("Reframe", "SpeakerZoomReframe", {NAMESPACE: noted})


def _source_frames(clip: otio.schema.Clip, facts: ProgrammeFacts) -> FrameRange:
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
