"""A cut list as an OpenTimelineIO timeline.

Every clip references the full original file, so an editor can trim beyond a shot. Source ranges
include the file's own timecode, as OTIO defines them; record time starts at 0. What OTIO has no
field for (exact rate, canvas, crop) is in `metadata["speakerzoom"]`, which `timeline.facts` reads
for the adapters. A cut list with other angles gives several video tracks.
"""

from __future__ import annotations

from typing import Any

import opentimelineio as otio

from otio_speakerzoom.model import Box, CutList, FrameRange, Media, Shot, TwoUp
from otio_speakerzoom.timeline.audio_layout import AudioTrack, audio_tracks
from otio_speakerzoom.timeline.facts import NAMESPACE, marker_comment
from otio_speakerzoom.timeline.media_paths import require_utf8, url_path
from otio_speakerzoom.timeline.tracks import TrackClip, video_tracks


def to_otio(cut_list: CutList, *, path: str = "") -> otio.schema.Timeline:
    """Return `cut_list` as a timeline: video tracks, and tracks for all of the source's audio.

    `path` is where the editor finds the media, if not where it is here. The same cut list always
    gives the same timeline, byte for byte.
    """
    media, path = cut_list.media, path or str(cut_list.media.path)
    require_utf8(path)
    timeline = otio.schema.Timeline(
        name=media.path.stem,
        global_start_time=otio.opentime.RationalTime(0, float(media.rate)),
        metadata={NAMESPACE: _timeline_metadata(cut_list, path)},
    )
    timeline.tracks.markers.extend(
        _marker(media, shot, cut_list.shot_label(shot), shot.range.start - cut_list.range.start)
        for shot in cut_list.shots
    )
    for name, clips in video_tracks(cut_list):
        timeline.tracks.append(_video_track(cut_list, path, name, clips))
    for number, audio in enumerate(audio_tracks(media.audio_streams), start=1):
        timeline.tracks.append(_audio_track(cut_list, path, audio, number))
    return timeline


def _timeline_metadata(cut_list: CutList, path: str) -> dict[str, Any]:
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
                "rate": stream.rate,
                "channels": stream.channels,
                "delay": list(stream.delay.as_integer_ratio()),
                "index": stream.index,
                "varies": stream.varies,
            }
            for stream in media.audio_streams
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
        **({"two_up": _two_up_metadata(shot.two_up)} if shot.two_up else {}),
    }


def _two_up_metadata(two_up: TwoUp) -> dict[str, Any]:
    return {"layout": two_up.layout, "second_crop": _edges(two_up.second_crop)}


def _video_track(
    cut_list: CutList, path: str, name: str, clips: tuple[TrackClip, ...]
) -> otio.schema.Track:
    media, at = cut_list.media, cut_list.range.start
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Video)
    for item in clips:
        shot, label = item.shot, cut_list.shot_label(item.shot)
        if at < shot.range.start:
            empty = FrameRange(at, shot.range.start)
            track.append(otio.schema.Gap(source_range=_with_timecode(media, empty)))
        clip = _clip(media, path, shot, label)
        clip.enabled = item.enabled
        clip.metadata[NAMESPACE] = {"link": item.number, **_shot_metadata(shot, label)}
        if item.half:
            clip.metadata[NAMESPACE]["second_half"] = item.half.is_second
        clip.effects.append(_reframe_effect(item.crop, cut_list.canvas))
        if item.number:
            clip.markers.append(_marker(media, shot, label, media.start + shot.range.start))
        track.append(clip)
        at = shot.range.end
    return track


def _audio_track(cut_list: CutList, path: str, audio: AudioTrack, number: int) -> otio.schema.Track:
    track = otio.schema.Track(f"Audio {number}", kind=otio.schema.TrackKind.Audio)
    track.metadata[NAMESPACE] = {"stream": audio.stream, "channels": list(audio.channels)}
    for link, shot in enumerate(cut_list.shots, start=1):
        clip = _clip(cut_list.media, path, shot, cut_list.shot_label(shot))
        # the same number as the video clip, so that the two move together
        clip.metadata[NAMESPACE] = {"link": link}
        track.append(clip)
    return track


def _marker(media: Media, shot: Shot, label: str, frame: int) -> otio.schema.Marker:
    """Return the reason for a shot and its confidence as a marker, red if the shot is doubtful.

    Each shot has two, because some programs read markers in only one of the two places: on its
    clip, at a source `frame`, and on the stack of tracks, at a timeline `frame`. Some programs also
    show only one of name and comment.
    """
    rate = float(media.rate)
    colours = otio.schema.MarkerColor
    return otio.schema.Marker(
        name=label,
        marked_range=otio.opentime.TimeRange(
            otio.opentime.RationalTime(frame, rate), otio.opentime.RationalTime(1, rate)
        ),
        color=colours.RED if shot.confidence < 0.5 else colours.GREEN,
        comment=f"{label}: {marker_comment(shot.reason or label, shot.confidence)}",
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


def _reframe_effect(crop: Box, canvas: tuple[int, int]) -> otio.schema.Effect:
    note = {"crop": _edges(crop), "canvas": list(canvas)}
    return otio.schema.Effect("Reframe", "SpeakerZoomReframe", {NAMESPACE: note})


def _edges(crop: Box) -> list[float]:
    return [float(edge) for edge in crop.edges]
