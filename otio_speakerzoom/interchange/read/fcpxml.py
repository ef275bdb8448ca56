"""Reads FCPXML of Final Cut Pro or DaVinci Resolve.

The primary storyline is a spine; connected clips lie on lanes above or below it.
`fcpxml_transform` reads transforms and retiming, `fcpxml_resources` formats and assets. Apple:
FCPXML reference.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
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
from otio_speakerzoom.interchange.read.fcpxml_resources import (
    MEDIA_TAGS,
    SequenceFacts,
    asset_of,
    duration_of,
    is_audio_only,
    rate_of,
    size_of,
    start_of,
)
from otio_speakerzoom.interchange.read.fcpxml_transform import (
    TransformReader,
    media_times,
    time_of,
    unsupported_effects,
)
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.sequences import choose_sequence
from otio_speakerzoom.interchange.read.values import (
    READ_ERRORS,
    frame_range,
    frames_between,
    unreadable,
)
from otio_speakerzoom.model import FrameRange

DIALECTS = ("fcp", "resolve")
_WITHOUT_MEDIA = {
    "ref-clip": "is a compound clip",
    "sync-clip": "is a synchronized clip",
    "mc-clip": "is a multicam clip",
    "title": "is a title",
    "live-drawing": "is a drawing",
}
_TRANSPARENT = ("title", "live-drawing")
_ITEM_TAGS = (*MEDIA_TAGS, *_WITHOUT_MEDIA, "audition", "gap", "transition")


@dataclass(frozen=True, slots=True)
class _Item:
    """An element with its place in the programme."""

    element: ET.Element
    lane: int
    at: Fraction
    """Seconds, from the programme's timecode on."""
    duration: Fraction


def read(text: str, hints: MediaHints) -> EditedTimeline:
    """Return a project's sequence; the units are those of `hints.dialect`.

    Without one they are Resolve's where Resolve added its name to the event's, else Final Cut's.
    """
    root = parse_xml(text)
    if root.tag != "fcpxml":
        raise ValueError(f"it is <{root.tag}>, not FCPXML")
    projects = [(p, p) for p in root.iter("project")]
    # A compound clip is a sequence too, among the resources: read where there is no other.
    projects += [] if projects else [(m, root) for m in root.iterfind("resources/media")]
    sequences = [
        (holder.get("name", ""), partial(_read, root, scope, holder.get("name", ""), sequence))
        for holder, scope in projects
        if (sequence := holder.find("sequence")) is not None and sequence.find("spine") is not None
    ]
    if not sequences:
        raise ValueError("it holds no project with a sequence")
    return choose_sequence([(name, partial(make, hints)) for name, make in sequences], hints)


def _read(
    root: ET.Element, scope: ET.Element, name: str, sequence: ET.Element, hints: MediaHints
) -> EditedTimeline:
    """The timeline of one sequence; resources of `scope` go before the document's."""
    facts = _facts(root, scope, sequence, hints)
    clips: dict[int, list[EditedClip]] = {}  # lane -> its clips
    warnings: list[str] = []
    for item in _items(sequence.findall("spine")[0], facts.start, 0, facts, warnings):
        if item.element.tag == "transition":
            at = round(facts.frames(item.at - facts.start))
            warnings.append(messages.transition(at))
        elif (clip := _clip_of(item, facts, warnings)) is not None:
            clips.setdefault(item.lane, []).append(clip)
    tracks = (
        tuple(sorted(clips[lane], key=lambda clip: clip.record.start)) for lane in sorted(clips)
    )
    return EditedTimeline(
        facts.dialect, name, facts.rate, facts.canvas, tuple(tracks), tuple(warnings)
    )


def _facts(
    root: ET.Element, scope: ET.Element, sequence: ET.Element, hints: MediaHints
) -> SequenceFacts:
    resources = {
        id_: resource
        for holder in (root, scope)
        for resource in holder.iterfind("resources/*")
        if (id_ := resource.get("id"))
    }
    format_ = resources.get(sequence.get("format", ""))
    if format_ is None:
        raise ValueError(
            f"its sequence has the format {sequence.get('format')}, which the file does not "
            "describe"
        )
    return SequenceFacts(
        rate=rate_of(format_),
        canvas=size_of(format_) or hints.canvas,
        start=time_of(sequence.get("tcStart", "0s")),
        dialect=hints.dialect or _detect_dialect(root),
        resources=resources,
        hints=hints,
    )


def _detect_dialect(root: ET.Element) -> str:
    events = root.iter("event")
    return "resolve" if any("(Resolve)" in e.get("name", "") for e in events) else "fcp"


