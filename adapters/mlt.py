"""Timeline to an MLT document, for Shotcut, for Kdenlive, and for melt, which renders it.

Laid out as Shotcut saves a project: a producer for each clip, with Shotcut's filter "Size, Position
& Rotate" on it, so that its controls show. The filter takes the rectangle that the whole picture
covers, in pixels of the canvas. A clip has the sound of the file's first stream; each further one
has a track below, mixed in. MLT: "MLT XML" and the pages of avformat, affine and mix
(mltframework.org).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from math import gcd

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.reframe import Reframe, decimal
from otio_speakerzoom.spelling import xml_text
from otio_speakerzoom.timeline import ProgrammeFacts, ProgrammeShot, flat_shots_of, read_facts


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as an MLT document."""
    facts, shots = read_facts(input_otio), flat_shots_of(input_otio, "MLT")
    if max(facts.rate.as_integer_ratio()) >= 2**31:  # MLT counts both parts in C's int
        raise TimelineError(
            f"{facts.path}: MLT cannot count in frames of {facts.rate} per second; conform it "
            f"first: ffmpeg -i IN -vf fps={max(1, round(facts.rate))} -c:a copy OUT"
        )
    document = ET.Element("mlt", LC_NUMERIC="C", producer="tractor0", title=facts.name)
    _add_profile(document, facts)
    for shot in shots:
        _add_framing(_add_producer(document, facts, shot), facts, shot)
    _add_playlist(document, shots, "V1")
    for stream in range(1, len(facts.sounds)):
        for shot in shots:
            producer = _add_producer(document, facts, shot, stream)
            _add_properties(producer, {"audio_index": str(facts.sounds[stream].index)})
        _add_playlist(document, shots, f"A{stream}", stream)
    last = shots[-1].record.end - 1 if shots else 0
    whole = {"id": "tractor0", "in": "0", "out": str(last)}
    tractor = ET.SubElement(document, "tractor", whole)
    _add_properties(tractor, {"shotcut": "1", **_markers(shots)})
    ET.SubElement(tractor, "track", producer="playlist0")
    for stream in range(1, len(facts.sounds)):
        ET.SubElement(tractor, "track", producer=f"playlist{stream}", hide="video")
    for stream in range(1, len(facts.sounds)):
        mix = ET.SubElement(tractor, "transition", id=f"transition{stream}")
        lanes = {"a_track": "0", "b_track": str(stream)}
        how = {"mlt_service": "mix", "always_active": "1", "sum": "1"}
        _add_properties(mix, lanes | how)
    return xml_text(document, indent="  ")


def _add_profile(document: ET.Element, facts: ProgrammeFacts) -> None:
    """The canvas and the exact rate; square pixels, progressive, Rec. 709."""
    (width, height), (frames, seconds) = facts.canvas, facts.rate.as_integer_ratio()
    common = gcd(width, height)
    profile = {
        "description": "otio-speakerzoom",
        "width": width,
        "height": height,
        "progressive": 1,
        "sample_aspect_num": 1,
        "sample_aspect_den": 1,
        "display_aspect_num": width // common,
        "display_aspect_den": height // common,
        "frame_rate_num": frames,
        "frame_rate_den": seconds,
        "colorspace": 709,
    }
    ET.SubElement(document, "profile", {key: str(value) for key, value in profile.items()})


def _add_playlist(
    document: ET.Element, shots: tuple[ProgrammeShot, ...], name: str, stream: int = 0
) -> None:
    """One track: each shot's producer for a stream of sound, from end to end."""
    playlist = ET.SubElement(document, "playlist", id=f"playlist{stream}")
    kind = "audio" if stream else "video"
    _add_properties(playlist, {f"shotcut:{kind}": "1", "shotcut:name": name})
    for shot in shots:
        ET.SubElement(playlist, "entry", {"producer": _id(shot, stream), **_in_out(shot)})


def _add_producer(
    document: ET.Element, facts: ProgrammeFacts, shot: ProgrammeShot, stream: int = 0
) -> ET.Element:
    """The source for one clip, its name and why it is there."""
    whole = {"id": _id(shot, stream), "in": "0", "out": str(facts.duration - 1)}
    producer = ET.SubElement(document, "producer", whole)
    _add_properties(
        producer,
        {
            "length": str(facts.duration),
            "resource": facts.path,
            "mlt_service": "avformat",
            "shotcut:caption": shot.name,
            "shotcut:comment": shot.remark,
        },
    )
    return producer


def _add_framing(producer: ET.Element, facts: ProgrammeFacts, shot: ProgrammeShot) -> None:
    # With the clip's own ends, keys count from its first frame; without, from the source's.
    framing = ET.SubElement(producer, "filter", _in_out(shot))
    _add_properties(
        framing,
        {
            "mlt_service": "affine",
            "shotcut:filter": "affineSizePosition",
            "background": "colour:0",
            "transition.rect": _rects(facts, shot),
            "transition.fill": "1",
            "transition.distort": "0",
        },
    )


def _rects(facts: ProgrammeFacts, shot: ProgrammeShot) -> str:
    moves = shot.moves(facts)
    if len(moves) == 1:
        return _rect(moves[0][1], facts)
    return ";".join(f"{at - shot.source.start}={_rect(move, facts)}" for at, move in moves)


def _rect(move: Reframe, facts: ProgrammeFacts) -> str:
    """Left, top, width and height of the whole picture on the canvas, and its opacity.

    All four are linear in scale and move, so keys that are linear here are so in every editor.
    """
    width, height = (side * move.scale for side in facts.size)
    left = facts.canvas[0] / 2 + move.dx - width / 2
    top = facts.canvas[1] / 2 + move.dy - height / 2
    return " ".join([*map(decimal, (left, top, width, height)), "1"])


def _markers(shots: tuple[ProgrammeShot, ...]) -> dict[str, str]:
    """Shotcut's markers are numbered properties of the tractor; times may be whole frames."""
    named: dict[str, str] = {}
    for n, shot in enumerate(shots):
        colour = "#ff0000" if shot.doubtful else "#008000"
        at = str(shot.record.start)
        values = {"text": f"{shot.name}: {shot.remark}", "start": at, "end": at, "color": colour}
        named |= {f"shotcut:markers.{n}.{key}": value for key, value in values.items()}
    return named


def _id(shot: ProgrammeShot, stream: int) -> str:
    """Of the shot's picture with the first stream of sound, or of its sound of another `stream`."""
    return f"sound{stream}-{shot.number - 1}" if stream else f"producer{shot.number - 1}"


def _in_out(shot: ProgrammeShot) -> dict[str, str]:
    """First and last frame of the source; MLT counts the last one in."""
    return {"in": str(shot.source.start), "out": str(shot.source.end - 1)}


def _add_properties(element: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(element, "property", name=name).text = value
