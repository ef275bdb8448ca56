"""Writes .otio with Premiere Pro's own Motion effect, for Premiere 25.6 and later.

Unlike Resolve, Premiere reads the frame size from the document: from the stack's metadata. Names
and layout are those of exporters written for Premiere; we know of no export by Premiere itself.
"""

from __future__ import annotations

from typing import Any

import opentimelineio as otio

from otio_speakerzoom.timeline.audio_layout import AudioTrack, audio_tracks
from otio_speakerzoom.timeline.facts import (
    ShotClip,
    TimelineFacts,
    read_facts,
    shots_of,
    tracks_of,
)
from otio_speakerzoom.timeline.frame_rates import warn_unsupported_rate
from otio_speakerzoom.timeline.media_paths import url_path
from otio_speakerzoom.timeline.otio_clips import (
    otio_video_track,
    rational_time,
    shot_marker,
    time_range,
)
from otio_speakerzoom.timeline.premiere_motion import Motion, motion_keys
from otio_speakerzoom.timeline.transform import round_number

_NAMESPACE = "PremierePro_OTIO"
_NO_KEYFRAME = -10_800_000.0  # the position that means "no keyframe", at the timeline's rate
_NORMAL = 18  # Premiere's number for the blend mode "normal"


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as OTIO JSON that Premiere imports with its scales and positions."""
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    warn_unsupported_rate(facts.rate, facts.path, "Premiere")
    timeline = otio.schema.Timeline(
        name=facts.name,
        global_start_time=rational_time(0, facts),
        metadata={_NAMESPACE: {"MetadataVersion": "1.0"}},
    )
    timeline.tracks.metadata[_NAMESPACE] = {
        "AudioFrameRate": float(facts.first_audio.rate if facts.first_audio else 48000),
        "PixelAspectRatio": {"denominator": 1, "numerator": 1},
        "VideoFrameRate": float(facts.rate),
        "VideoResolution": {"height": facts.canvas[1], "width": facts.canvas[0]},
    }
    timeline.tracks.markers.extend(shot_marker(s, facts, comment=s.comment) for s in shots)
    for track in tracks_of(input_otio):
        clips = otio_video_track(track, facts, lambda shot: _video_clip(facts, shot))
        timeline.tracks.append(clips)
    for number, audio in enumerate(audio_tracks(facts.audio_streams), start=1):
        timeline.tracks.append(_audio_track(facts, shots, audio, number))
    return timeline.to_json_string(indent=4)


def _video_clip(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Clip:
    clip = _clip(facts, shot, 0)
    clip.metadata["speakerzoom"] = {
        "reason": shot.reason,
        "confidence": shot.confidence,
        "locked": shot.locked,
    }
    clip.effects.extend([_opacity(facts), _motion(facts, shot)])
    return clip


def _audio_track(
    facts: TimelineFacts, shots: tuple[ShotClip, ...], audio: AudioTrack, number: int
) -> otio.schema.Track:
    """Return a stereo or mono track, whose clips are linked to the video by number."""
    track = otio.schema.Track(f"Audio {number}", kind=otio.schema.TrackKind.Audio)
    for shot in shots:
        clip = _clip(facts, shot, audio.stream)
        clip.metadata[_NAMESPACE]["AudioChannels"] = {
            "ChannelType": "Stereo" if len(audio.channels) == 2 else "Mono",
            "SecondaryAssignments": [
                {"SecondaryChannelIndex": channel} for channel in audio.channels
            ],
        }
        track.append(clip)
    return track


def _clip(facts: TimelineFacts, shot: ShotClip, group: int) -> otio.schema.Clip:
    """Return a clip of the whole file; ranges start at its first frame, as in known exporters."""
    reference = otio.schema.ExternalReference(
        target_url=f"file://{url_path(facts.path, keep=':')}",
        available_range=time_range(0, facts.duration, facts),
    )
    reference.name = facts.file_name
    source = time_range(shot.source.start, shot.source.duration, facts)
    clip = otio.schema.Clip(shot.name, reference, source)
    # A separate number for each pair: Premiere merges clips that share one.
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
    """Return the crop as scale, in percent of the file's pixels, and position on the canvas."""
    motions = motion_keys(shot, facts)
    positions = [(frame, _position(motion)) for frame, motion in motions]
    scales = [(frame, motion.scale) for frame, motion in motions]
    left, top = shot.cut_off(facts)
    cut_off = (100 * left / facts.size[0], 100 * top / facts.size[1], 0.0, 0.0)  # percent
    edges = zip((8, 9, 10, 11), ("Left", "Top", "Right", "Bottom"), cut_off, strict=True)
    moving = len(motions) > 1
    parameters = [
        _parameter(1, "Position", positions[0][1], facts, positions if moving else ()),
        _parameter(2, "Scale", scales[0][1], facts, scales if moving else ()),
        _parameter(3, "Scale Width", scales[0][1], facts, scales if moving else ()),
        _parameter(4, " ", True, facts, ()),  # one scale for both axes
        _parameter(5, "Rotation", 0.0, facts, ()),
        _parameter(6, "Anchor Point", {"X": 0.5, "Y": 0.5}, facts, ()),
        _parameter(7, "Anti-flicker Filter", 0.0, facts, ()),
        *(_parameter(n, f"Crop {edge}", round_number(at), facts, ()) for n, edge, at in edges),
    ]
    return _effect("Motion", "AE.ADBE Motion", parameters)


def _position(motion: Motion) -> dict[str, float]:
    return {"X": motion.x, "Y": motion.y}


def _effect(name: str, match: str, parameters: list[dict[str, Any]]) -> otio.schema.Effect:
    content = {"IsIntrinsic": True, "MatchName": match, "Parameters": parameters}
    return otio.schema.Effect("", name, {_NAMESPACE: content})


def _parameter(id_: int, name: str, value: Any, facts: TimelineFacts, keys: Any) -> dict[str, Any]:
    """Return a still value, or keyframes at source frames as `source_range` counts them."""
    head = {"ID": id_, "DisplayName": name}
    if keys:
        return {**head, "Keyframes": [_keyframe(frame, at, facts) for frame, at in keys]}
    return {**head, "StartValue": _keyframe(_NO_KEYFRAME, value, facts)}


def _keyframe(frame: float, value: Any, facts: TimelineFacts) -> dict[str, Any]:
    return {"Position": rational_time(frame, facts), "Value": value}
