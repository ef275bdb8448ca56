"""Reads Final Cut Pro 7 XML (xmeml) of Premiere Pro or DaVinci Resolve.

`in`, `out` and keyframes count from the media's first frame, at the sequence's rate. An edge of -1
lies in the transition beside it; `in` and `out` then reach to the transition's far end. Apple:
Final Cut Pro XML Interchange Format.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

from otio_speakerzoom.interchange.read import messages
from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    clip_or_reason,
    clip_without_source,
    transform_or_reason,
)
from otio_speakerzoom.interchange.read.safe_xml import parse_xml, text_at
from otio_speakerzoom.interchange.read.sequences import choose_sequence
from otio_speakerzoom.interchange.read.values import (
    READ_ERRORS,
    frame_range,
    media_path,
    whole_number,
)
from otio_speakerzoom.interchange.read.xmeml_transform import (
    effect_of,
    is_cropped,
    is_retimed,
    is_true,
    read_transform,
)
from otio_speakerzoom.model import FrameRange

DIALECTS = ("premiere", "resolve")
_CLIP_TAGS, _TRANSITION_TAG = ("clipitem", "generatoritem"), "transitionitem"
_TITLE_KINDS = ("GraphicAndType", "Text", "Slug")
"""Generators and media sources that hide nothing; Premiere calls titles GraphicAndType."""


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: tuple[int, int] | None
    """As stored."""
    duration: int
    """In frames; 0 where it is not given."""
    timecode: int | None
    """Of its first frame, in frames; None where it is not given."""


@dataclass(frozen=True, slots=True)
class _SequenceFacts:
    """What all clips of a sequence share."""

    files: Mapping[str, ET.Element]
    """By id; the document describes each once, anywhere, and only refers to it elsewhere."""
    masters: Mapping[str, str]
    """Id of a clip in a bin -> id of the file that it plays."""
    canvas: tuple[int, int] | None
    dialect: str
    hints: MediaHints


@dataclass(frozen=True, slots=True)
class _Edge:
    """Where a clip begins or ends in the programme."""

    cut: int
    reach: int
    """The same, or the far end of the transition that the cut lies in: `in` and `out` mean this."""


def read(text: str, hints: MediaHints) -> EditedTimeline:
    """Return the document's sequence; the units are those of `hints.dialect`."""
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
    return choose_sequence(
        [
            (sequence.findtext("name") or "", partial(_read, sequence, files, masters, hints))
            for sequence in sequences
        ],
        hints,
    )


def sequences_of(root: ET.Element) -> Iterator[ET.Element]:
    """Yield the sequences that are not nested in a clip of another."""
    for child in root:
        if child.tag == "sequence":
            yield child
        elif child.tag in ("project", "bin", "children"):
            yield from sequences_of(child)


def _read(
    sequence: ET.Element,
    files: Mapping[str, ET.Element],
    masters: Mapping[str, str],
    hints: MediaHints,
) -> EditedTimeline:
    canvas = _size(sequence.find("media/video/format/samplecharacteristics")) or hints.canvas
    facts = _SequenceFacts(files, masters, canvas, hints.dialect or "premiere", hints)
    tracks: list[tuple[EditedClip, ...]] = []
    warnings: list[str] = []
    for track in sequence.iterfind("media/video/track"):
        clips = sorted(_clips(track, facts, warnings), key=lambda clip: clip.record.start)
        tracks.append(tuple(clips))
    name = sequence.findtext("name") or ""
    return EditedTimeline(
        facts.dialect, name, _rate(sequence), canvas, tuple(tracks), tuple(warnings)
    )


def _clips(track: ET.Element, facts: _SequenceFacts, warnings: list[str]) -> Iterator[EditedClip]:
    """The clips of a track; what has no place there goes into `warnings`."""
    track_enabled = is_true(track, "enabled")
    items = [item for item in track if item.tag in (*_CLIP_TAGS, _TRANSITION_TAG)]
    for before, item, after in zip([None, *items], items, [*items[1:], None], strict=False):
        name = item.findtext("name") or item.get("id", item.tag)
        try:
            if item.tag == _TRANSITION_TAG:
                warnings.append(messages.transition(whole_number(text_at(item, "start"))))
                continue
            edges = _edges(item, before, after)
            start, end = (edge.cut for edge in edges)
            if start == end:
                warnings.append(messages.no_length(name, start))
                continue
            record = frame_range("it", start, end - start)
        except READ_ERRORS as error:
            warnings.append(messages.no_place(name, error))
            continue
        clip = clip_or_reason(record, name, partial(_read_clip, item, name, record, edges, facts))
        yield clip if track_enabled and is_true(item, "enabled") else replace(clip, enabled=False)


def _edges(
    item: ET.Element, before: ET.Element | None, after: ET.Element | None
) -> tuple[_Edge, _Edge]:
    """The clip's edges; one of -1 is taken from the transition beside it."""
    head, tail = _edge(item, "start", before), _edge(item, "end", after)
    if head and tail:
        return head, tail
    length = whole_number(text_at(item, "out")) - whole_number(text_at(item, "in"))
    if tail:
        return _Edge(tail.reach - length, tail.reach - length), tail
    if head:
        return head, _Edge(head.reach + length, head.reach + length)
    raise ValueError("it begins and ends in transitions that are missing")


