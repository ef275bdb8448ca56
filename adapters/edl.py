"""Writes a CMX3600 edit decision list, or a list of timeline markers for DaVinci Resolve.

An EDL has cuts but no framing, so the framing is in comments. Fields as Resolve and earlier CMX
editors write them; markers as Resolve exports them with "Timeline Markers to EDL".
"""

from __future__ import annotations

import logging
from typing import Literal

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import Box
from otio_speakerzoom.timecode import allows_drop_frame, frame_to_timecode, one_hour_frames
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts
from otio_speakerzoom.timeline.frame_rates import timebase, warn_unsupported_rate
from otio_speakerzoom.timeline.single_track import single_track_shots
from otio_speakerzoom.timeline.transform import crop_of, format_number, transform_of
from otio_speakerzoom.timeline.two_up import Half

log = logging.getLogger("otio_speakerzoom.edl")

_MAX_EVENTS = 999  # event numbers have three digits


def write_to_string(
    input_otio: otio.schema.Timeline, variant: Literal["cuts", "markers"] = "cuts"
) -> str:
    """Return the cuts, or a marker at each cut, as EDL text."""
    if variant not in ("cuts", "markers"):
        raise ValueError(f'variant must be "cuts" or "markers", got {variant!r}')
    facts, shots = read_facts(input_otio), single_track_shots(input_otio, "an EDL")
    warn_unsupported_rate(facts.rate, facts.path, "an EDL")
    if len(shots) > _MAX_EVENTS:
        raise TimelineError(
            f"{facts.path}: an EDL holds {_MAX_EVENTS} events, but the cut has {len(shots)} shots; "
            "cut it in parts with --in and --out, or write .otio, .fcpxml or .xml"
        )
    if two_ups := sum(shot.two_up is not None for shot in shots):
        log.warning(
            "%s: an EDL has one video track and no framing: its %d two-ups are ordinary cuts with "
            "both crops in comments; for the picture write .otio, .fcpxml, .xml, .mlt or .kdenlive",
            facts.path, two_ups,
        )  # fmt: skip
    event = _cut if variant == "cuts" else _marker
    head = [
        f"TITLE: {_line(facts.name)}",
        f"FCM: {'' if _is_drop_frame(facts) else 'NON-'}DROP FRAME",
    ]
    lines = [line for n, shot in enumerate(shots, 1) for line in event(facts, shot, n)]
    return "\n".join([*head, "", *lines]) + "\n"


def _cut(facts: TimelineFacts, shot: ShotClip, number: int) -> list[str]:
    """Return an event and its comments. Reel AX means "no tape"; editors link by file name."""
    audio = sum(stream.channels for stream in facts.audio_streams)
    channels = "V" if not audio else "B" if audio == 1 else "AA/V"
    start, record = facts.start + shot.source.start, _record_start(facts) + shot.record.start
    times = (start, start + shot.source.duration, record, record + shot.record.duration)
    labels = " ".join(_label(facts, time) for time in times)
    colour = "RED" if shot.doubtful else "GREEN"
    return [
        f"{number:03}  AX       {channels:<5} C        {labels}",
        f"* FROM CLIP NAME: {_line(facts.file_name)}",
        *_crop_comments(facts, shot),
        *(_crop_comment(f"KEY: FRAME={k.frame}", k.crop, facts) for k in shot.keys),
        f"* LOC: {_label(facts, record)} {colour:<7} {_line(f'{shot.name}: {shot.comment}')}",
        "",
    ]


def _crop_comments(facts: TimelineFacts, shot: ShotClip) -> list[str]:
    """Return the crop of a shot; of a two-up, that of each half and where it lies."""
    if shot.two_up is None:
        return [_crop_comment("CROP:", shot.crop, facts)]
    lines: list[str] = []
    for is_second, crop in enumerate((shot.crop, shot.two_up.second_crop)):
        half = Half(shot.two_up.layout, bool(is_second))
        left, top, width, height = half.rectangle(facts.canvas)
        visible = half.visible_crop(crop, facts.size, facts.canvas)
        kind = f"HALF: AT={left},{top} SIZE={width}x{height}"
        lines.append(_comment_of(kind, visible, facts))
    return lines


def _crop_comment(kind: str, crop: Box, facts: TimelineFacts) -> str:
    """Return the visible part of a crop in source pixels, and the sizes of source and canvas."""
    crop = crop_of(transform_of(crop, facts.size, facts.canvas), facts.size, facts.canvas)
    return _comment_of(kind, crop, facts)


def _comment_of(kind: str, crop: Box, facts: TimelineFacts) -> str:
    edges = (crop.left, crop.top, crop.width, crop.height)
    values = " ".join(f"{n}={format_number(edge)}" for n, edge in zip("XYWH", edges, strict=True))
    sizes = (facts.size, facts.canvas)
    source, sequence = (f"{width}x{height}" for width, height in sizes)
    return f"* OSZ {kind} {values} SRC={source} SEQ={sequence}"


def _marker(facts: TimelineFacts, shot: ShotClip, number: int) -> list[str]:
    """Return an event of one frame and, below it, the comment with colour, name and duration."""
    at = _record_start(facts) + shot.record.start
    start, end = _label(facts, at), _label(facts, at + 1)
    colour = "Red" if shot.doubtful else "Green"
    comment, name = (_line(text).replace("|", "/") for text in (shot.comment, shot.name))
    return [
        f"{number:03}  001      V     C        {start} {end} {start} {end}  ",
        f"{comment} |C:ResolveColor{colour} |M:{name} |D:1",
        "",
    ]


def _record_start(facts: TimelineFacts) -> int:
    """Return the timecode of the timeline's first frame, one hour, in frames."""
    return one_hour_frames(_timebase(facts), drop=_is_drop_frame(facts))


def _label(facts: TimelineFacts, frame: int) -> str:
    return frame_to_timecode(frame, _timebase(facts), drop=_is_drop_frame(facts))


def _timebase(facts: TimelineFacts) -> int:
    return timebase(facts.rate, facts.path, "an EDL")[0]


def _is_drop_frame(facts: TimelineFacts) -> bool:
    return facts.drop_frame and allows_drop_frame(facts.rate)


def _line(text: str) -> str:
    """Return `text` on one line, as an EDL requires."""
    return " ".join(text.split())
