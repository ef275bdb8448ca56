"""Final Cut Pro 7 XML (xmeml) of Premiere Pro or DaVinci Resolve as an edited timeline.

`in`, `out` and keyframes count from the media's first frame, on the sequence's grid. An edge of -1
lies in the transition beside it; `in` and `out` then reach to the transition's far end. Apple:
Final Cut Pro XML Interchange Format.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    placing_unless_damaged,
    unless_damaged,
)
from otio_speakerzoom.interchange.read.safe_xml import parse_xml, text_at
from otio_speakerzoom.interchange.read.sequences import chosen
from otio_speakerzoom.interchange.read.values import FAULTS, frame_range, media_path, reason, whole
from otio_speakerzoom.interchange.read.xmeml_transform import (
    effect_of,
    is_cropped,
    is_retimed,
    is_true,
    placing,
)
from otio_speakerzoom.model import FrameRange

DIALECTS = ("premiere", "resolve")
_CLIPS, _TRANSITION = ("clipitem", "generatoritem"), "transitionitem"
_NO_MEDIA = "has no media of its own"


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: tuple[int, int] | None
    """As stored."""
    duration: int
    """In frames; 0 where the file does not say it."""
    timecode: int | None
    """Of its first frame, in frames; None where the file does not say it."""


@dataclass(frozen=True, slots=True)
class _Sequence:
    files: Mapping[str, ET.Element]
    """Each is told in full once, anywhere in the document, and only named elsewhere."""
    masters: Mapping[str, str]
    """Id of a clip in a bin -> id of the file that it plays."""
    canvas: tuple[int, int] | None
    dialect: str
    given: MediaHints


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where a clip begins or ends in the programme."""

    cut: int
    reach: int
    """The same, or where the transition begins or ends in which the cut lies: `in` and `out` mean
    this one."""


def read(text: str, given: MediaHints) -> EditedTimeline:
    """Return the document's sequence; the units are those of `given.dialect`."""
    root = parse_xml(text)
    if root.tag != "xmeml":
        raise ValueError(f"it is <{root.tag}>, not xmeml")
    sequences = list(sequences_of(root))
    if not sequences:
        raise ValueError("it holds no sequence")
    files = {id_: file for file in root.iter("file") if len(file) and (id_ := file.get("id"))}
    masters = {
        id_: file.get("id", "")
        for clip in root.iter("clip")
        if (id_ := clip.get("id")) and (file := clip.find("media/video//file")) is not None
    }
    return chosen(
        [
            (sequence.findtext("name") or "", partial(_read, sequence, files, masters, given))
            for sequence in sequences
        ],
        given,
    )


def sequences_of(root: ET.Element) -> Iterator[ET.Element]:
    """Yield the sequences that stand for themselves, not inside another's clip."""
    for child in root:
        if child.tag == "sequence":
            yield child
        elif child.tag in ("project", "bin", "children"):
            yield from sequences_of(child)


def _read(
    element: ET.Element,
    files: Mapping[str, ET.Element],
    masters: Mapping[str, str],
    given: MediaHints,
) -> EditedTimeline:
    picture = element.find("media/video/format/samplecharacteristics")
    sequence = _Sequence(
        files, masters, _size(picture) or given.canvas, given.dialect or "premiere", given
    )
    tracks: list[tuple[EditedClip, ...]] = []
    notes: list[str] = []
    for track in element.iterfind("media/video/track"):
        clips = sorted(_clips(track, sequence, notes), key=lambda clip: clip.record.start)
        tracks.append(tuple(clips))
    name = element.findtext("name") or ""
    return EditedTimeline(
        sequence.dialect, name, _rate(element), sequence.canvas, tuple(tracks), tuple(notes)
    )


def _clips(track: ET.Element, sequence: _Sequence, notes: list[str]) -> Iterator[EditedClip]:
    """What lies on a track; what has no place there goes into `notes`."""
    seen = is_true(track, "enabled")
    items = [item for item in track if item.tag in (*_CLIPS, _TRANSITION)]
    for before, item, after in zip([None, *items], items, [*items[1:], None], strict=False):
        name = item.findtext("name") or item.get("id", item.tag)
        try:
            if item.tag == _TRANSITION:
                notes.append(f"a transition at frame {whole(text_at(item, 'start'))}")
                continue
            edges = _edges(item, before, after)
            start, end = (edge.cut for edge in edges)
            if start == end:
                notes.append(f"the clip {name!r} at frame {start} has no length")
                continue
            record = frame_range("it", start, end - start)
        except FAULTS as error:
            notes.append(f"the clip {name!r} has no place in the programme: {reason(error)}")
            continue
        clip = unless_damaged(record, name, partial(_clip, item, name, record, edges, sequence))
        yield clip if seen and is_true(item, "enabled") else replace(clip, enabled=False)


