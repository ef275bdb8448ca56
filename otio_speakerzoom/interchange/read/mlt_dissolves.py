"""Dissolves of Shotcut: an entry that is a tractor of its own, with both clips on two tracks.

The clips before and after it are shorter by what it shows of them. With those frames back, they
meet in its middle, and a cut under a dissolve lies where it lay in the source.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from otio_speakerzoom.interchange.read.edited_timeline import EditedClip
from otio_speakerzoom.interchange.read.mlt_project import Project, property_of
from otio_speakerzoom.interchange.read.values import READ_ERRORS
from otio_speakerzoom.model import FrameRange


@dataclass(frozen=True, slots=True)
class Side:
    """The part of one clip in a dissolve: the name of its file, and its frames."""

    media_name: str
    source: FrameRange


@dataclass(frozen=True, slots=True)
class Dissolve:
    """From one clip to the next, on one track."""

    record: FrameRange
    outgoing: Side
    incoming: Side


def dissolve_of(tractor: ET.Element, record: FrameRange, project: Project) -> Dissolve | None:
    """Return the dissolve that an entry is; None where its tractor is something else."""
    tracks = tractor.findall("track")
    if len(tracks) != 2 or record.duration < len(tracks):  # one frame for each clip
        return None
    try:
        outgoing, incoming = (_side(track, project) for track in tracks)
    except READ_ERRORS:
        return None
    return Dissolve(record, outgoing, incoming)


def _side(track: ET.Element, project: Project) -> Side:
    producer = project.producers[track.attrib["producer"]]
    first, last = (project.frame(track.attrib[key]) for key in ("in", "out"))
    resource = property_of(producer, "resource").replace("\\", "/")
    return Side(PurePosixPath(resource).name, FrameRange(first, last + 1))


def with_dissolves(
    clips: Sequence[EditedClip], dissolves: Sequence[Dissolve]
) -> tuple[EditedClip, ...]:
    """Return the clips of a track, and for each dissolve between two of them a part of both."""
    ends = {clip.record.end: clip for clip in clips}
    starts = {clip.record.start: clip for clip in clips}
    parts = list(clips)
    for dissolve in dissolves:
        record, outgoing, incoming = dissolve.record, dissolve.outgoing, dissolve.incoming
        before, after = ends.get(record.start), starts.get(record.end)
        if not (
            before and after and before.source and after.source
            and before.plays(outgoing.media_name) and before.source.end == outgoing.source.start
            and after.plays(incoming.media_name) and after.source.start == incoming.source.end
        ):  # fmt: skip
            continue
        middle = record.start + record.duration // 2
        parts += [
            replace(before, record=FrameRange(record.start, middle), source=outgoing.source),
            replace(after, record=FrameRange(middle, record.end), source=incoming.source),
        ]
    return tuple(sorted(parts, key=lambda clip: clip.record.start))
