"""Writes FCPXML 1.10 for Final Cut Pro or DaVinci Resolve.

The two read a clip's position differently (see `_position`), so each has its variant; the files are
equal if the fitted source fills the canvas on both axes. Version 1.10 is the latest that Resolve 18
reads. Apple: FCPXML reference and DTD 1.10.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from bisect import bisect_right
from fractions import Fraction
from typing import Literal

import opentimelineio as otio

from otio_speakerzoom.timeline.facts import (
    ShotClip,
    TimelineFacts,
    VideoTrack,
    read_facts,
    tracks_of,
)
from otio_speakerzoom.timeline.frame_rates import unsupported_rate_error, warn_unsupported_rate
from otio_speakerzoom.timeline.media_paths import url_path
from otio_speakerzoom.timeline.transform import Transform, fit, format_number
from otio_speakerzoom.timeline.xml_text import xml_text

_COLOURS = {  # (primaries, transfer) -> primaries-transfer-matrix, as the DTD names them
    (9, 18): "9-18-9 (Rec. 2020 HLG)",
    (9, 16): "9-16-9 (Rec. 2020 PQ)",
    (9, 1): "9-1-9 (Rec. 2020)",
    (9, 14): "9-1-9 (Rec. 2020)",  # 14 and 15 are the curve of 1, for 10 and 12 bits
    (9, 15): "9-1-9 (Rec. 2020)",
    (6, 6): "6-1-6 (Rec. 601 (NTSC))",
    (5, 6): "5-1-6 (Rec. 601 (PAL))",
}
_FIELD_ORDERS = {"top": "upper first", "bottom": "lower first"}

# Final Cut's own names for sizes and rates. Any other size has no name: Resolve takes media offline
# because of a name that it does not know.
_NAMED_SIZES = {(1920, 1080): "1080p", (3840, 2160): "3840x2160p"}
_NAMED_RATES = {
    Fraction(24000, 1001): "2398",
    Fraction(24): "24",
    Fraction(25): "25",
    Fraction(30000, 1001): "2997",
    Fraction(30): "30",
    Fraction(50): "50",
    Fraction(60000, 1001): "5994",
    Fraction(60): "60",
}


def write_to_string(
    input_otio: otio.schema.Timeline, variant: Literal["fcp", "resolve"] = "fcp"
) -> str:
    """Return the timeline as an FCPXML document for the editor `variant`."""
    if variant not in ("fcp", "resolve"):
        raise ValueError(f'variant must be "fcp" or "resolve", got {variant!r}')
    facts, tracks = read_facts(input_otio), tracks_of(input_otio)
    shots = tracks[0].shots
    if facts.rate.numerator >= 2**31:  # the denominator of a time has 32 bits (reference)
        fault = f"FCPXML cannot express {facts.rate} frames per second"
        raise unsupported_rate_error(facts.rate, facts.path, fault)
    warn_unsupported_rate(facts.rate, facts.path, "Final Cut" if variant == "fcp" else "Resolve")
    document = ET.Element("fcpxml", version="1.10")
    _add_resources(document, facts)
    event = ET.SubElement(ET.SubElement(document, "library"), "event", name=facts.name)
    spine = _add_sequence(event, facts, shots[-1].record.end if shots else 0)
    clips = [_add_shot(spine, facts, shot, variant) for shot in shots]
    for lane, track in enumerate(tracks[1:], start=1):
        _add_connected_clips(clips, shots, facts, lane, track, variant)
    for clip, shot in zip(clips, shots, strict=True):
        _add_marker(clip, facts, shot)
    return xml_text(document, indent="    ", doctype="fcpxml")


def _add_resources(document: ET.Element, facts: TimelineFacts) -> None:
    """Add the formats of canvas (r1) and source (r2), and the file with its timecode (r3)."""
    resources = ET.SubElement(document, "resources")
    _add_format(resources, "r1", facts.canvas, facts, "progressive")
    _add_format(resources, "r2", facts.size, facts, facts.field_order)
    asset = {
        "id": "r3",
        "name": facts.file_name,  # Resolve relinks by this and the timecode
        "start": _time(facts.start, facts),
        "duration": _time(facts.duration, facts),
        "hasVideo": "1",
        "format": "r2",
        "videoSources": "1",
    }
    if facts.first_audio:
        asset |= {
            "hasAudio": "1",
            "audioSources": str(len(facts.audio_streams)),
            "audioChannels": str(sum(stream.channels for stream in facts.audio_streams)),
            "audioRate": str(facts.first_audio.rate),
        }
    source = f"file://{url_path(facts.path, keep=':')}"
    ET.SubElement(
        ET.SubElement(resources, "asset", asset), "media-rep", kind="original-media", src=source
    )


def _add_format(
    resources: ET.Element, id_: str, size: tuple[int, int], facts: TimelineFacts, field_order: str
) -> None:
    """Add a format. The canvas has the source's colours too, so that the editor converts none."""
    rate, order = facts.rate, _FIELD_ORDERS.get(field_order)
    attributes = {"id": id_}
    if size in _NAMED_SIZES and rate in _NAMED_RATES and not order:
        attributes["name"] = f"FFVideoFormat{_NAMED_SIZES[size]}{_NAMED_RATES[rate]}"
    attributes |= {"frameDuration": _seconds(1 / rate)}
    attributes |= {"fieldOrder": order} if order else {}
    attributes |= {
        "width": str(size[0]),
        "height": str(size[1]),
        "colorSpace": _COLOURS.get(facts.colour[:2], "1-1-1 (Rec. 709)"),
    }
    ET.SubElement(resources, "format", attributes)


