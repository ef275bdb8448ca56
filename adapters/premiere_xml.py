"""Timeline to Final Cut Pro 7 XML (xmeml version 4), for Premiere Pro or for DaVinci Resolve.

Structure as Premiere itself exports it. Units of Basic Motion as measured in Premiere: scale in
percent of the file's own pixels, centre in widths and heights of the file's own picture. Resolve
counts both on the picture as its project has scaled it, which is to fit unless the user changed it.
Apple: "Final Cut Pro XML Interchange Format" (archived).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.timecode import may_drop, timecode
from otio_speakerzoom.timeline.facts import (
    ShotClip,
    TimelineFacts,
    VideoTrack,
    read_facts,
    shots_of,
    tracks_of,
)
from otio_speakerzoom.timeline.formatting import timebase, warn_of_rate, xml_text
from otio_speakerzoom.timeline.media_paths import url_path
from otio_speakerzoom.timeline.sequence_id import sequence_id
from otio_speakerzoom.timeline.transform import decimal, fit

# Percent: valuemax of the scale in Premiere's exports; a hundredfold zoom in Resolve's.
_MOST_SCALE = {"premiere": 1000, "resolve": 10_000}
_PIXELS = {"anamorphic": "FALSE", "pixelaspectratio": "square"}
_DOMINANCE = {"progressive": "none", "top": "upper", "bottom": "lower"}
_LABELS = ("Iris", "Caribbean", "Rose", "Mango", "Lavender", "Forest", "Cerulean", "Violet")
"""Premiere's own clip colours, one a person; the wide is Iris, which pictures have there anyway."""
_GREEN, _RED = 0xFF2CA03C, 0xFF362CD2  # alpha, blue, green, red; the red is from an export


class _Programme(NamedTuple):  # OTIO loads this file in a way that dataclasses cannot bear
    """What the parts of the document look up in one another."""

    facts: TimelineFacts
    tracks: tuple[VideoTrack, ...]
    shots: tuple[ShotClip, ...]
    video_tracks: tuple[tuple[int, int, int], ...]
    """Of each audio track: the number of its channel in the file, from 1; its place in its pair,
    from 0; how many tracks that pair has."""
    places: dict[int, tuple[int, int]]
    """Number of a shot in the programme -> its track and its place there, both from 1."""
    variant: str


def write_to_string(
    input_otio: otio.schema.Timeline, variant: Literal["premiere", "resolve"] = "premiere"
) -> str:
    """Return the timeline as an xmeml document for the host that `variant` names."""
    if variant not in ("premiere", "resolve"):
        raise ValueError(f'variant must be "premiere" or "resolve", got {variant!r}')
    facts, tracks = read_facts(input_otio), tracks_of(input_otio)
    warn_of_rate(facts.rate, facts.path, variant.capitalize())
    places = {
        shot.number: (at_track, at_clip)
        for at_track, track in enumerate(tracks, 1)
        for at_clip, shot in enumerate(track.shots, 1)
        if shot.number
    }
    shots = shots_of(input_otio)
    programme = _Programme(facts, tracks, shots, _sound_lanes(facts), places, variant)
    document = _element("xmeml", {"@version": "4", "sequence": _sequence(programme)})
    return xml_text(document, indent="\t", doctype="xmeml")


def _sequence(programme: _Programme) -> dict[str, Any]:
    facts, shots = programme.facts, programme.shots
    video = {
        "format": {"samplecharacteristics": _picture(facts, facts.canvas, "progressive")},
        "track": [_video_track(programme, n) for n in range(len(programme.tracks))],
    }
    audio = programme.video_tracks and {
        "numOutputChannels": 2,
        "format": {"samplecharacteristics": _samples(facts)},
        "outputs": {"group": [_output(1), _output(2)]},
        "track": [
            _audio_track(programme, lane) for lane in range(1, len(programme.video_tracks) + 1)
        ],
    }
    return {
        "@id": "sequence-1",
        "@explodedTracks": "true",
        "uuid": sequence_id(facts, shots),
        "duration": shots[-1].record.end if shots else 0,
        "rate": _rate(facts),
        "name": facts.name,
        "media": {"video": video, "audio": audio or None},
        "timecode": _timecode(facts, 0),
        "marker": [_marker(shot) for shot in shots],
    }


def _marker(shot: ShotClip) -> dict[str, Any]:
    """A point in the sequence; out -1 says that it has no length."""
    return {
        "comment": shot.remark,
        "name": shot.name,
        "in": shot.record.start,
        "out": -1,
        "pproColor": _RED if shot.doubtful else _GREEN,
    }


