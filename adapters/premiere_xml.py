"""Timeline to Final Cut Pro 7 XML (xmeml version 4), for Premiere Pro.

Structure as Premiere itself exports it. Units of Basic Motion as measured in Premiere: scale in
percent of the file's own pixels, centre in widths and heights of the file's own picture.
Apple: "Final Cut Pro XML Interchange Format" (archived).
"""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.reframe import decimal, reframe
from otio_speakerzoom.timeline import ProgrammeFacts, ProgrammeShot, read_facts, shots_of, url_path

_Shots = tuple[ProgrammeShot, ...]
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2
_MOST_SCALE = 1000  # percent: valuemax of the scale in Premiere's exports
_PIXELS = {"anamorphic": "FALSE", "pixelaspectratio": "square", "fielddominance": "none"}


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as an xmeml document."""
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    document = _element("xmeml", {"@version": "4", "sequence": _sequence(facts, shots)})
    ET.indent(document, "\t")
    return _HEAD + _NOT_XML.sub("\ufffd", ET.tostring(document, encoding="unicode")) + "\n"


def _sequence(facts: ProgrammeFacts, shots: _Shots) -> dict[str, Any]:
    lanes = _sound_lanes(facts)
    clips = [_video_clip(facts, shots, at) for at in range(len(shots))]
    video = {
        "format": {"samplecharacteristics": _picture(facts, facts.canvas)},
        "track": {"clipitem": clips, "enabled": "TRUE", "locked": "FALSE"},
    }
    audio = lanes and {
        "numOutputChannels": 2,
        "format": {"samplecharacteristics": _samples(facts)},
        "outputs": {"group": [_output(1), _output(2)]},
        "track": [_audio_track(facts, shots, lane) for lane in range(1, lanes + 1)],
    }
    return {
        "@id": "sequence-1",
        "@explodedTracks": "true",
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{facts} {shots}")),
        "duration": shots[-1].record.end if shots else 0,
        "rate": _rate(facts),
        "name": facts.name,
        "media": {"video": video, "audio": audio or None},
        "timecode": _timecode(facts, 0),
    }


def _video_clip(facts: ProgrammeFacts, shots: _Shots, at: int) -> dict[str, Any]:
    # The file in full once, later by its id.
    file = {"@id": "file-1"} if at else {"@id": "file-1", **_file(facts)}
    return {
        **_clip(facts, shots, at, lane=0),
        "alphatype": "none",
        "pixelaspectratio": "square",
        "anamorphic": "FALSE",
        "file": file,
        "filter": {"effect": _basic_motion(facts, shots[at])},
        "link": _links(facts, len(shots), at),
    }


def _audio_track(facts: ProgrammeFacts, shots: _Shots, lane: int) -> dict[str, Any]:
    """One channel. Premiere writes a stereo track as two, each knowing its place in the pair."""
    lanes = _sound_lanes(facts)
    kind = "Stereo" if lanes == 2 else "Mono"
    clips = [
        {
            "@premiereChannelType": kind.lower(),
            **_clip(facts, shots, at, lane),
            "file": {"@id": "file-1"},
            "sourcetrack": {"mediatype": "audio", "trackindex": lane},
            "link": _links(facts, len(shots), at),
        }
        for at in range(len(shots))
    ]
    return {
        "@currentExplodedTrackIndex": lane - 1,
        "@totalExplodedTrackCount": lanes,
        "@premiereTrackType": kind,
        "clipitem": clips,
        "enabled": "TRUE",
        "locked": "FALSE",
        "outputchannelindex": lane,
    }


def _clip(facts: ProgrammeFacts, shots: _Shots, at: int, lane: int) -> dict[str, Any]:
    """What picture and sound share; `in` and `out` count from the file's first frame."""
    shot = shots[at]
    return {
        "@id": _clip_id(len(shots), at, lane),
        "masterclipid": "masterclip-1",
        "name": shot.name,
        "enabled": "TRUE",
        "duration": facts.duration,
        "rate": _rate(facts),
        "start": shot.record.start,
        "end": shot.record.end,
        "in": shot.source.start,
        "out": shot.source.end,
    }


def _clip_id(count: int, at: int, lane: int) -> str:
    return f"clipitem-{lane * count + at + 1}"


def _links(facts: ProgrammeFacts, count: int, at: int) -> list[dict[str, Any]]:
    """Every member of the group, itself included, as each member must list them."""
    lanes = _sound_lanes(facts)
    return [
        {
            "linkclipref": _clip_id(count, at, lane),
            "mediatype": "audio" if lane else "video",
            "trackindex": lane or 1,
            "clipindex": at + 1,
            "groupindex": 1 if lane else None,
        }
        for lane in range(lanes + 1 if lanes else 0)
    ]


