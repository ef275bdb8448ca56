"""A cut list as an OpenTimelineIO timeline, and back.

Every clip refers to the whole original file, so an editor can trim into what lies beyond a shot.
Source ranges count with the file's own timecode, as OTIO means them; record time starts at 0.
What OTIO has no field for (exact rate, canvas, crop) lies in `metadata["speakerzoom"]`, and is
read only through this module. With other angles in the cut list there are several picture tracks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import quote

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.lanes import Piece, lanes
from otio_speakerzoom.model import Box, CutList, FrameRange, Key, Media, Shot, Sound
from otio_speakerzoom.reframe import Reframe, reframe
from otio_speakerzoom.source import as_named

log = logging.getLogger(__name__)

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
    sounds: tuple[Sound, ...]
    picture: int = 0
    """As in `Media`, as are the next two."""
    fields: str = "progressive"
    colour: tuple[int, int, int] = (1, 1, 1)

    @property
    def sound(self) -> Sound | None:
        return self.sounds[0] if self.sounds else None

    @property
    def sound_tracks(self) -> tuple[SoundTrack, ...]:
        """All of the sound: each pair of channels together, any other number each on its own."""
        return tuple(
            SoundTrack(stream, channels)
            for stream, sound in enumerate(self.sounds)
            for channels in ([(0, 1)] if sound.channels == 2 else zip(range(sound.channels)))
        )

    @property
    def file_name(self) -> str:
        return PurePosixPath(_with_slashes(self.path)).name


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """Channels of the source that are heard on one track."""

    stream: int
    """Number of the source's audio stream, from 0."""
    channels: tuple[int, ...]
    """Of that stream, from 0: two for a stereo track, one for a mono one."""


@dataclass(frozen=True, slots=True)
class ProgrammeShot:
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
    keys: tuple[Key, ...] = ()
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
        return _remark(self.reason or self.name, self.confidence)

    def moves(self, facts: ProgrammeFacts) -> list[tuple[int, Reframe]]:
        """Return frames of the source and the framing at each; one where it stands still."""
        keys = self.keys or (Key(self.source.start, self.crop),)
        return [(key.frame, reframe(key.crop, facts.size, facts.canvas)) for key in keys]


@dataclass(frozen=True, slots=True)
class ProgrammeTrack:
    """One picture track."""

    name: str
    shots: tuple[ProgrammeShot, ...]
    """In order, with gaps between them on all tracks but the lowest."""


def to_otio(cut_list: CutList, *, path: str = "") -> otio.schema.Timeline:
    """Return `cut_list` as a timeline of picture tracks and, where there is sound, tracks of sound.

    The media is looked for at `path`, where it is another than here. The same cut list always
    gives the same timeline, byte for byte once written.
    """
    media, path = cut_list.media, path or str(cut_list.media.path)
    _refuse_unwritable(path)
    timeline = otio.schema.Timeline(
        name=media.path.stem,
        global_start_time=otio.opentime.RationalTime(0, float(media.rate)),
        metadata={NAMESPACE: _programme_metadata(cut_list, path)},
    )
    timeline.tracks.markers.extend(
        _marker(media, shot, cut_list.names(shot), shot.range.start - cut_list.range.start)
        for shot in cut_list.shots
    )
    for name, pieces in lanes(cut_list):
        timeline.tracks.append(_picture_track(cut_list, path, name, pieces))
    for n, lane in enumerate(read_facts(timeline).sound_tracks, start=1):
        track = otio.schema.Track(f"Audio {n}", kind=otio.schema.TrackKind.Audio)
        track.metadata[NAMESPACE] = {"stream": lane.stream, "channels": list(lane.channels)}
        for link, shot in enumerate(cut_list.shots, start=1):
            heard = _clip(media, path, shot, cut_list.names(shot))
            heard.metadata[NAMESPACE] = {"link": link}  # as in the picture: they are moved together
            track.append(heard)
        timeline.tracks.append(track)
    return timeline


