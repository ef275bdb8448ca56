"""A cut list as an OpenTimelineIO timeline.

Every clip refers to the whole original file, so an editor can trim into what lies beyond a shot.
Source ranges count with the file's own timecode, as OTIO means them; record time starts at 0.
What OTIO has no field for (exact rate, canvas, crop) lies in `metadata["speakerzoom"]`, and is
read only through `programme`. With other angles in the cut list there are several picture tracks.
"""

from __future__ import annotations

from typing import Any

import opentimelineio as otio

from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot
from otio_speakerzoom.timeline.facts import NAMESPACE, read_facts, remark
from otio_speakerzoom.timeline.media_paths import require_utf8, url_path
from otio_speakerzoom.timeline.tracks import Piece, video_tracks


def to_otio(cut_list: CutList, *, path: str = "") -> otio.schema.Timeline:
    """Return `cut_list` as a timeline of picture tracks and, where there is sound, tracks of sound.

    The media is looked for at `path`, where it is another than here. The same cut list always
    gives the same timeline, byte for byte once written.
    """
    media, path = cut_list.media, path or str(cut_list.media.path)
    require_utf8(path)
    timeline = otio.schema.Timeline(
        name=media.path.stem,
        global_start_time=otio.opentime.RationalTime(0, float(media.rate)),
        metadata={NAMESPACE: _programme_metadata(cut_list, path)},
    )
    timeline.tracks.markers.extend(
        _marker(media, shot, cut_list.names(shot), shot.range.start - cut_list.range.start)
        for shot in cut_list.shots
    )
    for name, pieces in video_tracks(cut_list):
        timeline.tracks.append(_picture_track(cut_list, path, name, pieces))
    for n, lane in enumerate(read_facts(timeline).audio_tracks, start=1):
        track = otio.schema.Track(f"Audio {n}", kind=otio.schema.TrackKind.Audio)
        track.metadata[NAMESPACE] = {"stream": lane.stream, "channels": list(lane.channels)}
        for link, shot in enumerate(cut_list.shots, start=1):
            clip = _clip(media, path, shot, cut_list.names(shot))
            clip.metadata[NAMESPACE] = {"link": link}  # as in the picture: they are moved together
            track.append(clip)
        timeline.tracks.append(track)
    return timeline


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
        "picture": media.video_stream,
        "fields": media.field_order,
        "colour": list(media.colour),
        "sounds": [
            {
                "rate": sound.rate,
                "channels": sound.channels,
                "delay": list(sound.delay.as_integer_ratio()),
                "index": sound.index,
                "varies": sound.varies,
            }
            for sound in media.audio_streams
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
        clip = _clip(media, path, shot, shows)
        clip.enabled = piece.on
        clip.metadata[NAMESPACE] = {"link": piece.number, **_shot_metadata(shot, shows)}
        clip.effects.append(_framing(shot.crop, cut_list.canvas))
        if piece.number:
            clip.markers.append(_marker(media, shot, shows, media.start + shot.range.start))
        track.append(clip)
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
        comment=f"{shows}: {remark(shot.reason or shows, shot.confidence)}",
        metadata={NAMESPACE: {"reason": shot.reason, "confidence": shot.confidence}},
    )


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
    note = {"crop": _edges(crop), "canvas": list(canvas)}
    return otio.schema.Effect("Reframe", "SpeakerZoomReframe", {NAMESPACE: note})


def _edges(crop: Box) -> list[float]:
    return [float(edge) for edge in crop.edges]