def _add_sequence(event: ET.Element, facts: TimelineFacts, frames: int) -> ET.Element:
    """Add the project and its sequence; return the spine. Stereo: Final Cut refuses mono here."""
    sequence = ET.SubElement(
        ET.SubElement(event, "project", name=facts.name),
        "sequence",
        format="r1",
        duration=_time(frames, facts),
        tcStart="0s",
        tcFormat=_timecode_format(facts),
        audioLayout="stereo",
        audioRate="48k",
    )
    return ET.SubElement(sequence, "spine")


def _add_shot(spine: ET.Element, facts: TimelineFacts, shot: ShotClip, variant: str) -> ET.Element:
    """Add a clip of video and audio. The DTD fixes the order of its children."""
    attributes = {
        "ref": "r3",
        "offset": _time(shot.record.start, facts),  # record time, without the source's timecode
        "name": shot.name,
        "start": _time(facts.start + shot.source.start, facts),
        "duration": _time(shot.record.duration, facts),
        "format": "r2",
        "tcFormat": _timecode_format(facts),
    }
    if facts.first_audio:
        attributes["audioRole"] = "dialogue"
    attributes["videoRole"] = _role(shot)
    clip = ET.SubElement(spine, "asset-clip", attributes)
    _add_framing(clip, facts, shot, variant)
    return clip


def _add_connected_clips(
    clips: list[ET.Element],
    below: tuple[ShotClip, ...],
    facts: TimelineFacts,
    lane: int,
    track: VideoTrack,
    variant: str,
) -> None:
    """Connect a track's clips, video only, to the clips of the spine below their first frames.

    The offset of a connected clip is in the local time of the clip that it is connected to.
    """
    starts = [shot.record.start for shot in below]
    for shot in track.shots:
        at = bisect_right(starts, shot.record.start) - 1
        inside = below[at].source.start + shot.record.start - starts[at]
        start = _time(facts.start + shot.source.start, facts)
        attributes = {
            "lane": str(lane),
            "offset": _time(facts.start + inside, facts),
            "name": shot.name,
            "start": start,
            "duration": _time(shot.record.duration, facts),
            "enabled": str(int(shot.enabled)),
            "format": "r2",
            "tcFormat": _timecode_format(facts),
        }
        clip = ET.SubElement(clips[at], "clip", attributes)
        _add_framing(clip, facts, shot, variant)
        whole = {"offset": _time(facts.start, facts), "start": _time(facts.start, facts)}
        whole |= {"ref": "r3", "duration": _time(facts.duration, facts), "role": _role(shot)}
        ET.SubElement(clip, "video", whole)
        _add_marker(clip, facts, shot)


def _role(shot: ShotClip) -> str:
    """Return the people as a video subrole: an editor can show or colour one person's clips."""
    return f"video.{shot.name.replace('.', ' ')}"