def _basic_motion(facts: ProgrammeFacts, shot: ProgrammeShot) -> dict[str, Any]:
    """The crop as Premiere's Motion, on every clip.

    A clip without one may be fitted by the user's "default media scaling". Premiere does not turn
    a phone's picture when it reads xmeml (seen by one implementer), so the turn stands here too.
    """
    move = reframe(shot.crop, facts.size, facts.canvas)
    if move.scale * 100 > _MOST_SCALE:
        raise TimelineError(
            f"{facts.path}: the shot at frame {shot.source.start} needs {move.scale * 100:.0f} %, "
            f"Premiere XML takes up to {_MOST_SCALE} %; widen its crop or choose a smaller canvas"
        )
    width, height = _stored_size(facts)
    return {
        "name": "Basic Motion",
        "effectid": "basic",
        "effectcategory": "motion",
        "effecttype": "motion",
        "mediatype": "video",
        "pproBypass": "false",
        "parameter": [
            _parameter("scale", "Scale", 0, _MOST_SCALE, decimal(move.scale * 100)),
            _parameter("rotation", "Rotation", -8640, 8640, facts.rotation),
            _parameter("center", "Center", None, None, _point(move.dx / width, move.dy / height)),
            _parameter("centerOffset", "Anchor Point", None, None, _point(0, 0)),
        ],
    }


def _parameter(
    id_: str, name: str, least: int | None, most: int | None, value: Any
) -> dict[str, Any]:
    head = {"@authoringApp": "PremierePro", "parameterid": id_, "name": name}
    return {**head, "valuemin": least, "valuemax": most, "value": value}


def _point(right: float, down: float) -> dict[str, str]:
    return {"horiz": decimal(right), "vert": decimal(down)}


def _file(facts: ProgrammeFacts) -> dict[str, Any]:
    """The source, once in full; Resolve refuses the document if the timecode is not the file's."""
    picture = {"samplecharacteristics": _picture(facts, _stored_size(facts))}
    sound = facts.sound and {
        "samplecharacteristics": _samples(facts),
        "channelcount": facts.sound.channels,
    }
    return {
        "name": facts.file_name,
        "pathurl": f"file://localhost{url_path(facts.path)}",
        "rate": _rate(facts),
        "duration": facts.duration,
        "timecode": _timecode(facts, facts.start),
        "media": {"video": picture, "audio": sound},
    }


def _picture(facts: ProgrammeFacts, size: tuple[int, int]) -> dict[str, Any]:
    return {"rate": _rate(facts), "width": size[0], "height": size[1], **_PIXELS}


def _stored_size(facts: ProgrammeFacts) -> tuple[int, int]:
    width, height = facts.size
    return (height, width) if facts.rotation in (90, 270) else (width, height)


def _samples(facts: ProgrammeFacts) -> dict[str, int]:
    # 16 bits whatever the file has: Premiere writes that, and reads the depth from the file.
    return {"depth": 16, "samplerate": facts.sound.rate if facts.sound else 48000}


def _sound_lanes(facts: ProgrammeFacts) -> int:
    """Audio tracks written: the first two channels at most."""
    return min(facts.sound.channels, 2) if facts.sound else 0


def _output(channel: int) -> dict[str, Any]:
    return {"index": channel, "numchannels": 1, "downmix": 0, "channel": {"index": channel}}


def _rate(facts: ProgrammeFacts) -> dict[str, Any]:
    """The rate as xmeml spells it: a whole number, and whether 1000/1001 of it is meant."""
    for ntsc, whole in (("FALSE", facts.rate), ("TRUE", facts.rate * Fraction(1001, 1000))):
        if whole.denominator == 1:
            return {"timebase": whole.numerator, "ntsc": ntsc}
    raise TimelineError(
        f"{facts.path}: Premiere XML has no way to say {facts.rate} frames per second; convert the "
        "source to a rate such as 25 or 30000/1001, or export FCPXML or OTIO for Resolve"
    )


def _timecode(facts: ProgrammeFacts, frame: int) -> dict[str, Any]:
    rate = _rate(facts)
    drop = facts.drop_frame and rate["ntsc"] == "TRUE" and rate["timebase"] % 30 == 0
    return {
        "rate": rate,
        "string": _label(frame, rate["timebase"], drop),
        "frame": frame,
        "displayformat": "DF" if drop else "NDF",
    }


def _label(frame: int, timebase: int, drop: bool) -> str:
    """Frame count as HH:MM:SS:FF.

    Dropped counting (SMPTE ST 12-1) leaves out the first 2 labels in 30, or 4 in 60, of every
    minute that is not a tenth one.
    """
    if drop:
        dropped = timebase // 15
        minute = 60 * timebase - dropped
        tens, rest = divmod(frame, 10 * minute + dropped)
        frame += dropped * (9 * tens + max(0, (rest - dropped) // minute))
    seconds, frames = divmod(frame, timebase)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{frames:02}"


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