def _edge(item: ET.Element, key: str, neighbour: ET.Element | None) -> _Edge | None:
    """The edge at `key`; None where it should lie in a transition that is not there."""
    at = whole_number(text_at(item, key))
    if at != -1:
        return _Edge(at, at)
    if neighbour is None or neighbour.tag != _TRANSITION_TAG:
        return None
    start, end = (whole_number(text_at(neighbour, side)) for side in ("start", "end"))
    alignment = (neighbour.findtext("alignment") or "center").strip().partition("-")[0]
    cut = {"start": start, "end": end}.get(alignment, (start + end) // 2)
    return _Edge(cut, start if key == "start" else end)


def _source_frames(item: ET.Element, head: _Edge, tail: _Edge) -> tuple[int, int]:
    """First frame of the media between the cuts, and the one after the last."""
    begin, stop = whole_number(text_at(item, "in")), whole_number(text_at(item, "out"))
    if stop - begin == tail.reach - head.reach:
        return begin + head.cut - head.reach, stop + tail.cut - tail.reach
    return begin, stop


def _read_clip(
    item: ET.Element,
    name: str,
    record: FrameRange,
    edges: tuple[_Edge, _Edge],
    facts: _SequenceFacts,
) -> EditedClip:
    file_element = _file_element(item, facts)
    if file_element is None or file_element.find("mediaSource") is not None:
        return _clip_without_media(item, file_element, name, record)
    file = _file(file_element)
    begin, stop = _source_frames(item, *edges)
    source = frame_range("it", begin, stop - begin)
    timing_and_crop = []
    if source.duration != record.duration or is_retimed(item):
        timing_and_crop.append(messages.OTHER_SPEED)
    if is_cropped(item):
        timing_and_crop.append(messages.CROP_EFFECT)
    rotation = 0 if facts.dialect == "resolve" else facts.hints.rotation  # Resolve rotates frames
    stored = file.size or _rotate_size(facts.hints.size, rotation)
    upright = _rotate_size(stored, rotation)
    transform, keys, unsupported, rest = transform_or_reason(
        lambda: read_transform(item, stored, upright, facts.canvas, facts.dialect, rotation)
    )
    return EditedClip(
        record, source, name, file.path, transform, keys,
        unsupported=", ".join([*timing_and_crop, *unsupported]),
        has_transform=effect_of(item, "basic") is not None,
        rest=rest,
        size=upright,
        available_range=FrameRange(0, file.duration) if file.duration > 0 else None,
        timecode=file.timecode,
    )  # fmt: skip


def _file_element(item: ET.Element, facts: _SequenceFacts) -> ET.Element | None:
    """The full description of the file that a clip plays; None where it plays none."""
    reference = item.find("file")
    if reference is not None:
        return facts.files.get(reference.get("id", ""), reference)
    if item.tag != "clipitem" or item.find("sequence") is not None:
        return None
    master = (item.findtext("masterclipid") or "").strip()
    return facts.files.get(facts.masters.get(master, ""))


def _clip_without_media(
    item: ET.Element, file_element: ET.Element | None, name: str, record: FrameRange
) -> EditedClip:
    """A title, a matte, or a nested sequence."""
    nested = item.find("sequence") is not None
    kinds = {
        item.findtext(path)
        for path in ("effect/effectid", "effect/effectcategory", "filter/effect/effectid")
    }
    kinds |= set() if file_element is None else {file_element.findtext("mediaSource")}
    unsupported = messages.NESTED_SEQUENCE if nested else messages.NO_MEDIA
    return clip_without_source(record, name, unsupported, opaque=kinds.isdisjoint(_TITLE_KINDS))


def _file(element: ET.Element) -> _File:
    timecode = element.findtext("timecode/frame")
    return _File(
        media_path((element.findtext("pathurl") or element.findtext("name") or "").strip()),
        _size(element.find("media/video/samplecharacteristics")),
        whole_number(element.findtext("duration") or "0"),
        None if timecode is None else whole_number(timecode),
    )


def _rate(sequence: ET.Element) -> Fraction:
    timebase = whole_number(text_at(sequence, "rate/timebase"))
    if not 0 < timebase < 1000:
        raise ValueError(f"{timebase} is not a timebase")
    ntsc = (sequence.findtext("rate/ntsc") or "").strip().upper() == "TRUE"
    return Fraction(timebase * 1000, 1001) if ntsc else Fraction(timebase)


def _size(characteristics: ET.Element | None) -> tuple[int, int] | None:
    if characteristics is None or characteristics.find("width") is None:
        return None
    width, height = (whole_number(characteristics.findtext(side)) for side in ("width", "height"))
    return (width, height) if width > 0 and height > 0 else None


def _rotate_size(size: tuple[int, int] | None, rotation: int) -> tuple[int, int] | None:
    """`size` after a rotation by `rotation` degrees, either way."""
    return (size[1], size[0]) if size and rotation in (90, 270) else size
