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

from otio_speakerzoom.errors import TimelineError
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
from otio_speakerzoom.timeline.transform import Transform, fill, fit, round_number

_NAMESPACE = "Resolve_OTIO"
_SCALINGS = {"crop": 1, "fit": 2, "fill": 3, "stretch": 4}  # Resolve's SCALE_CROP and so on
_MAX_ZOOM = 100.0
_MAX_MOVE = 4.0  # pan and tilt either way: maxValue in Resolve's exports
_LIMITS = {  # default, minimum, maximum
    "transformationZoomX": (1.0, 0.0, _MAX_ZOOM),
    "transformationZoomY": (1.0, 0.0, _MAX_ZOOM),
    "transformationPan": (0.0, -_MAX_MOVE, _MAX_MOVE),
    "transformationTilt": (0.0, -_MAX_MOVE, _MAX_MOVE),
}


def write_to_string(
    input_otio: otio.schema.Timeline,
    scaling: Literal["fit", "fill", "crop", "stretch"] = "fit",
) -> str:
    """Return the timeline as OTIO JSON that Resolve imports with zooms and positions."""
    if scaling not in _SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(_SCALINGS)}, got {scaling!r}")
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
    """Return the transform, and the input scaling that it builds on.

    A crop beyond the limits of `scaling` uses fill instead, which needs the smallest numbers.
    """
    start, transforms = shot.source.start, shot.transforms(facts)
    for name in (scaling, "fill"):
        base = _base_scale(name, facts)
        rows = [(frame - start, _values(facts, t, base)) for frame, t in transforms]
        if all(_within_limits(values) for _, values in rows):
            return [_transform(rows), _input_scaling(name).clone()]
    raise TimelineError(
        f"{facts.path}: the shot at frame {start} is too tight for Resolve, which zooms by at most "
        f"{_MAX_ZOOM:.0f} and moves by at most {_MAX_MOVE:.0f} frames; widen its crop"
    )


def _base_scale(scaling: str, facts: TimelineFacts) -> tuple[float, float]:
    """Return the horizontal and vertical scale that the mode gives a frame before its zoom."""
    if scaling == "stretch":
        return facts.canvas[0] / facts.size[0], facts.canvas[1] / facts.size[1]
    bases = {"fit": fit(facts.size, facts.canvas), "fill": fill(facts.size, facts.canvas)}
    base = bases.get(scaling, 1.0)
    return base, base


def _values(
    facts: TimelineFacts, transform: Transform, base: tuple[float, float]
) -> dict[str, float]:
    """Return zoom, pan and tilt of a frame that is already scaled by `base`.

    Zoom 1 is the size of that frame; pan 1 moves it right by its width, tilt 1 up by its height,
    before zoom. Measured on rendered pixels in Resolve 21.1.
    """
    values = {
        "transformationZoomX": transform.scale / base[0],
        "transformationZoomY": transform.scale / base[1],
        "transformationPan": transform.dx / (facts.size[0] * base[0]),
        "transformationTilt": -transform.dy / (facts.size[1] * base[1]),
    }
    return {name: round_number(value) for name, value in values.items()}


def _within_limits(values: dict[str, float]) -> bool:
    return all(low <= values[n] <= high for n, (_, low, high) in _LIMITS.items())


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
    mode = _parameter("scale", "UInt", _SCALINGS[name], 0)
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
