"""Timeline to .otio with DaVinci Resolve's own transform effect, for Resolve 18.5 and later.

Layout, effect and parameter names as Resolve 21 exports them. The input scaling is pinned on every
clip, so that a project setting cannot change the framing.
"""

from __future__ import annotations

from typing import Any

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.reframe import fill, fit, reframe
from otio_speakerzoom.timeline import ProgrammeFacts, ProgrammeShot, read_facts, shots_of

_NAMESPACE = "Resolve_OTIO"
_FIT, _FILL = 2, 3  # Resolve's SCALE_FIT and SCALE_FILL
_MOST_ZOOM = 100.0
_MOST_MOVE = 4.0  # pan and tilt either way: maxValue in Resolve's exports


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as OTIO JSON that Resolve imports with its zooms and positions."""
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    timeline = otio.schema.Timeline(
        name=facts.name,
        global_start_time=_time(_one_hour(facts), facts),
        metadata={_NAMESPACE: {"Resolve OTIO Meta Version": "1.0"}},
    )
    timeline.tracks.append(_picture_track(facts, shots))
    if facts.sound:
        timeline.tracks.append(_sound_track(facts, shots))
    return timeline.to_json_string(indent=4)


def _picture_track(facts: ProgrammeFacts, shots: tuple[ProgrammeShot, ...]) -> otio.schema.Track:
    track = otio.schema.Track("Video 1", kind=otio.schema.TrackKind.Video)
    track.metadata[_NAMESPACE] = {"Locked": False}
    for link, shot in enumerate(shots, start=1):
        clip = _clip(facts, shot)
        clip.metadata[_NAMESPACE] = {"Link Group ID": link}
        clip.metadata["speakerzoom"] = {"shot": shot.name, "reason": shot.reason}
        clip.effects.extend(_effects(facts, shot))
        track.append(clip)
    return track


def _sound_track(facts: ProgrammeFacts, shots: tuple[ProgrammeShot, ...]) -> otio.schema.Track:
    """The first two channels at most, linked with the picture by number."""
    channels = min(facts.sound.channels, 2) if facts.sound else 0
    track = otio.schema.Track("Audio 1", kind=otio.schema.TrackKind.Audio)
    track.metadata[_NAMESPACE] = {
        "Audio Type": "Stereo" if channels == 2 else "Mono",
        "Locked": False,
        "SoloOn": False,
    }
    for link, shot in enumerate(shots, start=1):
        clip = _clip(facts, shot)
        clip.metadata[_NAMESPACE] = {
            "Link Group ID": link,
            "Channels": [
                {"Source Channel ID": channel, "Source Track ID": 0} for channel in range(channels)
            ],
        }
        track.append(clip)
    return track


def _clip(facts: ProgrammeFacts, shot: ProgrammeShot) -> otio.schema.Clip:
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


def _effects(facts: ProgrammeFacts, shot: ProgrammeShot) -> list[otio.schema.Effect]:
    """The transform, and the input scaling that it builds on.

    Fit, which is also what the user sees under Resolve's default; fill for a framing too tight
    for fit's numbers.
    """
    scalings = ((_FIT, fit(facts.size, facts.canvas)), (_FILL, fill(facts.size, facts.canvas)))
    for scaling, base in scalings:
        zoom, pan, tilt = _transform(facts, shot, base)
        if zoom <= _MOST_ZOOM and max(abs(pan), abs(tilt)) <= _MOST_MOVE:
            pinned = {**_parameter("scale", "UInt", scaling, 0), "minValue": 0, "maxValue": 4}
            moves = [
                _double("transformationZoomX", zoom, 1.0, 0.0, _MOST_ZOOM),
                _double("transformationZoomY", zoom, 1.0, 0.0, _MOST_ZOOM),
                _double("transformationPan", pan, 0.0, -_MOST_MOVE, _MOST_MOVE),
                _double("transformationTilt", tilt, 0.0, -_MOST_MOVE, _MOST_MOVE),
            ]
            return [_effect("Transform", 2, moves), _effect("Retime and Scaling", 22, [pinned])]
    raise TimelineError(
        f"{facts.path}: the shot at frame {shot.source.start} is too tight for Resolve, whose zoom "
        f"ends at {_MOST_ZOOM:.0f} and position at {_MOST_MOVE:.0f} pictures; widen its crop"
    )


def _transform(
    facts: ProgrammeFacts, shot: ProgrammeShot, base: float
) -> tuple[float, float, float]:
    """Zoom, pan and tilt over a picture already scaled by `base`.

    Zoom 1 is that picture's size; pan 1 moves by its width to the right, tilt 1 by its height
    upwards, before zoom. Measured on rendered pixels in Resolve 21.1.
    """
    move = reframe(shot.crop, facts.size, facts.canvas)
    width, height = facts.size[0] * base, facts.size[1] * base
    return move.scale / base, move.dx / width, -move.dy / height


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


def _double(id_: str, value: float, default: float, least: float, most: float) -> dict[str, Any]:
    return {**_parameter(id_, "Double", value, default), "minValue": least, "maxValue": most}


def _parameter(id_: str, kind: str, value: float, default: float) -> dict[str, Any]:
    """A static value. `default` must be Resolve's own: a value that equals it is thrown away."""
    return {
        "Default Parameter Value": default,
        "Key Frames": {},
        "Parameter ID": id_,
        "Parameter Value": value,
        "Variant Type": kind,
    }


def _one_hour(facts: ProgrammeFacts) -> int:
    """Frames to 01:00:00:00, where Resolve starts a timeline, in the source's way of counting."""
    labels = 3600 * round(facts.rate)
    # Dropped counting leaves out 2 labels in 30 in 54 of an hour's minutes (SMPTE ST 12-1).
    return labels - 54 * round(facts.rate) // 15 if facts.drop_frame else labels


def _range(start: int, duration: int, facts: ProgrammeFacts) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(_time(start, facts), _time(duration, facts))


def _time(frames: int, facts: ProgrammeFacts) -> otio.opentime.RationalTime:
    return otio.opentime.RationalTime(frames, float(facts.rate))
