"""Writes .otio with DaVinci Resolve's own transform effect, for Resolve 18.5 and later.

Layout, effect and parameter names as Resolve 21 exports them. Every clip fixes its input scaling,
so that a project setting cannot change the framing. The default is fit, which is also Resolve's
default. Stretch needs unequal zooms, but does not depend on how Resolve counts positions if the
scaled frame does not fill the canvas.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import opentimelineio as otio

from otio_speakerzoom.timecode import one_hour_frames
from otio_speakerzoom.timeline.audio_layout import AudioTrack, audio_tracks
from otio_speakerzoom.timeline.facts import (
    ShotClip,
    TimelineFacts,
    read_facts,
    shots_of,
    tracks_of,
)
from otio_speakerzoom.timeline.frame_rates import warn_unsupported_rate
from otio_speakerzoom.timeline.otio_clips import (
    otio_video_track,
    rational_time,
    shot_marker,
    time_range,
)
from otio_speakerzoom.timeline.resolve_framing import (
    MAX_MOVE,
    MAX_ZOOM,
    SCALINGS,
    Framing,
    framings,
)
from otio_speakerzoom.timeline.transform import round_number

_NAMESPACE = "Resolve_OTIO"
_LIMITS = {  # default, minimum, maximum
    "transformationZoomX": (1.0, 0.0, MAX_ZOOM),
    "transformationZoomY": (1.0, 0.0, MAX_ZOOM),
    "transformationPan": (0.0, -MAX_MOVE, MAX_MOVE),
    "transformationTilt": (0.0, -MAX_MOVE, MAX_MOVE),
}


def write_to_string(
    input_otio: otio.schema.Timeline,
    scaling: Literal["fit", "fill", "crop", "stretch"] = "fit",
) -> str:
    """Return the timeline as OTIO JSON that Resolve imports with zooms and positions."""
    if scaling not in SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(SCALINGS)}, got {scaling!r}")
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    warn_unsupported_rate(facts.rate, facts.path, "Resolve")
    timeline = otio.schema.Timeline(
        name=facts.name,
        global_start_time=rational_time(
            one_hour_frames(round(facts.rate), drop=facts.drop_frame), facts
        ),
        metadata={_NAMESPACE: {"Resolve OTIO Meta Version": "1.0"}},
    )
    timeline.tracks.markers.extend(_marker(facts, shot) for shot in shots)
    for track in tracks_of(input_otio):
        clips = otio_video_track(track, facts, lambda shot: _video_clip(facts, shot, scaling))
        clips.metadata[_NAMESPACE] = {"Locked": False}
        timeline.tracks.append(clips)
    for number, audio in enumerate(audio_tracks(facts.audio_streams), start=1):
        timeline.tracks.append(_audio_track(facts, shots, audio, number))
    return timeline.to_json_string(indent=4)


def _marker(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Marker:
    return shot_marker(shot, facts, metadata={_NAMESPACE: {"Keywords": [], "Note": shot.comment}})


def _video_clip(facts: TimelineFacts, shot: ShotClip, scaling: str) -> otio.schema.Clip:
    clip = _clip(facts, shot)
    if shot.number:
        clip.metadata[_NAMESPACE] = {"Link Group ID": shot.number}
    clip.metadata["speakerzoom"] = {
        "shot": shot.name,
        "reason": shot.reason,
        "confidence": shot.confidence,
        "locked": shot.locked,
    }
    clip.effects.extend(_effects(facts, shot, scaling))
    return clip


def _audio_track(
    facts: TimelineFacts, shots: tuple[ShotClip, ...], audio: AudioTrack, number: int
) -> otio.schema.Track:
    """Return an audio track, whose clips are linked to the video by number."""
    track = otio.schema.Track(f"Audio {number}", kind=otio.schema.TrackKind.Audio)
    track.metadata[_NAMESPACE] = {
        "Audio Type": "Stereo" if len(audio.channels) == 2 else "Mono",
        "Locked": False,
        "SoloOn": False,
    }
    for shot in shots:
        clip = _clip(facts, shot)
        clip.metadata[_NAMESPACE] = {
            "Link Group ID": shot.number,
            "Channels": [
                {"Source Channel ID": channel, "Source Track ID": audio.stream}
                for channel in audio.channels
            ],
        }
        track.append(clip)
    return track


def _clip(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Clip:
    """Return a clip with the name of its file and a plain path as URL, as Resolve writes them.

    Ranges include the file's timecode; without it, Resolve imports nothing at all.
    """
    reference = otio.schema.ExternalReference(
        target_url=facts.path,
        available_range=time_range(facts.start, facts.duration, facts),
    )
    reference.name = facts.file_name
    source = time_range(facts.start + shot.source.start, shot.source.duration, facts)
    return otio.schema.Clip(facts.file_name, reference, source)


def _effects(facts: TimelineFacts, shot: ShotClip, scaling: str) -> list[otio.schema.Effect]:
    """Return the transform, and the input scaling that it builds on."""
    start, transforms = shot.source.start, shot.transforms(facts)
    where = f"{facts.path}: the shot at frame {start}"
    name, rows = framings([t for _, t in transforms], facts.size, facts.canvas, scaling, where)
    frames = [frame - start for frame, _ in transforms]
    values = [_values(row) for row in rows]
    transform = _transform(list(zip(frames, values, strict=True)))
    return [*_cropping(facts, shot), transform, _input_scaling(name).clone()]


def _cropping(facts: TimelineFacts, shot: ShotClip) -> list[otio.schema.Effect]:
    """Return what cuts off the second half of a two-up at the seam, in parts of the frame."""
    left, top = shot.cut_off(facts)
    shares = {"cropLeft": left / facts.size[0], "cropTop": top / facts.size[1]}
    rows = [
        _double(name, [(0, round_number(share))], 0.0, 0.0, 1.0)
        for name, share in shares.items()
        if share
    ]
    return [_effect("Cropping", 3, rows)] if rows else []


def _values(framing: Framing) -> dict[str, float]:
    return {
        "transformationZoomX": framing.zoom_x,
        "transformationZoomY": framing.zoom_y,
        "transformationPan": framing.pan,
        "transformationTilt": framing.tilt,
    }


def _transform(rows: Sequence[tuple[int, dict[str, float]]]) -> otio.schema.Effect:
    """Return the effect for the values at each frame, counted from the clip's first."""
    if len(rows) > 1:
        return _moving_transform(rows)
    (_, values), effect = rows[0], _still_transform().clone()
    for parameter in effect.metadata[_NAMESPACE]["Parameters"]:
        parameter["Parameter Value"] = values[parameter["Parameter ID"]]
    return effect


