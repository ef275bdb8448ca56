"""What documents of MLT share, whichever of its editors they are for.

MLT counts the last frame of a range in. It places a frame by the rectangle that the whole of it
covers, in pixels of the canvas. MLT: "MLT XML" and the pages of avformat, affine, qtblend and mix
(mltframework.org).
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from fractions import Fraction
from math import gcd

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.source import matroska_command, mixdown_command
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts
from otio_speakerzoom.timeline.frame_rates import unsupported_rate_error
from otio_speakerzoom.timeline.transform import Transform, format_number
from otio_speakerzoom.timeline.xml_text import fits_xml

log = logging.getLogger("otio_speakerzoom.mlt")

GREEN, RED = "#008000", "#ff0000"
"""Colours of markers: red for a shot that an editor should check."""
_PLAYED_CHANNELS = (1, 2, 4, 5, 6)
"""Channel counts at which MLT plays every channel; at 6, all but the low-frequency one of a 5.1."""
_QUICKTIME = (".mov", ".mp4", ".m4v", ".3gp")


def require_expressible(facts: TimelineFacts) -> None:
    """Raise TimelineError for a source that MLT cannot express; warn of what it does not play."""
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


def _warn_late_video(facts: TimelineFacts) -> None:
    """Warn that older versions of MLT play such a file out of sync, which no document can prevent.

    They read the first frame's timestamp in the time base of the audio. In Matroska and MPEG-TS the
    two time bases are equal, in QuickTime and its relatives they are not. Fixed in 7.14 (MLT pull
    request 838); measured with 7.12.
    """
    late_s = -min((stream.delay for stream in facts.audio_streams), default=Fraction(0))
    if late_s * facts.rate >= 1 and facts.file_name.lower().endswith(_QUICKTIME):
        log.warning(
            "%s: its video starts %.2f s after its audio; MLT before 7.14, as in Shotcut 22.12 and "
            "Kdenlive 22.12, plays them out of sync. For such a version cut the output of this "
            "command instead: %s",
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
            "%s: has an audio stream with %s channels; Shotcut, Kdenlive and melt do not play all "
            "of them. To hear all, cut the output of this command instead: %s",
            facts.path, " and ".join(map(str, many.values())), mixdown_command(facts.path, many),
        )  # fmt: skip


def add_profile(document: ET.Element, facts: TimelineFacts) -> None:
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


def add_black(document: ET.Element, id_: str, length: int, more: Mapping[str, str]) -> None:
    """Add a black clip of `length` frames without audio, as editors have below all tracks.

    `more` are properties in which the editors differ.
    """
    black = ET.SubElement(document, "producer", {"id": id_, "in": "0", "out": str(length - 1)})
    black_properties = {
        "length": str(length),
        "eof": "pause",
        "resource": "0",
        "aspect_ratio": "1",
        "mlt_service": "color",
        "mlt_image_format": "rgba",
        "set.test_audio": "0",
    }
    add_properties(black, {**black_properties, **more})


def add_mix(tractor: ET.Element, id_: str, track: int, more: Mapping[str, str]) -> None:
    """Mix the audio of a track into the silence of the lowest one; `more` as in `add_black`."""
    mix = ET.SubElement(tractor, "transition", id=id_)
    tracks = {"a_track": "0", "b_track": str(track)}
    add_properties(mix, {**tracks, "mlt_service": "mix", "always_active": "1", "sum": "1", **more})


def add_overlay(tractor: ET.Element, id_: str, below: int, above: int, internal: str = "") -> None:
    """Lay a video track over one below it; `internal` marks it as Kdenlive's own."""
    overlay = ET.SubElement(tractor, "transition", id=id_)
    add_properties(
        overlay,
        {
            "a_track": str(below),
            "b_track": str(above),
            "mlt_service": "qtblend",
            "kdenlive_id": "qtblend",
            **({"internal_added": internal} if internal else {}),
            "always_active": "1",
            "compositing": "0",
            "distort": "0",
            "rotate_center": "0",
        },
    )


def half_properties(shot: ShotClip, facts: TimelineFacts) -> dict[str, str]:
    """Return the properties of the filter that cuts off a clip outside its half of a two-up.

    It runs after the clip was placed on the canvas, so the seam is exact to the pixel.
    """
    assert shot.half is not None
    rectangle = " ".join(map(str, (*shot.half.rectangle(facts.canvas), 1)))
    return {
        "mlt_service": "qtcrop",
        "rect": rectangle,
        "circle": "0",
        "radius": "0",
        "color": "#00000000",
    }


def media_properties(facts: TimelineFacts, stream: int, service: str) -> dict[str, str]:
    """Return the properties of a producer that plays the source with one of its audio streams."""
    audio = facts.audio_streams[stream].index if facts.audio_streams else -1
    return {
        "length": str(facts.duration),
        "resource": facts.path,
        "video_index": str(facts.video_stream),
        "audio_index": str(audio),
        "mlt_service": service,
    }


def add_properties(element: ET.Element, values: Mapping[str, str]) -> None:
    """Add properties to an element, in order."""
    for name, value in values.items():
        ET.SubElement(element, "property", name=name).text = value


def in_out(frames: FrameRange) -> dict[str, str]:
    """Return the attributes for a range: its first and its last frame."""
    return {"in": str(frames.start), "out": str(frames.end - 1)}


def rectangles(facts: TimelineFacts, shot: ShotClip) -> list[tuple[int, str]]:
    """Return source frames and the rectangle at each; a single one if the crop stands still."""
    return [(frame, _rectangle(t, facts)) for frame, t in shot.transforms(facts)]


def _rectangle(transform: Transform, facts: TimelineFacts) -> str:
    """Return left, top, width and height of the whole frame on the canvas, and its opacity.

    The first four are linear in scale and position, so they move as in every other editor.
    """
    width, height = (side * transform.scale for side in facts.size)
    left = facts.canvas[0] / 2 + transform.dx - width / 2
    top = facts.canvas[1] / 2 + transform.dy - height / 2
    return " ".join([*map(format_number, (left, top, width, height)), "1"])
