"""What projects of Kdenlive have beyond other MLT: sequences, tracks of two playlists, mixes.

From 23.04 on a project has sequences, each a tractor with a UUID; before, its last tractor is the
timeline. A mix is a dissolve between two clips that overlap, one on each playlist of a track. Read
from projects that 22.12.3 and 24.12.3 saved, and from those beside Kdenlive's own tests.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from otio_speakerzoom.interchange.read import messages
from otio_speakerzoom.interchange.read.edited_timeline import EditedClip
from otio_speakerzoom.interchange.read.mlt_project import Project, property_of
from otio_speakerzoom.interchange.read.values import READ_ERRORS
from otio_speakerzoom.model import FrameRange

_INTERNAL = "237"
"""Value of `internal_added` in what Kdenlive adds to every timeline and does not show."""


def is_kdenlive(document: ET.Element) -> bool:
    """Return whether Kdenlive, or one who writes for it, wrote a document."""
    return any(
        (element.get("name") or "").startswith("kdenlive:docproperties.")
        for playlist in document.iterfind("playlist[@id='main_bin']")
        for element in playlist.iterfind("property")
    )


def sequences_of(document: ET.Element) -> list[tuple[str, ET.Element]]:
    """Return the name and the tractor of each sequence; none where a project has no sequences."""
    tractors = (tractor for tractor in document.iterfind("tractor") if is_sequence(tractor))
    return [(property_of(tractor, "kdenlive:clipname"), tractor) for tractor in tractors]


def is_sequence(element: ET.Element) -> bool:
    """Return whether an element is a sequence; as a clip, it is a nested one."""
    return element.tag == "tractor" and bool(property_of(element, "kdenlive:uuid"))


def is_disabled(producer: ET.Element) -> bool:
    """Return whether a clip is disabled: it then plays neither audio nor video."""
    return all(property_of(producer, f"set.test_{kind}") == "1" for kind in ("audio", "image"))


def is_track(element: ET.Element, project: Project) -> bool:
    """Return whether a tractor is a track: it joins two playlists and nothing else."""
    if not project.is_kdenlive:
        return False
    ids = [track.get("producer", "") for track in element.iterfind("track")]
    parts = [project.producers.get(id_) for id_ in ids]
    return len(parts) == 2 and all(part is not None and part.tag == "playlist" for part in parts)


def joined_playlists(
    tractor: ET.Element,
    playlists: Iterable[Sequence[EditedClip]],
    project: Project,
    warnings: list[str],
) -> tuple[EditedClip, ...]:
    """Return the clips of a track; each mix becomes a cut where it lay before the mix.

    The clip before a mix is longer by what lies behind that cut, the one after it by the rest.
    """
    clips = sorted((clip for part in playlists for clip in part), key=lambda c: c.record.start)
    for mix in tractor.iterfind("transition"):
        try:
            start, end = (project.frame(mix.attrib[key]) for key in ("in", "out"))
            cut = end - project.frame(property_of(mix, "kdenlive:mixcut"))
        except READ_ERRORS:
            warnings.append("a transition that cannot be read")
            continue
        warnings.append(messages.transition(start))
        clips = [_without_mix(clip, start, cut, end) for clip in clips]
    return tuple(clips)


def _without_mix(clip: EditedClip, start: int, cut: int, end: int) -> EditedClip:
    """The part of a clip on its side of the cut, if it takes part in a mix from start to end."""
    record = clip.record
    if record.end == end and record.start < cut:
        return _part(clip, FrameRange(record.start, cut))
    if record.start == start and cut < record.end:
        return _part(clip, FrameRange(cut, record.end))
    return clip


def _part(clip: EditedClip, record: FrameRange) -> EditedClip:
    source = clip.source
    if source and source.duration == clip.record.duration:
        begins = source.start + record.start - clip.record.start
        source = FrameRange(begins, begins + record.duration)
    return replace(clip, record=record, source=source)


def composition_warnings(sequence: ET.Element, project: Project) -> Iterator[str]:
    """Yield a line for each composition that the editor laid between two tracks."""
    for transition in sequence.iterfind("transition"):
        if property_of(transition, "internal_added") != _INTERNAL:
            yield messages.transition(project.frame(transition.get("in") or "0"))
