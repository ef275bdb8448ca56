"""Timeline to .otio with DaVinci Resolve's own transform effect, for Resolve 18.5 and later.

Layout, effect and parameter names as Resolve 21 exports them. The input scaling is pinned on every
clip, so that a project setting cannot change the framing: fit, which is also what the user sees
under Resolve's default, unless another is asked for. Stretch needs unequal zooms, but does not rest
on how Resolve counts positions where the scaled picture does not fill the frame.
"""

from __future__ import annotations

from typing import Any, Literal

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.timecode import one_hour
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
from otio_speakerzoom.timeline.transform import Transform, fill, fit, rounded

_NAMESPACE = "Resolve_OTIO"
_SCALINGS = {"crop": 1, "fit": 2, "fill": 3, "stretch": 4}  # Resolve's SCALE_CROP and so on
_MOST_ZOOM = 100.0
_MOST_MOVE = 4.0  # pan and tilt either way: maxValue in Resolve's exports
_LIMITS = {  # default, least, most
    "transformationZoomX": (1.0, 0.0, _MOST_ZOOM),
    "transformationZoomY": (1.0, 0.0, _MOST_ZOOM),
    "transformationPan": (0.0, -_MOST_MOVE, _MOST_MOVE),
    "transformationTilt": (0.0, -_MOST_MOVE, _MOST_MOVE),
}


def write_to_string(
    input_otio: otio.schema.Timeline,
    scaling: Literal["fit", "fill", "crop", "stretch"] = "fit",
) -> str:
    """Return the timeline as OTIO JSON that Resolve imports with its zooms and positions."""
    if scaling not in _SCALINGS:
        raise ValueError(f"scaling must be one of {', '.join(_SCALINGS)}, got {scaling!r}")
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    warn_of_rate(facts.rate, facts.path, "Resolve")
    timeline = otio.schema.Timeline(
        name=facts.name,
        global_start_time=_time(one_hour(round(facts.rate), drop=facts.drop_frame), facts),
        metadata={_NAMESPACE: {"Resolve OTIO Meta Version": "1.0"}},
    )
    timeline.tracks.markers.extend(_marker(facts, shot) for shot in shots)
    for track in tracks_of(input_otio):
        timeline.tracks.append(_picture_track(facts, track, scaling))
    for n, lane in enumerate(facts.audio_tracks, start=1):
        timeline.tracks.append(_sound_track(facts, shots, lane, n))
    return timeline.to_json_string(indent=4)


