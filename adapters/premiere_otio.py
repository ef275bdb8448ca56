"""Timeline to .otio with Premiere Pro's own Motion effect, for Premiere 25.6 and later.

Unlike Resolve, Premiere takes the picture's size from the file: from the stack's metadata. Names
and layout are those of exporters written against Premiere; no export of Premiere itself is known
to us.
"""

from __future__ import annotations

from typing import Any

import opentimelineio as otio

from otio_speakerzoom.timeline.facts import (
    AudioTrack,
    ShotClip,
    TimelineFacts,
    VideoTrack,
    read_facts,
    shots_of,
    tracks_of,
)
from otio_speakerzoom.timeline.formatting import warn_of_rate
from otio_speakerzoom.timeline.media_paths import url_path
from otio_speakerzoom.timeline.transform import Transform, rounded

_NAMESPACE = "PremierePro_OTIO"
_STILL = -10_800_000.0  # the position that stands for "no key", at the timeline's rate
_NORMAL = 18  # Premiere's number of the blend mode "normal"


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as OTIO JSON that Premiere imports with its scales and positions."""
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    warn_of_rate(facts.rate, facts.path, "Premiere")
    timeline = otio.schema.Timeline(
        name=facts.name,
        global_start_time=_time(0, facts),
        metadata={_NAMESPACE: {"MetadataVersion": "1.0"}},
    )
    timeline.tracks.metadata[_NAMESPACE] = {
        "AudioFrameRate": float(facts.first_audio.rate if facts.first_audio else 48000),
        "PixelAspectRatio": {"denominator": 1, "numerator": 1},
        "VideoFrameRate": float(facts.rate),
        "VideoResolution": {"height": facts.canvas[1], "width": facts.canvas[0]},
    }
    timeline.tracks.markers.extend(_marker(facts, shot) for shot in shots)
    timeline.tracks.extend(_picture_track(facts, track) for track in tracks_of(input_otio))
    for number, lane in enumerate(facts.audio_tracks, start=1):
        timeline.tracks.append(_sound_track(facts, shots, lane, number))
    return timeline.to_json_string(indent=4)


def _marker(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Marker:
    colours = otio.schema.MarkerColor
    return otio.schema.Marker(
        name=shot.name,
        marked_range=_range(shot.record.start, 1, facts),
        color=colours.RED if shot.doubtful else colours.GREEN,
        comment=shot.remark,
    )


def _picture_track(facts: TimelineFacts, lane: VideoTrack) -> otio.schema.Track:
    track = otio.schema.Track(lane.name, kind=otio.schema.TrackKind.Video)
    at = 0
    for shot in lane.shots:
        if at < shot.record.start:
            track.append(otio.schema.Gap(source_range=_range(0, shot.record.start - at, facts)))
        clip = _clip(facts, shot, 0)
        clip.enabled = shot.on
        clip.metadata["speakerzoom"] = {
            "reason": shot.reason,
            "confidence": shot.confidence,
            "locked": shot.locked,
        }
        clip.effects.extend([_opacity(facts), _motion(facts, shot)])
        track.append(clip)
        at = shot.record.end
    return track


def _sound_track(
    facts: TimelineFacts, shots: tuple[ShotClip, ...], lane: AudioTrack, number: int
) -> otio.schema.Track:
    """One stereo or mono track, linked with the picture by number."""
    track = otio.schema.Track(f"Audio {number}", kind=otio.schema.TrackKind.Audio)
    for shot in shots:
        clip = _clip(facts, shot, lane.stream)
        clip.metadata[_NAMESPACE]["AudioChannels"] = {
            "ChannelType": "Stereo" if len(lane.channels) == 2 else "Mono",
            "SecondaryAssignments": [
                {"SecondaryChannelIndex": channel} for channel in lane.channels
            ],
        }
        track.append(clip)
    return track


def _clip(facts: TimelineFacts, shot: ShotClip, group: int) -> otio.schema.Clip:
    """The whole file behind it; ranges count from its first frame, as in the known exporters."""
    reference = otio.schema.ExternalReference(
        target_url=f"file://{url_path(facts.path, keep=':')}",
        available_range=_range(0, facts.duration, facts),
    )
    reference.name = facts.file_name
    clip = otio.schema.Clip(
        shot.name, reference, _range(shot.source.start, shot.source.duration, facts)
    )
    # A number of its own for each pair: clips that share one are fused.
    link = {"LinkID": str(shot.number)} if shot.number else {}
    clip.metadata[_NAMESPACE] = {
        **link,
        "OriginalChannelGroupIndex": group,
        "SourceClipIndex": 0,
    }
    return clip


def _opacity(facts: TimelineFacts) -> otio.schema.Effect:
    values = ((1, "Opacity", 100.0), (2, "Blend Mode", _NORMAL), (3, "Blend Mode", 0))
    return _effect("Opacity", "AE.ADBE Opacity", [_parameter(*row, facts, ()) for row in values])


def _motion(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Effect:
    """The crop as scale in percent of the file's own pixels, and position in canvases."""
    moves = shot.moves(facts)
    positions = [(frame, _position(move, facts)) for frame, move in moves]
    scales = [(frame, rounded(100 * move.scale)) for frame, move in moves]
    edges = enumerate(("Left", "Top", "Right", "Bottom"), start=8)
    moving = len(moves) > 1
    parameters = [
        _parameter(1, "Position", positions[0][1], facts, positions if moving else ()),
        _parameter(2, "Scale", scales[0][1], facts, scales if moving else ()),
        _parameter(3, "Scale Width", scales[0][1], facts, scales if moving else ()),
        _parameter(4, " ", True, facts, ()),  # one scale for both axes
        _parameter(5, "Rotation", 0.0, facts, ()),
        _parameter(6, "Anchor Point", {"X": 0.5, "Y": 0.5}, facts, ()),
        _parameter(7, "Anti-flicker Filter", 0.0, facts, ()),
        *(_parameter(id_, f"Crop {edge}", 0.0, facts, ()) for id_, edge in edges),
    ]
    return _effect("Motion", "AE.ADBE Motion", parameters)


def _position(move: Transform, facts: TimelineFacts) -> dict[str, float]:
    """Where the picture's centre lands, from the canvas's upper left, in widths and heights."""
    width, height = facts.canvas
    return {"X": rounded(0.5 + move.dx / width), "Y": rounded(0.5 + move.dy / height)}


def _effect(name: str, match: str, parameters: list[dict[str, Any]]) -> otio.schema.Effect:
    described = {"IsIntrinsic": True, "MatchName": match, "Parameters": parameters}
    return otio.schema.Effect("", name, {_NAMESPACE: described})


def _parameter(id_: int, name: str, value: Any, facts: TimelineFacts, keys: Any) -> dict[str, Any]:
    """A still value, or keys at frames of the source as `source_range` counts them."""
    head = {"ID": id_, "DisplayName": name}
    if keys:
        return {**head, "Keyframes": [_key(frame, at, facts) for frame, at in keys]}
    return {**head, "StartValue": _key(_STILL, value, facts)}


def _key(frame: float, value: Any, facts: TimelineFacts) -> dict[str, Any]:
    return {"Position": _time(frame, facts), "Value": value}


def _range(start: int, duration: int, facts: TimelineFacts) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_time(start, facts), _time(duration, facts))


def _time(frames: float, facts: TimelineFacts) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(facts.rate))