def _add_marker(clip: ET.Element, facts: TimelineFacts, shot: ShotClip) -> None:
    """Add the reason for the shot; for a doubtful one as a to-do, which Final Cut shows red."""
    if not shot.number:
        return
    attributes = {
        "start": clip.get("start", ""),
        "duration": _seconds(1 / facts.rate),
        "value": shot.comment,
    }
    ET.SubElement(clip, "marker", attributes | ({"completed": "0"} if shot.doubtful else {}))


def _add_framing(clip: ET.Element, facts: TimelineFacts, shot: ShotClip, variant: str) -> None:
    """Add note, conform and transform, the first children of a clip."""
    if shot.reason:
        ET.SubElement(clip, "note").text = shot.reason
    _add_trim(clip, facts, shot, variant)
    # Explicit, although it is the default: scale 1 means the fitted size, and Resolve misplaces
    # clips of the other two kinds (julien.chichignoud.com/resolve-script-scaling-fix).
    ET.SubElement(clip, "adjust-conform", type="fit")
    values = [(frame, *_values(t, facts, variant)) for frame, t in shot.transforms(facts)]
    if len(values) == 1:
        _, position, scale = values[0]
        ET.SubElement(clip, "adjust-transform", position=position, scale=scale)
        return
    # Keyframes are in the clip's local time. Those of the position have no curve attribute in Final
    # Cut's own exports; all others are smooth by default.
    transform = ET.SubElement(clip, "adjust-transform")
    for name, curve in (("position", {}), ("scale", {"curve": "linear"})):
        parameter = ET.SubElement(transform, "param", name=name)
        animation = ET.SubElement(parameter, "keyframeAnimation")
        for frame, position, scale in values:
            value = {"value": position if name == "position" else scale}
            time = {"time": _time(facts.start + frame, facts)}
            ET.SubElement(animation, "keyframe", time | value | curve)


def _add_trim(clip: ET.Element, facts: TimelineFacts, shot: ShotClip, variant: str) -> None:
    """Cut off the second half of a two-up at the seam.

    The DTD counts in percent of the frame's height, on both axes. Resolve counts the left edge in
    hundredths of the canvas's height, and the upper one in parts of the fitted frame, as one
    implementer measured.
    """
    left, top = shot.cut_off(facts)
    if not left and not top:
        return
    height = facts.size[1]
    x, y = 100 * left / height, 100 * top / height
    if variant == "resolve":
        x, y = 100 * left / facts.canvas[1], y / fit(facts.size, facts.canvas)
    edges = {name: format_number(at) for name, at in (("left", x), ("top", y)) if at}
    ET.SubElement(ET.SubElement(clip, "adjust-crop", mode="trim"), "trim-rect", edges)


def _values(transform: Transform, facts: TimelineFacts, variant: str) -> tuple[str, str]:
    """Return position and scale as FCPXML writes them: two numbers each."""
    scale = format_number(transform.scale / fit(facts.size, facts.canvas))
    x, y = _position(transform, facts, variant)
    return f"{format_number(x)} {format_number(y)}", f"{scale} {scale}"


def _position(transform: Transform, facts: TimelineFacts, variant: str) -> tuple[float, float]:
    """Return the position, right and up, in percent of the canvas height (Final Cut's own exports).

    For Resolve the fitted frame, not the canvas, is 100 percent, so its numbers are larger by the
    share of each axis that the fitted frame leaves empty.
    """
    (width, height), (canvas_width, canvas_height) = facts.size, facts.canvas
    x, y = 100 * transform.dx / canvas_height, -100 * transform.dy / canvas_height
    if variant == "fcp":
        return x, y
    fitted = fit(facts.size, facts.canvas)
    return x / (width * fitted / canvas_width), y / (height * fitted / canvas_height)


def _timecode_format(facts: TimelineFacts) -> str:
    return "DF" if facts.drop_frame else "NDF"


def _time(frames: int, facts: TimelineFacts) -> str:
    return _seconds(frames / facts.rate)


def _seconds(time: Fraction) -> str:
    """Return an exact fraction of seconds as FCPXML writes it: 1001/30000s, 5s."""
    return f"{time}s"
