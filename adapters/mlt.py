"""Writes an MLT document for Shotcut and for melt, which renders it.

The layout is that of Shotcut's projects: a black background as the lowest track, and a producer for
each clip with Shotcut's filter "Size, Position & Rotate", so that its controls work. The filter
takes the rectangle that the whole frame covers, in pixels of the canvas. A clip has the first audio
stream of the file; each further stream has a track of its own below, mixed in. MLT: "MLT XML" and
the pages of avformat, affine and mix (mltframework.org).
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from fractions import Fraction
from math import gcd

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.source import matroska_command, mixdown_command
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts, single_track_shots
from otio_speakerzoom.timeline.frame_rates import unsupported_rate_error
from otio_speakerzoom.timeline.transform import Transform, format_number
from otio_speakerzoom.timeline.xml_text import fits_xml, xml_text

log = logging.getLogger("otio_speakerzoom.mlt")

_PLAYED_CHANNELS = (1, 2, 4, 5, 6)
"""Channel counts at which MLT plays every channel; at 6, all but the low-frequency one of a 5.1."""
_QUICKTIME = (".mov", ".mp4", ".m4v", ".3gp")
_BACKGROUND = "background"
"""Shotcut recognises the lowest track by this name."""


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as an MLT document."""
    facts, shots = read_facts(input_otio), single_track_shots(input_otio, "MLT")
    if max(facts.rate.as_integer_ratio()) >= 2**31:  # MLT holds both parts in a C int
        fault = f"MLT cannot express {facts.rate} frames per second"
        raise unsupported_rate_error(facts.rate, facts.path, fault)
    if not fits_xml(facts.path):  # MLT uses plain paths; a URL could encode any character
        raise TimelineError(
            f"{facts.path!r}: has a control character in its path, which MLT cannot write; rename "
            "the file"
        )
    _warn_late_video(facts)
    _warn_lost_channels(facts)
    document = ET.Element("mlt", LC_NUMERIC="C", producer="tractor0", title=facts.name)
    _add_profile(document, facts)
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
    _add_tractor(document, facts, shots, length)
    return xml_text(document, indent="  ")


def _warn_late_video(facts: TimelineFacts) -> None:
    """Warn that older versions of MLT play such a file out of sync, which no document can prevent.

    They read the first frame's timestamp in the time base of the audio. In Matroska and MPEG-TS the
    two time bases are equal, in QuickTime and its relatives they are not. Fixed in 7.14 (MLT pull
    request 838); measured with 7.12.
    """
    late_s = -min((stream.delay for stream in facts.audio_streams), default=Fraction(0))
    if late_s * facts.rate >= 1 and facts.file_name.lower().endswith(_QUICKTIME):
        log.warning(
            "%s: its video starts %.2f s after its audio; MLT before 7.14, as in Shotcut 22.12, "
            "plays them out of sync. For such a version cut the output of this command instead: %s",
            facts.path, float(late_s), matroska_command(facts.path),
        )  # fmt: skip


def _warn_lost_channels(facts: TimelineFacts) -> None:
    """Warn of audio channels that MLT does not play, which no document can change.

    It treats channels as loudspeakers and drops the low-frequency one, which is the third or fourth
    of 3, 7 or 8; of more than eight it plays few or none. Measured with 7.12.
    """
    many = {
        n: s.channels
        for n, s in enumerate(facts.audio_streams)
        if s.channels not in _PLAYED_CHANNELS
    }
    if many:
        log.warning(
            "%s: has an audio stream with %s channels; Shotcut and melt do not play all of them. "
            "To hear all, cut the output of this command instead: %s",
            facts.path, " and ".join(map(str, many.values())), mixdown_command(facts.path, many),
        )  # fmt: skip