def relocated(path: str, old: str, new: str) -> str:
    r"""Return `path` with its folder `old` called `new`, as another machine names it.

    `old` may be relative, or go through links. `new` may be one of Windows (C:\footage,
    \\server\share); what follows then has its slashes.
    Raise TimelineError where the media does not lie in `old`.
    """
    inside = _inside(Path(path), as_named(Path(old)))
    if inside is None:
        raise TimelineError(f"{path}: does not lie in {old}; give --media-root a folder above it")
    windows = re.match(r"[A-Za-z]:|\\\\", new)
    if not windows and not new.startswith("/"):
        raise TimelineError(f"{new}: is not an absolute path; timelines need one for their media")
    if windows and "\\" in new:
        return "\\".join((new.rstrip("\\"), *inside.parts))
    return "/".join((new.rstrip("/"), *inside.parts))


def _inside(path: Path, folder: Path) -> PurePath | None:
    """Return where `path` lies in `folder`, by their names or by what those point to; else None.

    The system decides whether two names are one folder: a link, or another case on some disks.
    """
    if folder in path.parents:
        return path.relative_to(folder)
    for whole in (path, path.resolve()):
        for above in whole.parents:
            try:
                if above.samefile(folder):
                    return whole.relative_to(above)
            except OSError:
                continue
    return None


def read_facts(timeline: otio.schema.Timeline) -> ProgrammeFacts:
    """Return what `to_otio` noted on the timeline; raise TimelineError if it did not make it."""
    try:
        noted = timeline.metadata[NAMESPACE]
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
            sounds=tuple(_sound(row) for row in noted["sounds"]),
            picture=noted.get("picture", 0),  # older timelines have none
            fields=noted.get("fields", "progressive"),
            colour=_colour(noted.get("colour", (1, 1, 1))),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TimelineError(
            f"{getattr(timeline, 'name', '') or 'the timeline'}: carries no complete speakerzoom "
            "metadata; write it from a cut list with `speakerzoom export`"
        ) from error


def _sound(noted: Mapping[str, Any]) -> Sound:
    return Sound(
        noted["rate"],
        noted["channels"],
        Fraction(*noted["delay"]),
        noted.get("index", 1),
        noted.get("varies", False),
    )


def _colour(noted: Any) -> tuple[int, int, int]:
    primaries, transfer, matrix = noted
    return int(primaries), int(transfer), int(matrix)


def tracks_of(timeline: otio.schema.Timeline) -> tuple[ProgrammeTrack, ...]:
    """Return the picture tracks, the lowest first, with what lies on each."""
    facts = read_facts(timeline)
    return tuple(_programme_track(track, facts) for track in timeline.video_tracks())


def shots_of(timeline: otio.schema.Timeline) -> tuple[ProgrammeShot, ...]:
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


def flat_shots_of(timeline: otio.schema.Timeline, format_: str) -> tuple[ProgrammeShot, ...]:
    """Return the programme's shots, for a format that cannot switch a clip off; say so."""
    if len(timeline.video_tracks()) > 1:
        log.warning("%s cannot switch clips off: only the chosen shots are written", format_)
    return shots_of(timeline)


def framing_of(clip: otio.schema.Clip) -> Box:
    """Return the crop the clip is framed to, in source pixels."""
    for effect in clip.effects:
        noted = effect.metadata.get(NAMESPACE, {})
        if "crop" in noted:
            return Box(*noted["crop"])
    raise TimelineError(
        f"{clip.name}: this clip carries no speakerzoom framing; export again from the cut list"
    )


def _programme_track(track: otio.schema.Track, facts: ProgrammeFacts) -> ProgrammeTrack:
    shots: list[ProgrammeShot] = []
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
    return ProgrammeTrack(track.name, tuple(shots))