def _marker(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Marker:
    colours = otio.schema.MarkerColor
    return otio.schema.Marker(
        name=shot.name,
        marked_range=_range(shot.record.start, 1, facts),
        color=colours.RED if shot.doubtful else colours.GREEN,
        metadata={_NAMESPACE: {"Keywords": [], "Note": shot.remark}},
    )


def _picture_track(facts: TimelineFacts, lane: VideoTrack, scaling: str) -> otio.schema.Track:
    track = otio.schema.Track(lane.name, kind=otio.schema.TrackKind.Video)
    track.metadata[_NAMESPACE] = {"Locked": False}
    at = 0
    for shot in lane.shots:
        if at < shot.record.start:
            track.append(otio.schema.Gap(source_range=_range(0, shot.record.start - at, facts)))
        clip = _clip(facts, shot)
        clip.enabled = shot.on
        if shot.number:
            clip.metadata[_NAMESPACE] = {"Link Group ID": shot.number}
        clip.metadata["speakerzoom"] = {
            "shot": shot.name,
            "reason": shot.reason,
            "confidence": shot.confidence,
            "locked": shot.locked,
        }
        clip.effects.extend(_effects(facts, shot, scaling))
        track.append(clip)
        at = shot.record.end
    return track


def _sound_track(
    facts: TimelineFacts, shots: tuple[ShotClip, ...], lane: AudioTrack, number: int
) -> otio.schema.Track:
    """Linked with the picture by number."""
    track = otio.schema.Track(f"Audio {number}", kind=otio.schema.TrackKind.Audio)
    track.metadata[_NAMESPACE] = {
        "Audio Type": "Stereo" if len(lane.channels) == 2 else "Mono",
        "Locked": False,
        "SoloOn": False,
    }
    for shot in shots:
        clip = _clip(facts, shot)
        clip.metadata[_NAMESPACE] = {
            "Link Group ID": shot.number,
            "Channels": [
                {"Source Channel ID": channel, "Source Track ID": lane.stream}
                for channel in lane.channels
            ],
        }
        track.append(clip)
    return track


def _clip(facts: TimelineFacts, shot: ShotClip) -> otio.schema.Clip:
    """Named for its file and placed by the bare path, both as Resolve does itself.

    Ranges count with the file's timecode; counted from 0, Resolve imports nothing at all.
    """
    reference = otio.schema.ExternalReference(
        target_url=facts.path,
        available_range=_range(facts.start, facts.duration, facts),
    )
    reference.name = facts.file_name
    start = facts.start + shot.source.start
    return otio.schema.Clip(facts.file_name, reference, _range(start, shot.source.duration, facts))


def _effects(facts: TimelineFacts, shot: ShotClip, scaling: str) -> list[otio.schema.Effect]:
    """The transform, and the input scaling that it builds on.

    A framing out of the reach of the scaling's numbers is built on fill, which needs the smallest.
    """
    moves = shot.moves(facts)
    for name in (scaling, "fill"):
        base = _base(name, facts)
        rows = [(frame - shot.source.start, _transform(facts, m, base)) for frame, m in moves]
        if all(_in_reach(values) for _, values in rows):
            pinned = _parameter("scale", "UInt", _SCALINGS[name], 0)
            pinned |= {"minValue": 0, "maxValue": 4}
            doubles = [
                _double(n, [(at, values[n]) for at, values in rows], *limits)
                for n, limits in _LIMITS.items()
            ]
            return [_effect("Transform", 2, doubles), _effect("Retime and Scaling", 22, [pinned])]
    raise TimelineError(
        f"{facts.path}: the shot at frame {shot.source.start} is too tight for Resolve, whose zoom "
        f"ends at {_MOST_ZOOM:.0f} and position at {_MOST_MOVE:.0f} pictures; widen its crop"
    )


def _base(scaling: str, facts: TimelineFacts) -> tuple[float, float]:
    """The scale that the mode gives a picture before its zoom, across and down."""
    if scaling == "stretch":
        return facts.canvas[0] / facts.size[0], facts.canvas[1] / facts.size[1]
    bases = {"fit": fit(facts.size, facts.canvas), "fill": fill(facts.size, facts.canvas)}
    base = bases.get(scaling, 1.0)
    return base, base


def _transform(
    facts: TimelineFacts, move: Transform, base: tuple[float, float]
) -> dict[str, float]:
    """Zoom, pan and tilt over a picture already scaled by `base`.

    Zoom 1 is that picture's size; pan 1 moves by its width to the right, tilt 1 by its height
    upwards, before zoom. Measured on rendered pixels in Resolve 21.1.
    """
    values = {
        "transformationZoomX": move.scale / base[0],
        "transformationZoomY": move.scale / base[1],
        "transformationPan": move.dx / (facts.size[0] * base[0]),
        "transformationTilt": -move.dy / (facts.size[1] * base[1]),
    }
    return {name: rounded(value) for name, value in values.items()}


def _in_reach(values: dict[str, float]) -> bool:
    return all(least <= values[n] <= most for n, (_, least, most) in _LIMITS.items())


def _effect(name: str, kind: int, parameters: list[dict[str, Any]]) -> otio.schema.Effect:
    described = {
        "Display Type": 1,
        "Effect Name": name,
        "Enabled": True,
        "Name": name,
        "Parameters": parameters,
        "Type": kind,
    }
    return otio.schema.Effect("", "Resolve Effect", {_NAMESPACE: described})


def _double(
    id_: str, keys: list[tuple[int, float]], default: float, least: float, most: float
) -> dict[str, Any]:
    """A value, and where it moves its keys, in frames from the clip's first; linear between."""
    parameter = _parameter(id_, "Double", keys[0][1], default)
    if len(keys) > 1:
        parameter["Key Frames"] = {
            str(at): {"Value": value, "Variant Type": "Double"} for at, value in keys
        }
    return {**parameter, "minValue": least, "maxValue": most}


def _parameter(id_: str, kind: str, value: float, default: float) -> dict[str, Any]:
    """A static value. `default` must be Resolve's own: a value that equals it is thrown away."""
    return {
        "Default Parameter Value": default,
        "Key Frames": {},
        "Parameter ID": id_,
        "Parameter Value": value,
        "Variant Type": kind,
    }


def _range(start: int, duration: int, facts: TimelineFacts) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_time(start, facts), _time(duration, facts))


def _time(frames: int, facts: TimelineFacts) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(facts.rate))
