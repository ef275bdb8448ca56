"""Writes an MLT document for Shotcut and for melt, which renders it.

The layout is that of Shotcut's projects: a black background as the lowest track, and a producer for
each clip with Shotcut's filter "Size, Position & Rotate", so that its controls work. A clip has the
first audio stream of the file; each further stream has a track of its own below, mixed in. The
second halves of two-ups have a track of their own on top, with the filter "Crop: Rectangle". MLT:
as in `timeline.mlt_document`.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

import opentimelineio as otio

from otio_speakerzoom.timeline import mlt_document
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts
from otio_speakerzoom.timeline.mlt_document import add_properties, in_out
from otio_speakerzoom.timeline.single_track import second_halves, single_track_shots
from otio_speakerzoom.timeline.xml_text import xml_text

_BACKGROUND = "background"
"""Shotcut recognises the lowest track by this name."""
_UPPER = "playlist_two_up"


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as an MLT document."""
    facts, shots = read_facts(input_otio), single_track_shots(input_otio, "MLT")
    mlt_document.require_expressible(facts)
    document = ET.Element("mlt", LC_NUMERIC="C", producer="tractor0", title=facts.name)
    mlt_document.add_profile(document, facts)
    length = shots[-1].record.end if shots else 1
    _add_background(document, length)
    for shot in shots:
        producer = _add_producer(document, facts, shot)
        _add_framing(producer, facts, shot)
    _add_playlist(document, shots, "V1")
    for stream in range(1, len(facts.audio_streams)):
        for shot in shots:
            _add_producer(document, facts, shot, stream)
        _add_playlist(document, shots, f"A{stream}", stream)
    halves = second_halves(input_otio)
    for number, half in enumerate(halves):
        _add_second_half(document, facts, half, number)
    if halves:
        _add_upper_playlist(document, halves)
    _add_tractor(document, facts, shots, length, has_two_ups=bool(halves))
    return xml_text(document, indent="  ")


def _add_tractor(
    document: ET.Element,
    facts: TimelineFacts,
    shots: tuple[ShotClip, ...],
    length: int,
    *,
    has_two_ups: bool,
) -> None:
    """Add the tracks above the background, each mixed into its silence, and the markers."""
    whole = {"id": "tractor0", "in": "0", "out": str(length - 1)}
    tractor = ET.SubElement(document, "tractor", whole)
    add_properties(tractor, {"shotcut": "1"})
    _add_markers(tractor, shots)
    ET.SubElement(tractor, "track", producer=_BACKGROUND)
    streams = range(max(1, len(facts.audio_streams)))
    for stream in streams:
        audio_only = {"hide": "video"} if stream else {}
        ET.SubElement(tractor, "track", {"producer": f"playlist{stream}", **audio_only})
    if has_two_ups:
        ET.SubElement(tractor, "track", {"producer": _UPPER, "hide": "audio"})
    for stream in streams:
        mlt_document.add_mix(tractor, f"transition{stream}", stream + 1, {})
    if has_two_ups:
        mlt_document.add_overlay(tractor, f"transition{len(streams)}", 1, len(streams) + 1)


def _add_background(document: ET.Element, length: int) -> None:
    """Add the black clip that Shotcut has below all tracks, as long as the timeline.

    Shotcut stretches the first clip of the lowest track to the length of the timeline; without the
    background that would be the first shot (Shotcut 22.12).
    """
    mlt_document.add_black(document, "black", length, {})
    playlist = ET.SubElement(document, "playlist", id=_BACKGROUND)
    ET.SubElement(playlist, "entry", {"producer": "black", "in": "0", "out": str(length - 1)})


def _add_playlist(
    document: ET.Element, shots: tuple[ShotClip, ...], name: str, stream: int = 0
) -> None:
    """Add a track: the producers of all shots for one audio stream, from end to end."""
    playlist = ET.SubElement(document, "playlist", id=f"playlist{stream}")
    kind = "audio" if stream else "video"
    add_properties(playlist, {f"shotcut:{kind}": "1", "shotcut:name": name})
    for shot in shots:
        ET.SubElement(playlist, "entry", {"producer": _id(shot, stream), **in_out(shot.source)})