def _items(
    spine: ET.Element, begin: Fraction, lane: int, facts: SequenceFacts, warnings: list[str]
) -> Iterator[_Item]:
    """All items of a storyline, and those connected to them.

    Offsets in a storyline count in the parent's time; an item without one follows the last.
    """
    at = begin
    for element in spine:
        if element.tag not in _ITEM_TAGS:
            continue
        item = None
        with _skip_damaged(element, warnings):
            at = time_of(element.attrib["offset"]) if "offset" in element.attrib else at
            item = _item(element, lane, at, facts)
        if item is None:
            continue
        yield item
        yield from _connected_items(item, facts, warnings)
        if element.tag != "transition":
            at += item.duration


def _connected_items(parent: _Item, facts: SequenceFacts, warnings: list[str]) -> Iterator[_Item]:
    """The items connected to a clip, whose own time starts at `start`, and those on them."""
    for child in parent.element:
        if "lane" not in child.attrib or child.tag not in (*_ITEM_TAGS, "spine"):
            continue
        with _skip_damaged(child, warnings):
            lane = parent.lane + int(child.attrib["lane"])
            own_start = start_of(parent.element, facts)
            at = parent.at + time_of(child.get("offset", "0s")) - own_start
            if child.tag == "spine":
                for inner in _items(child, Fraction(0), lane, facts, warnings):
                    yield replace(inner, at=at + inner.at)
            else:
                item = _item(child, lane, at, facts)
                yield item
                yield from _connected_items(item, facts, warnings)


@contextmanager
def _skip_damaged(element: ET.Element, warnings: list[str]) -> Iterator[None]:
    """Warn of an element whose place in the programme cannot be read, and go on."""
    try:
        yield
    except READ_ERRORS as error:
        warnings.append(messages.no_place(element.get("name", element.tag), error))


def _item(element: ET.Element, lane: int, at: Fraction, facts: SequenceFacts) -> _Item:
    """The item of an element; of an audition, the clip that is its pick, which is its first."""
    if element.tag == "audition":
        element = next((child for child in element if child.tag in _ITEM_TAGS), element)
    return _Item(element, lane, at, duration_of(element, facts))


def _clip_of(item: _Item, facts: SequenceFacts, warnings: list[str]) -> EditedClip | None:
    """The clip of an item; None for a gap, for audio, and for one without length."""
    element, name = item.element, item.element.get("name", item.element.tag)
    if element.tag == "gap" or is_audio_only(element, facts):
        return None
    with _skip_damaged(element, warnings):
        start = facts.frames(item.at - facts.start)
        end = start + facts.frames(item.duration)
        if round(start) == round(end):
            warnings.append(messages.no_length(name, round(start)))
            return None
        record = frames_between(start, end)
        clip = clip_or_reason(record, name, partial(_read_clip, item, name, record, facts))
        return replace(clip, enabled=element.get("enabled", "1") != "0")
    return None


def _read_clip(item: _Item, name: str, record: FrameRange, facts: SequenceFacts) -> EditedClip:
    element = item.element
    video = element.find("video") if element.tag == "clip" else element
    asset_element = None if video is None else facts.asset(video.get("ref", ""))
    if element.tag in _WITHOUT_MEDIA or video is None or asset_element is None:
        default = messages.NO_MEDIA if video is not None else "has no video"
        unsupported = _WITHOUT_MEDIA.get(element.tag, default)
        opaque = element.tag not in _TRANSPARENT
        return clip_without_source(record, name, unsupported, opaque=opaque)
    asset = asset_of(asset_element, facts)
    shift = asset.start  # from the clip's own time to the media's frames
    if element is not video:
        shift -= time_of(video.get("start", "0s")) - time_of(video.get("offset", "0s"))
    source, retiming = _source_range(item, record, shift, facts)
    reader = TransformReader(asset.size, facts.canvas, facts.dialect, facts.rate, shift)
    transform, keys, unsupported, rest = transform_or_reason(lambda: reader.read(element))
    return EditedClip(
        record, source, name, asset.path, transform, keys,
        unsupported=", ".join([*retiming, *unsupported_effects(element), *unsupported]),
        has_transform=element.find("adjust-transform") is not None,
        rest=rest,
        size=asset.size,
        available_range=FrameRange(0, max(1, round(facts.frames(asset.duration)))),
        timecode=round(facts.frames(asset.start)) if asset.has_start else None,
    )  # fmt: skip


def _source_range(
    item: _Item, record: FrameRange, shift: Fraction, facts: SequenceFacts
) -> tuple[FrameRange | None, list[str]]:
    """The frames of its media that a clip plays, None where unknown, and what is unsupported."""
    begin = start_of(item.element, facts)
    end = begin + item.duration
    time_map = item.element.find("timeMap")
    unsupported = []
    if time_map is not None:
        unsupported.append(messages.OTHER_SPEED)
        try:
            begin, end = media_times(time_map, begin, end)
        except READ_ERRORS:
            return None, unsupported
    first, last = facts.frames(begin - shift), facts.frames(end - shift)
    try:
        if time_map is not None:
            return frames_between(first, last), unsupported
        return frame_range("it", first, record.duration), unsupported
    except READ_ERRORS as error:
        return None, unsupported or [unreadable(error)]