@cache  # OTIO takes ten times as long to convert it as to copy it
def _still_transform() -> otio.schema.Effect:
    return _moving_transform([(0, dict.fromkeys(_LIMITS, 0.0))])


def _moving_transform(rows: Sequence[tuple[int, dict[str, float]]]) -> otio.schema.Effect:
    doubles = [
        _double(n, [(at, values[n]) for at, values in rows], *limits)
        for n, limits in _LIMITS.items()
    ]
    return _effect("Transform", 2, doubles)


@cache
def _input_scaling(name: str) -> otio.schema.Effect:
    mode = _parameter("scale", "UInt", SCALINGS[name], 0)
    return _effect("Retime and Scaling", 22, [{**mode, "minValue": 0, "maxValue": 4}])


def _effect(name: str, kind: int, parameters: list[dict[str, Any]]) -> otio.schema.Effect:
    content = {
        "Display Type": 1,
        "Effect Name": name,
        "Enabled": True,
        "Name": name,
        "Parameters": parameters,
        "Type": kind,
    }
    return otio.schema.Effect("", "Resolve Effect", {_NAMESPACE: content})


def _double(
    id_: str, keys: list[tuple[int, float]], default: float, minimum: float, maximum: float
) -> dict[str, Any]:
    """Return a value and any keyframes, in frames from the clip's first; linear in between."""
    parameter = _parameter(id_, "Double", keys[0][1], default)
    if len(keys) > 1:
        parameter["Key Frames"] = {
            str(at): {"Value": value, "Variant Type": "Double"} for at, value in keys
        }
    return {**parameter, "minValue": minimum, "maxValue": maximum}


def _parameter(id_: str, kind: str, value: float, default: float) -> dict[str, Any]:
    """Return a static value. `default` must be Resolve's own, which it discards as a value."""
    return {
        "Default Parameter Value": default,
        "Key Frames": {},
        "Parameter ID": id_,
        "Parameter Value": value,
        "Variant Type": kind,
    }
