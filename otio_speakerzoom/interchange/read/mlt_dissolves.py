"""Dissolves of Shotcut: an entry that is a tractor of its own, with both pictures on two tracks.

The clips before and after it are shorter by what it shows of them. Given back to them, they meet in
its middle, and a cut that was dissolved lies where it lay in the source.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from otio_speakerzoom.interchange.read.edited_timeline import EditedClip
from otio_speakerzoom.interchange.read.mlt_transform import Project, value_of
from otio_speakerzoom.interchange.read.values import FAULTS
from otio_speakerzoom.model import FrameRange


@dataclass(frozen=True, slots=True)
class Side:
    """What a dissolve shows of one clip: the name of its file, and its frames."""

    media_name: str
    source: FrameRange


@dataclass(frozen=True, slots=True)
class Dissolve:
    """From one clip to the next, on one track."""

    record: FrameRange
    out: Side
    into: Side


def dissolve_of(tractor: ET.Element, record: FrameRange, project: Project) -> Dissolve | None:
    """Return the dissolve that an entry is; None where its tractor is something else."""
    tracks = tractor.findall("track")
    if len(tracks) != 2 or record.duration < len(tracks):  # each clip must get a frame of it
        return None
    try:
        out, into = (_side(track, project) for track in tracks)
    except FAULTS:
        return None
    return Dissolve(record, out, into)


def _side(track: ET.Element, project: Project) -> Side:
    producer = project.producers[track.attrib["producer"]]
    first, last = (project.frame(track.attrib[key]) for key in ("in", "out"))
    resource = value_of(producer, "resource").replace("\\", "/")
    return Side(PurePosixPath(resource).name, FrameRange(first, last + 1))


def bridged(clips: Sequence[EditedClip], dissolves: Sequence[Dissolve]) -> tuple[EditedClip, ...]:
    """Return the clips of a track, and for each dissolve between two of them a part of both."""
    ends = {clip.record.end: clip for clip in clips}
    starts = {clip.record.start: clip for clip in clips}
    parts = list(clips)
    for dissolve in dissolves:
        record, out, into = dissolve.record, dissolve.out, dissolve.into
        before, after = ends.get(record.start), starts.get(record.end)
        if not (
            before and after and before.source and after.source
            and before.plays(out.media_name) and before.source.end == out.source.start
            and after.plays(into.media_name) and after.source.start == into.source.end
        ):  # fmt: skip
            continue
        middle = record.start + record.duration // 2
        parts += [
            replace(before, record=FrameRange(record.start, middle), source=out.source),
            replace(after, record=FrameRange(middle, record.end), source=into.source),
        ]
    return tuple(sorted(parts, key=lambda clip: clip.record.start))