def _add_second_half(
    document: ET.Element, facts: TimelineFacts, half: ShotClip, number: int
) -> None:
    """Add the source of the right or lower half of a two-up, without audio."""
    whole = {"id": _half_id(number), "in": "0", "out": str(facts.duration - 1)}
    producer = ET.SubElement(document, "producer", whole)
    silent = {"audio_index": "-1", "shotcut:caption": half.name, "shotcut:comment": half.comment}
    add_properties(producer, mlt_document.media_properties(facts, 0, "avformat") | silent)
    _add_framing(producer, facts, half)
    cut_off = ET.SubElement(producer, "filter", in_out(half.source))
    properties = mlt_document.half_properties(half, facts)
    add_properties(cut_off, {**properties, "shotcut:filter": "cropRectangle"})


def _add_upper_playlist(document: ET.Element, halves: tuple[ShotClip, ...]) -> None:
    """Add the track of the second halves of two-ups, with nothing between them."""
    playlist = ET.SubElement(document, "playlist", id=_UPPER)
    add_properties(playlist, {"shotcut:video": "1", "shotcut:name": "V2"})
    at = 0
    for number, half in enumerate(halves):
        if at < half.record.start:
            ET.SubElement(playlist, "blank", length=str(half.record.start - at))
        ET.SubElement(playlist, "entry", {"producer": _half_id(number), **in_out(half.source)})
        at = half.record.end


def _half_id(number: int) -> str:
    return f"half{number}"


def _add_producer(
    document: ET.Element, facts: TimelineFacts, shot: ShotClip, stream: int = 0
) -> ET.Element:
    """Add the source of one clip with one audio `stream`, its name and its reason."""
    whole = {"id": _id(shot, stream), "in": "0", "out": str(facts.duration - 1)}
    producer = ET.SubElement(document, "producer", whole)
    add_properties(producer, mlt_document.media_properties(facts, stream, "avformat"))
    add_properties(producer, {"shotcut:caption": shot.name, "shotcut:comment": shot.comment})
    return producer


def _add_framing(producer: ET.Element, facts: TimelineFacts, shot: ShotClip) -> None:
    # With the clip's in and out, keyframes count from its first frame; without, from the source's.
    framing = ET.SubElement(producer, "filter", in_out(shot.source))
    add_properties(
        framing,
        {
            "mlt_service": "affine",
            "shotcut:filter": "affineSizePosition",
            "background": "colour:0",
            "transition.rect": _keyed_rectangles(facts, shot),
            "transition.fill": "1",
            "transition.distort": "0",
        },
    )


def _keyed_rectangles(facts: TimelineFacts, shot: ShotClip) -> str:
    rectangles = mlt_document.rectangles(facts, shot)
    if len(rectangles) == 1:
        return rectangles[0][1]
    return ";".join(f"{frame - shot.source.start}={rect}" for frame, rect in rectangles)


def _add_markers(tractor: ET.Element, shots: tuple[ShotClip, ...]) -> None:
    """Add a numbered marker at the first frame of each shot; times are in frames."""
    markers = ET.SubElement(tractor, "properties", name="shotcut:markers")
    for n, shot in enumerate(shots):
        at = str(shot.record.start)
        colour = mlt_document.RED if shot.doubtful else mlt_document.GREEN
        text = f"{shot.name}: {shot.comment}"
        marker = ET.SubElement(markers, "properties", name=str(n))
        add_properties(marker, {"text": text, "start": at, "end": at, "color": colour})


def _id(shot: ShotClip, stream: int) -> str:
    """Return the id of a shot's video with the first audio stream, or of its other `stream`."""
    return f"sound{stream}-{shot.number - 1}" if stream else f"producer{shot.number - 1}"