def _add_tractor(
    document: ET.Element, facts: TimelineFacts, shots: tuple[ShotClip, ...], length: int
) -> None:
    """Add the tracks above the background, each mixed into its silence, and the markers."""
    whole = {"id": "tractor0", "in": "0", "out": str(length - 1)}
    tractor = ET.SubElement(document, "tractor", whole)
    _add_properties(tractor, {"shotcut": "1"})
    _add_markers(tractor, shots)
    ET.SubElement(tractor, "track", producer=_BACKGROUND)
    streams = range(max(1, len(facts.audio_streams)))
    for stream in streams:
        audio_only = {"hide": "video"} if stream else {}
        ET.SubElement(tractor, "track", {"producer": f"playlist{stream}", **audio_only})
    for stream in streams:
        mix = ET.SubElement(tractor, "transition", id=f"transition{stream}")
        tracks = {"a_track": "0", "b_track": str(stream + 1)}
        _add_properties(mix, tracks | {"mlt_service": "mix", "always_active": "1", "sum": "1"})


def _add_background(document: ET.Element, length: int) -> None:
    """Add the black clip that Shotcut has below all tracks, as long as the timeline.

    Shotcut stretches the first clip of the lowest track to the length of the timeline; without the
    background that would be the first shot (Shotcut 22.12).
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
    """Add the canvas and the exact rate; square pixels, progressive, Rec. 709."""
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
    """Add a track: the producers of all shots for one audio stream, from end to end."""
    playlist = ET.SubElement(document, "playlist", id=f"playlist{stream}")
    kind = "audio" if stream else "video"
    _add_properties(playlist, {f"shotcut:{kind}": "1", "shotcut:name": name})
    for shot in shots:
        ET.SubElement(playlist, "entry", {"producer": _id(shot, stream), **_in_out(shot)})


def _add_producer(
    document: ET.Element, facts: TimelineFacts, shot: ShotClip, stream: int = 0
) -> ET.Element:
    """Add the source of one clip with one audio `stream`, its name and its reason."""
    whole = {"id": _id(shot, stream), "in": "0", "out": str(facts.duration - 1)}
    producer = ET.SubElement(document, "producer", whole)
    _add_properties(
        producer,
        {
            "length": str(facts.duration),
            "resource": facts.path,
            "video_index": str(facts.video_stream),
            "audio_index": str(facts.audio_streams[stream].index if facts.audio_streams else -1),
            "mlt_service": "avformat",
            "shotcut:caption": shot.name,
            "shotcut:comment": shot.comment,
        },
    )
    return producer


def _add_framing(producer: ET.Element, facts: TimelineFacts, shot: ShotClip) -> None:
    # With the clip's in and out, keyframes count from its first frame; without, from the source's.
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
    transforms = shot.transforms(facts)
    if len(transforms) == 1:
        return _rect(transforms[0][1], facts)
    start = shot.source.start
    return ";".join(f"{frame - start}={_rect(t, facts)}" for frame, t in transforms)


def _rect(transform: Transform, facts: TimelineFacts) -> str:
    """Return left, top, width and height of the whole frame on the canvas, and its opacity.

    The first four are linear in scale and position, so they move as in every other editor.
    """
    width, height = (side * transform.scale for side in facts.size)
    left = facts.canvas[0] / 2 + transform.dx - width / 2
    top = facts.canvas[1] / 2 + transform.dy - height / 2
    return " ".join([*map(format_number, (left, top, width, height)), "1"])


def _add_markers(tractor: ET.Element, shots: tuple[ShotClip, ...]) -> None:
    """Add a numbered marker at the first frame of each shot; times are in frames."""
    markers = ET.SubElement(tractor, "properties", name="shotcut:markers")
    for n, shot in enumerate(shots):
        at = str(shot.record.start)
        colour = "#ff0000" if shot.doubtful else "#008000"
        text = f"{shot.name}: {shot.comment}"
        marker = ET.SubElement(markers, "properties", name=str(n))
        _add_properties(marker, {"text": text, "start": at, "end": at, "color": colour})


def _id(shot: ShotClip, stream: int) -> str:
    """Return the id of a shot's video with the first audio stream, or of its other `stream`."""
    return f"sound{stream}-{shot.number - 1}" if stream else f"producer{shot.number - 1}"


def _in_out(shot: ShotClip) -> dict[str, str]:
    """Return the first and last source frame; MLT includes the last one."""
    return {"in": str(shot.source.start), "out": str(shot.source.end - 1)}


def _add_properties(element: ET.Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        ET.SubElement(element, "property", name=name).text = value
