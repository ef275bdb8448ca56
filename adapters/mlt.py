"""Timeline to an MLT document, for Shotcut and for melt, which renders it.

Laid out as Shotcut saves a project: a black background as the lowest track, a producer for each
clip, with Shotcut's filter "Size, Position & Rotate" on it, so that its controls show. The filter
takes the rectangle that the whole picture covers, in pixels of the canvas. A clip has the sound of
the file's first stream; each further one has a track below, mixed in. MLT: "MLT XML" and the pages
of avformat, affine and mix (mltframework.org).
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from fractions import Fraction
from math import gcd

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import conform_command, matroska_command, mixdown_command
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts, single_track_shots
from otio_speakerzoom.timeline.formatting import EVERYWHERE, in_xml, taken_rate, xml_text
from otio_speakerzoom.timeline.transform import Transform, decimal

log = logging.getLogger("otio_speakerzoom.mlt")

_PLAYED = (1, 2, 4, 5, 6)
"""Channels of a stream that MLT plays all of; of 6, the low one apart, which a 5.1 is meant for."""
_QUICKTIME = (".mov", ".mp4", ".m4v", ".3gp")
_BACKGROUND = "background"
"""Shotcut knows the lowest track by this name."""


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as an MLT document."""
    facts, shots = read_facts(input_otio), single_track_shots(input_otio, "MLT")
    if max(facts.rate.as_integer_ratio()) >= 2**31:  # MLT counts both parts in C's int
        raise TimelineError(
            f"{facts.path}: MLT cannot count in frames of {facts.rate} per second; conform it "
            f"first: {conform_command(facts.path, f'fps={taken_rate(facts.rate, EVERYWHERE)}')}"
        )
    if not in_xml(facts.path):  # MLT has no URL, in which anything can be spelled
        raise TimelineError(
            f"{facts.path!r}: MLT cannot name this file, whose path has a control character in it; "
            "rename it"
        )
    _warn_of_a_late_picture(facts)
    _warn_of_lost_channels(facts)
    document = ET.Element("mlt", LC_NUMERIC="C", producer="tractor0", title=facts.name)
    _add_profile(document, facts)
    length = shots[-1].record.end if shots else 1
    _add_background(document, length)
    for shot in shots:
        picture = _add_producer(document, facts, shot)
        _add_framing(picture, facts, shot)
    _add_playlist(document, shots, "V1")
    for stream in range(1, len(facts.audio_streams)):
        for shot in shots:
            _add_producer(document, facts, shot, stream)
        _add_playlist(document, shots, f"A{stream}", stream)
    _add_tractor(document, facts, shots, length)
    return xml_text(document, indent="  ")


def _warn_of_a_late_picture(facts: TimelineFacts) -> None:
    """Say what an older MLT makes of it, which no document can mend.

    It takes the first picture's time in units of the picture for one in units of the sound. In
    Matroska and MPEG-TS both are the same, in QuickTime's family they are not. Mended in 7.14 (MLT
    pull request 838); measured with 7.12.
    """
    late = -min((sound.delay for sound in facts.audio_streams), default=Fraction(0))
    if late * facts.rate >= 1 and facts.file_name.lower().endswith(_QUICKTIME):
        log.warning(
            "%s: its picture starts %.2f s after its sound; MLT before 7.14, as in Shotcut 22.12, "
            "plays the two out of sync. For such a version cut the file that this makes: %s",
            facts.path, float(late), matroska_command(facts.path),
        )  # fmt: skip


def _warn_of_lost_channels(facts: TimelineFacts) -> None:
    """Say what MLT does not play, which no document can change.

    It takes channels for loudspeakers and leaves out the low one, which is the third or fourth of
    3, 7 and 8; of more than eight it plays few or none. Measured with 7.12.
    """
    many = {n: s.channels for n, s in enumerate(facts.audio_streams) if s.channels not in _PLAYED}
    if many:
        log.warning(
            "%s: has %s channels in a stream of sound, of which Shotcut and melt do not play all. "
            "To hear all of them, cut the file that this makes: %s",
            facts.path, " and ".join(map(str, many.values())), mixdown_command(facts.path, many),
        )  # fmt: skip