def _video_track(programme: _Programme, number: int) -> dict[str, Any]:
    clips = [
        _video_clip(programme, shot, number, at)
        for at, shot in enumerate(programme.tracks[number].shots)
    ]
    return {"clipitem": clips, "enabled": "TRUE", "locked": "FALSE"}


def _video_clip(programme: _Programme, shot: ShotClip, track: int, at: int) -> dict[str, Any]:
    # The file in full once, later by its id.
    first = not track and not at
    file = {"@id": "file-1", **_file(programme)} if first else {"@id": "file-1"}
    id_ = _clip_id(shot, 0) if shot.number else f"clipitem-v{track + 1}-{at + 1}"
    subject = shot.subjects[0] if shot.subjects else 0
    return {
        **_clip(programme.facts, shot, id_),
        "alphatype": "none",
        "pixelaspectratio": "square",
        "anamorphic": "FALSE",
        "file": file,
        "filter": {"effect": _basic_motion(programme, shot)},
        "link": _links(programme, shot),
        "labels": {"label2": _LABELS[subject % len(_LABELS)]},
    }


def _audio_track(programme: _Programme, lane: int) -> dict[str, Any]:
    """One channel. Premiere writes a stereo track as two, each knowing its place in the pair."""
    channel, place, count = programme.video_tracks[lane - 1]
    kind = "Stereo" if count == 2 else "Mono"
    clips = [
        {
            "@premiereChannelType": kind.lower(),
            **_clip(programme.facts, shot, _clip_id(shot, lane)),
            "file": {"@id": "file-1"},
            "sourcetrack": {"mediatype": "audio", "trackindex": channel},
            "link": _links(programme, shot),
        }
        for shot in programme.shots
    ]
    return {
        "@currentExplodedTrackIndex": place,
        "@totalExplodedTrackCount": count,
        "@premiereTrackType": kind,
        "clipitem": clips,
        "enabled": "TRUE",
        "locked": "FALSE",
        "outputchannelindex": place + 1,
    }


def _clip(facts: TimelineFacts, shot: ShotClip, id_: str) -> dict[str, Any]:
    """What picture and sound share; `in` and `out` count from the file's first frame."""
    return {
        "@id": id_,
        "masterclipid": "masterclip-1",
        "name": shot.name,
        "enabled": "TRUE" if shot.on else "FALSE",
        "duration": facts.duration,
        "rate": _rate(facts),
        "start": shot.record.start,
        "end": shot.record.end,
        "in": shot.source.start,
        "out": shot.source.end,
    }


def _clip_id(shot: ShotClip, lane: int) -> str:
    return f"clipitem-{shot.number}-{lane}"


def _links(programme: _Programme, shot: ShotClip) -> list[dict[str, Any]]:
    """Every member of the group, itself included, as each member must list them."""
    if not programme.video_tracks or not shot.number:
        return []
    track, at = programme.places[shot.number]
    return [
        {
            "linkclipref": _clip_id(shot, lane),
            "mediatype": "audio" if lane else "video",
            "trackindex": lane or track,
            "clipindex": shot.number if lane else at,
            "groupindex": 1 if lane else None,
        }
        for lane in range(len(programme.video_tracks) + 1)
    ]


def _basic_motion(programme: _Programme, shot: ShotClip) -> dict[str, Any]:
    """The crop as Premiere's Motion, on every clip.

    A clip without one may be fitted by the user's "default media scaling". Premiere does not turn
    a phone's picture when it reads xmeml (seen by one implementer), so the turn stands here too.
    """
    facts = programme.facts
    moves = shot.moves(facts)
    fitted = fit(facts.size, facts.canvas) if programme.variant == "resolve" else 1.0
    width, height = (fitted * side for side in _stored_size(programme))
    scales = [(frame, move.scale / fitted * 100) for frame, move in moves]
    tightest, most = max(scale for _, scale in scales), _MOST_SCALE[programme.variant]
    if tightest > most:
        raise TimelineError(
            f"{facts.path}: the shot at frame {shot.source.start} needs {tightest:.0f} %, "
            f"this XML takes up to {most} %; widen its crop or choose a smaller canvas"
        )
    zoom = [(frame, decimal(scale)) for frame, scale in scales]
    centre = [(frame, _point(move.dx / width, move.dy / height)) for frame, move in moves]
    turn = 0 if programme.variant == "resolve" else facts.rotation
    return {
        "name": "Basic Motion",
        "effectid": "basic",
        "effectcategory": "motion",
        "effecttype": "motion",
        "mediatype": "video",
        "pproBypass": "false",
        "parameter": [
            _parameter("scale", "Scale", 0, most, zoom),
            _parameter("rotation", "Rotation", -8640, 8640, [(0, turn)]),
            _parameter("center", "Center", None, None, centre),
            _parameter("centerOffset", "Anchor Point", None, None, [(0, _point(0, 0))]),
        ],
    }