def _edges(
    item: ET.Element, before: ET.Element | None, after: ET.Element | None
) -> tuple[_Edge, _Edge]:
    """The clip's edges; one of -1 is taken from the transition beside it."""
    head, tail = _edge(item, "start", before), _edge(item, "end", after)
    if head and tail:
        return head, tail
    length = whole(text_at(item, "out")) - whole(text_at(item, "in"))
    if tail:
        return _Edge(tail.reach - length, tail.reach - length), tail
    if head:
        return head, _Edge(head.reach + length, head.reach + length)
    raise ValueError("it begins and ends in transitions that are not there")


def _edge(item: ET.Element, key: str, beside: ET.Element | None) -> _Edge | None:
    at = whole(text_at(item, key))
    if at != -1:
        return _Edge(at, at)
    if beside is None or beside.tag != _TRANSITION:
        return None
    start, end = whole(text_at(beside, "start")), whole(text_at(beside, "end"))
    alignment = (beside.findtext("alignment") or "center").strip().partition("-")[0]
    cut = {"start": start, "end": end}.get(alignment, (start + end) // 2)
    return _Edge(cut, start if key == "start" else end)


def _played(item: ET.Element, head: _Edge, tail: _Edge) -> tuple[int, int]:
    """First frame of the media that lies between the cuts, and the one after the last."""
    begin, stop = whole(text_at(item, "in")), whole(text_at(item, "out"))
    if stop - begin == tail.reach - head.reach:
        return begin + head.cut - head.reach, stop + tail.cut - tail.reach
    return begin, stop


def _clip(
    item: ET.Element,
    name: str,
    record: FrameRange,
    edges: tuple[_Edge, _Edge],
    sequence: _Sequence,
) -> EditedClip:
    told = _told(item, sequence)
    if told is None or told.find("mediaSource") is not None:
        return _without_media(item, told, name, record)
    file = _file(told)
    begin, stop = _played(item, *edges)
    source = frame_range("it", begin, stop - begin)
    unsupported = []
    if source.duration != record.duration or is_retimed(item):
        unsupported.append("plays at another speed")
    if is_cropped(item):
        unsupported.append("has a crop effect")
    given = sequence.given
    rotation = 0 if sequence.dialect == "resolve" else given.rotation  # Resolve turns pictures
    stored = file.size or _turned(given.size, rotation)
    shown = _turned(stored, rotation)
    move, keys, unsaid = placing_unless_damaged(
        lambda: placing(item, stored, shown, sequence.canvas, sequence.dialect, rotation)
    )
    return EditedClip(
        record, source, name, file.path, move, keys,
        unsupported=", ".join([*unsupported, *unsaid]),
        framed=effect_of(item, "basic") is not None,
        size=shown,
        whole=FrameRange(0, file.duration) if file.duration > 0 else None,
        timecode=file.timecode,
    )  # fmt: skip


def _told(item: ET.Element, sequence: _Sequence) -> ET.Element | None:
    """The file that a clip plays, as it is told in full; None where it plays none."""
    reference = item.find("file")
    if reference is not None:
        return sequence.files.get(reference.get("id", ""), reference)
    if item.tag != "clipitem" or item.find("sequence") is not None:
        return None
    master = (item.findtext("masterclipid") or "").strip()
    return sequence.files.get(sequence.masters.get(master, ""))


def _without_media(
    item: ET.Element, told: ET.Element | None, name: str, record: FrameRange
) -> EditedClip:
    """A title, a matte, or a sequence of its own; Premiere calls titles GraphicAndType."""
    texts = ("GraphicAndType", "Text", "Slug")
    kinds = ("effect/effectid", "effect/effectcategory", "filter/effect/effectid")
    named = {item.findtext(path) for path in kinds}
    named |= set() if told is None else {told.findtext("mediaSource")}
    what = "is a sequence of its own" if item.find("sequence") is not None else _NO_MEDIA
    return EditedClip(
        record, None, name, "", None, unsupported=what, opaque=named.isdisjoint(texts)
    )


def _file(file: ET.Element) -> _File:
    timecode = file.findtext("timecode/frame")
    return _File(
        media_path((file.findtext("pathurl") or file.findtext("name") or "").strip()),
        _size(file.find("media/video/samplecharacteristics")),
        whole(file.findtext("duration") or "0"),
        None if timecode is None else whole(timecode),
    )


def _rate(sequence: ET.Element) -> Fraction:
    timebase = whole(text_at(sequence, "rate/timebase"))
    if not 0 < timebase < 1000:
        raise ValueError(f"a timebase of {timebase} is none")
    ntsc = (sequence.findtext("rate/ntsc") or "").strip().upper() == "TRUE"
    return Fraction(timebase * 1000, 1001) if ntsc else Fraction(timebase)


def _size(picture: ET.Element | None) -> tuple[int, int] | None:
    if picture is None or picture.find("width") is None:
        return None
    width, height = whole(picture.findtext("width")), whole(picture.findtext("height"))
    return (width, height) if width > 0 and height > 0 else None


def _turned(size: tuple[int, int] | None, rotation: int) -> tuple[int, int] | None:
    """`size` after a turn by `rotation` degrees, either way."""
    return (size[1], size[0]) if size and rotation in (90, 270) else size