def _programme_shot(
    clip: otio.schema.Clip, record: FrameRange, source: FrameRange
) -> ProgrammeShot:
    noted = clip.metadata.get(NAMESPACE, {})
    return ProgrammeShot(
        record,
        source,
        framing_of(clip),
        clip.name,
        noted.get("reason", ""),
        noted.get("link", 0),
        clip.enabled,
        noted.get("confidence", 1.0),
        tuple(Key(int(frame), Box(*edges)) for frame, *edges in noted.get("keys", ())),
        tuple(noted.get("subjects", ())),
        noted.get("locked", False),
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


def _programme_metadata(cut_list: CutList, path: str) -> dict[str, Any]:
    media = cut_list.media
    return {
        "path": path,
        "rate": list(media.rate.as_integer_ratio()),
        "duration": media.duration,
        "size": list(media.size),
        "canvas": list(cut_list.canvas),
        "start": media.start,
        "drop_frame": media.drop_frame,
        "rotation": media.rotation,
        "variable_rate": media.variable_rate,
        "picture": media.picture,
        "fields": media.fields,
        "colour": list(media.colour),
        "sounds": [
            {
                "rate": sound.rate,
                "channels": sound.channels,
                "delay": list(sound.delay.as_integer_ratio()),
                "index": sound.index,
                "varies": sound.varies,
            }
            for sound in media.sounds
        ],
    }


def _shot_metadata(shot: Shot, name: str) -> dict[str, Any]:
    return {
        "kind": shot.kind,
        "subjects": list(shot.subjects),
        "shows": name,
        "reason": shot.reason,
        "confidence": shot.confidence,
        "locked": shot.locked,
        "keys": [[key.frame, *_edges(key.crop)] for key in shot.keys],
        "start": shot.range.start,
        "end": shot.range.end,
    }


def _picture_track(
    cut_list: CutList, path: str, name: str, pieces: tuple[Piece, ...]
) -> otio.schema.Track:
    media, at = cut_list.media, cut_list.range.start
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Video)
    for piece in pieces:
        shot, shows = piece.shot, cut_list.names(piece.shot)
        if at < shot.range.start:
            empty = FrameRange(at, shot.range.start)
            track.append(otio.schema.Gap(source_range=_with_timecode(media, empty)))
        seen = _clip(media, path, shot, shows)
        seen.enabled = piece.on
        seen.metadata[NAMESPACE] = {"link": piece.number, **_shot_metadata(shot, shows)}
        seen.effects.append(_framing(shot.crop, cut_list.canvas))
        if piece.number:
            seen.markers.append(_marker(media, shot, shows, media.start + shot.range.start))
        track.append(seen)
        at = shot.range.end
    return track


def _marker(media: Media, shot: Shot, shows: str, frame: int) -> otio.schema.Marker:
    """Why the shot is there and how sure that is, at its first frame; red where it is doubtful.

    Each lies twice: on its clip, at a `frame` of the source, and on the stack of tracks, at one of
    the programme, because some programs look for markers in one of the two places only. Of name and
    comment some show one only, too.
    """
    rate = float(media.rate)
    colours = otio.schema.MarkerColor
    return otio.schema.Marker(
        name=shows,
        marked_range=otio.opentime.TimeRange(
            otio.opentime.RationalTime(frame, rate), otio.opentime.RationalTime(1, rate)
        ),
        color=colours.RED if shot.confidence < 0.5 else colours.GREEN,
        comment=f"{shows}: {_remark(shot.reason or shows, shot.confidence)}",
        metadata={NAMESPACE: {"reason": shot.reason, "confidence": shot.confidence}},
    )


def _remark(why: str, confidence: float) -> str:
    return f"{why} (confidence {confidence:.2f})"


def _clip(media: Media, path: str, shot: Shot, name: str) -> otio.schema.Clip:
    corners = (otio.schema.V2d(0, 0), otio.schema.V2d(*media.size))
    reference = otio.schema.ExternalReference(
        target_url=f"file://{url_path(path, keep=':')}",
        available_range=_with_timecode(media, media.range),
        available_image_bounds=otio.schema.Box2d(*corners),
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
    noted = {"crop": _edges(crop), "canvas": list(canvas)}
    return otio.schema.Effect("Reframe", "SpeakerZoomReframe", {NAMESPACE: noted})


def _edges(crop: Box) -> list[float]:
    return [float(edge) for edge in (crop.left, crop.top, crop.right, crop.bottom)]


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
