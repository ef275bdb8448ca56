"""Timeline to a CMX3600 edit decision list, or to Resolve's list of timeline markers.

An EDL carries cuts and nothing of the framing, which therefore stands in comments. Fields as
Resolve and the CMX editors before it write them; markers as Resolve's "Timeline Markers from EDL"
exports them.
"""

from __future__ import annotations

from typing import Literal

import opentimelineio as otio

from otio_speakerzoom.errors import TimelineError
from otio_speakerzoom.model import Box
from otio_speakerzoom.timecode import may_drop, one_hour, timecode
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts, single_track_shots
from otio_speakerzoom.timeline.formatting import timebase, warn_of_rate
from otio_speakerzoom.timeline.transform import crop_of, decimal, transform_of

_MOST_EVENTS = 999  # an event's number has three digits


def write_to_string(
    input_otio: otio.schema.Timeline, variant: Literal["cuts", "markers"] = "cuts"
) -> str:
    """Return the cuts, or a marker at each of them, as EDL text."""
    if variant not in ("cuts", "markers"):
        raise ValueError(f'variant must be "cuts" or "markers", got {variant!r}')
    facts, shots = read_facts(input_otio), single_track_shots(input_otio, "an EDL")
    warn_of_rate(facts.rate, facts.path, "an EDL")
    if len(shots) > _MOST_EVENTS:
        raise TimelineError(
            f"{facts.path}: an EDL holds {_MOST_EVENTS} events, the cut has {len(shots)} shots; "
            "cut it in parts with --in and --out, or write .otio, .fcpxml or .xml"
        )
    events = _cuts if variant == "cuts" else _markers
    head = [f"TITLE: {_line(facts.name)}", f"FCM: {'' if _drops(facts) else 'NON-'}DROP FRAME"]
    lines = [line for n, shot in enumerate(shots, 1) for line in events(facts, shot, n)]
    return "\n".join([*head, "", *lines]) + "\n"


def _cuts(facts: TimelineFacts, shot: ShotClip, number: int) -> list[str]:
    """One event and its comments. The reel is AX, "not from a tape": the name links the file."""
    video_tracks = sum(len(track.channels) for track in facts.audio_tracks)
    channels = "V" if not video_tracks else "B" if video_tracks == 1 else "AA/V"
    start, record = facts.start + shot.source.start, _begin(facts) + shot.record.start
    times = (start, start + shot.source.duration, record, record + shot.record.duration)
    labels = " ".join(_label(facts, time) for time in times)
    colour = "RED" if shot.doubtful else "GREEN"
    return [
        f"{number:03}  AX       {channels:<5} C        {labels}",
        f"* FROM CLIP NAME: {_line(facts.file_name)}",
        _crop_comment("CROP:", shot.crop, facts),
        *(_crop_comment(f"KEY: FRAME={k.frame}", k.crop, facts) for k in shot.keys),
        f"* LOC: {_label(facts, record)} {colour:<7} {_line(f'{shot.name}: {shot.remark}')}",
        "",
    ]


def _crop_comment(kind: str, crop: Box, facts: TimelineFacts) -> str:
    """What is seen, in pixels of the source; of a crop of another shape, what stays in sight."""
    crop = crop_of(transform_of(crop, facts.size, facts.canvas), facts.size, facts.canvas)
    edges = (crop.left, crop.top, crop.width, crop.height)
    named = " ".join(f"{n}={decimal(edge)}" for n, edge in zip("XYWH", edges, strict=True))
    sizes = (facts.size, facts.canvas)
    source, sequence = (f"{width}x{height}" for width, height in sizes)
    return f"* OSZ {kind} {named} SRC={source} SEQ={sequence}"


def _markers(facts: TimelineFacts, shot: ShotClip, number: int) -> list[str]:
    """One event of one frame, and below it the note with colour, name and length in frames."""
    at = _begin(facts) + shot.record.start
    here, after = _label(facts, at), _label(facts, at + 1)
    colour = "Red" if shot.doubtful else "Green"
    note, name = (_line(text).replace("|", "/") for text in (shot.remark, shot.name))
    return [
        f"{number:03}  001      V     C        {here} {after} {here} {after}  ",
        f"{note} |C:ResolveColor{colour} |M:{name} |D:1",
        "",
    ]


def _begin(facts: TimelineFacts) -> int:
    return one_hour(_base(facts), drop=_drops(facts))


def _label(facts: TimelineFacts, frame: int) -> str:
    return timecode(frame, _base(facts), drop=_drops(facts))


def _base(facts: TimelineFacts) -> int:
    return timebase(facts.rate, facts.path, "an EDL")[0]


def _drops(facts: TimelineFacts) -> bool:
    return facts.drop_frame and may_drop(facts.rate)


def _line(text: str) -> str:
    """`text` on one line, as everything in an EDL must be."""
    return " ".join(text.split())