def _add_tractor(
    document: ET.Element, facts: TimelineFacts, shots: tuple[ShotClip, ...], length: int
) -> None:
    """The tracks over the background, each mixed into its silence, and the markers."""
    whole = {"id": "tractor0", "in": "0", "out": str(length - 1)}
    tractor = ET.SubElement(document, "tractor", whole)
    _add_properties(tractor, {"shotcut": "1"})
    _add_markers(tractor, shots)
    ET.SubElement(tractor, "track", producer=_BACKGROUND)
    streams = range(max(1, len(facts.audio_streams)))
    for stream in streams:
        sound_only = {"hide": "video"} if stream else {}
        ET.SubElement(tractor, "track", {"producer": f"playlist{stream}", **sound_only})
    for stream in streams:
        mix = ET.SubElement(tractor, "transition", id=f"transition{stream}")
        tracks = {"a_track": "0", "b_track": str(stream + 1)}
        _add_properties(mix, tracks | {"mlt_service": "mix", "always_active": "1", "sum": "1"})


def _add_background(document: ET.Element, length: int) -> None:
    """The black of the programme's length that Shotcut has below all tracks.

    It makes the first clip of its lowest track as long as the programme; without this one of its
    own, that is the first shot (Shotcut 22.12).
    """
    whole = {"in": "0", "out": str(length - 1)}
    black = ET.SubElement(document, "producer", {"id": "black", **whole})
    _add_properties(
        black,
        {
            "length": str(length),
            "eof": "pause",
            "resource": "0",
            "aspect_ratio": "1",
            "mlt_service": "color",
            "mlt_image_format": "rgba",
            "set.test_audio": "0",
        },
    )
    playlist = ET.SubElement(document, "playlist", id=_BACKGROUND)
    ET.SubElement(playlist, "entry", {"producer": "black", **whole})


def _add_profile(document: ET.Element, facts: TimelineFacts) -> None:
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
    document: ET.Element, shots: tuple[ShotClip, ...], name: str, stream: int = 0
) -> None:
    """One track: each shot's producer for a stream of sound, from end to end."""
    playlist = ET.SubElement(document, "playlist", id=f"playlist{stream}")
    kind = "audio" if stream else "video"
    _add_properties(playlist, {f"shotcut:{kind}": "1", "shotcut:name": name})
    for shot in shots:
        ET.SubElement(playlist, "entry", {"producer": _id(shot, stream), **_in_out(shot)})


def _add_producer(
    document: ET.Element, facts: TimelineFacts, shot: ShotClip, stream: int = 0
) -> ET.Element:
    """The source for one clip with the sound of one `stream`, its name and why it is there."""
    whole = {"id": _id(shot, stream), "in": "0", "out": str(facts.duration - 1)}
    producer = ET.SubElement(document, "producer", whole)
    _add_properties(
        producer,
        {
            "length": str(facts.duration),
            "resource": facts.path,
            "video_index": str(facts.picture),
            "audio_index": str(facts.audio_streams[stream].index if facts.audio_streams else -1),
            "mlt_service": "avformat",
            "shotcut:caption": shot.name,
            "shotcut:comment": shot.remark,
        },
    )
    return producer


def _add_framing(producer: ET.Element, facts: TimelineFacts, shot: ShotClip) -> None:
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


def _rects(facts: TimelineFacts, shot: ShotClip) -> str:
    moves = shot.moves(facts)
    if len(moves) == 1:
        return _rect(moves[0][1], facts)
    return ";".join(f"{at - shot.source.start}={_rect(move, facts)}" for at, move in moves)


def _rect(move: Transform, facts: TimelineFacts) -> str:
    """Left, top, width and height of the whole picture on the canvas, and its opacity.

    All four are linear in scale and move, so keys that are linear here are so in every editor.
    """
    width, height = (side * move.scale for side in facts.size)
    left = facts.canvas[0] / 2 + move.dx - width / 2
    top = facts.canvas[1] / 2 + move.dy - height / 2
    return " ".join([*map(decimal, (left, top, width, height)), "1"])


def _add_markers(tractor: ET.Element, shots: tuple[ShotClip, ...]) -> None:
    """One a shot, numbered, on its first frame; times may be whole frames."""
    markers = ET.SubElement(tractor, "properties", name="shotcut:markers")
    for n, shot in enumerate(shots):
        at = str(shot.record.start)
        colour = "#ff0000" if shot.doubtful else "#008000"
        text = f"{shot.name}: {shot.remark}"
        marker = ET.SubElement(markers, "properties", name=str(n))
        _add_properties(marker, {"text": text, "start": at, "end": at, "color": colour})


def _id(shot: ShotClip, stream: int) -> str:
    """Of the shot's picture with the first stream of sound, or of its sound of another `stream`."""
    return f"sound{stream}-{shot.number - 1}" if stream else f"producer{shot.number - 1}"


def _in_out(shot: ShotClip) -> dict[str, str]:
    """First and last frame of the source; MLT counts the last one in."""
    return {"in": str(shot.source.start), "out": str(shot.source.end - 1)}


def _add_properties(element: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(element, "property", name=name).text = value