def _parameter(
    id_: str, name: str, least: int | None, most: int | None, keys: Sequence[tuple[int, Any]]
) -> dict[str, Any]:
    """A value, and where it moves its keys, in frames of the file as `in` is; linear between."""
    head = {"@authoringApp": "PremierePro", "parameterid": id_, "name": name}
    moving = [{"when": frame, "value": value} for frame, value in keys] if len(keys) > 1 else None
    return {
        **head,
        "valuemin": least,
        "valuemax": most,
        "value": keys[0][1],
        "keyframe": moving,
    }


def _point(right: float, down: float) -> dict[str, str]:
    return {"horiz": decimal(right), "vert": decimal(down)}


def _file(programme: _Programme) -> dict[str, Any]:
    """The source, once in full; Resolve refuses the document if the timecode is not the file's."""
    facts = programme.facts
    picture = {"samplecharacteristics": _picture(facts, _stored_size(programme), facts.fields)}
    sound = [
        {"samplecharacteristics": _samples(facts), "channelcount": sound.channels}
        for sound in facts.audio_streams
    ]
    return {
        "name": facts.file_name,
        "pathurl": f"file://localhost{url_path(facts.path)}",
        "rate": _rate(facts),
        "duration": facts.duration,
        "timecode": _timecode(facts, facts.start),
        "media": {"video": picture, "audio": sound},
    }


def _picture(facts: TimelineFacts, size: tuple[int, int], fields: str) -> dict[str, Any]:
    """What a picture is like. A programme is progressive, whatever is cut in it."""
    shape = {"rate": _rate(facts), "width": size[0], "height": size[1]}
    return {**shape, **_PIXELS, "fielddominance": _DOMINANCE[fields]}


def _stored_size(programme: _Programme) -> tuple[int, int]:
    """The picture's size as the host counts it: Premiere before it is turned, Resolve after."""
    width, height = programme.facts.size
    lying = programme.facts.rotation in (90, 270) and programme.variant == "premiere"
    return (height, width) if lying else (width, height)


def _samples(facts: TimelineFacts) -> dict[str, int]:
    # 16 bits whatever the file has: Premiere writes that, and reads the depth from the file.
    return {"depth": 16, "samplerate": facts.first_audio.rate if facts.first_audio else 48000}


def _sound_lanes(facts: TimelineFacts) -> tuple[tuple[int, int, int], ...]:
    """One for each channel of the file, numbered through all its streams."""
    before = [
        sum(s.channels for s in facts.audio_streams[:n]) for n in range(len(facts.audio_streams))
    ]
    return tuple(
        (before[track.stream] + channel + 1, place, len(track.channels))
        for track in facts.audio_tracks
        for place, channel in enumerate(track.channels)
    )


def _output(channel: int) -> dict[str, Any]:
    return {"index": channel, "numchannels": 1, "downmix": 0, "channel": {"index": channel}}


def _rate(facts: TimelineFacts) -> dict[str, Any]:
    """The rate as xmeml spells it: a whole number, and whether 1000/1001 of it is meant."""
    base, ntsc = timebase(facts.rate, facts.path, "Premiere XML")
    return {"timebase": base, "ntsc": "TRUE" if ntsc else "FALSE"}


def _timecode(facts: TimelineFacts, frame: int) -> dict[str, Any]:
    base, _ = timebase(facts.rate, facts.path, "Premiere XML")
    drop = facts.drop_frame and may_drop(facts.rate)
    return {
        "rate": _rate(facts),
        "string": timecode(frame, base, drop=drop),
        "frame": frame,
        "displayformat": "DF" if drop else "NDF",
    }


def _element(tag: str, content: Any) -> ET.Element:
    """`content` as XML: "@key" is an attribute, a list repeats its tag, None is left out."""
    element = ET.Element(tag)
    if not isinstance(content, Mapping):
        element.text = str(content)
        return element
    for key, value in content.items():
        if key.startswith("@"):
            element.set(key[1:], str(value))
            continue
        for item in value if isinstance(value, list) else [value]:
            if item is not None:
                element.append(_element(key, item))
    return element
