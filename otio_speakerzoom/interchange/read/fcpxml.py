"""FCPXML of Final Cut Pro or DaVinci Resolve as an edited timeline.

A storyline lies in a spine; what hangs on its clips lies on lanes above or below. `fcpxml_moves`
says how a clip is placed. Apple: FCPXML reference.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
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
from otio_speakerzoom.interchange.read.fcpxml_resources import (
    WITH_MEDIA,
    Facts,
    asset_of,
    duration_of,
    is_heard,
    rate_of,
    size_of,
    start_of,
)
from otio_speakerzoom.interchange.read.fcpxml_transform import (
    Placement,
    changes_of,
    played,
    time_of,
)
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.sequences import chosen
from otio_speakerzoom.interchange.read.values import (
    FAULTS,
    frame_range,
    frames_between,
    reason,
    unreadable,
)
from otio_speakerzoom.model import FrameRange

DIALECTS = ("fcp", "resolve")
_WITHOUT = {
    "ref-clip": "is a compound clip",
    "sync-clip": "is a synchronized clip",
    "mc-clip": "is a multicam clip",
    "title": "is a title",
    "live-drawing": "is a drawing",
}
_SEE_THROUGH = ("title", "live-drawing")
_ITEMS = (*WITH_MEDIA, *_WITHOUT, "audition", "gap", "transition")
_NO_MEDIA = "has no media of its own"


@dataclass(frozen=True, slots=True)
class _Place:
    """An element that lies somewhere in the programme."""

    item: ET.Element
    lane: int
    at: Fraction
    duration: Fraction


def read(text: str, given: MediaHints) -> EditedTimeline:
    """Return a project's sequence; the units are those of `given.dialect`.

    Without one it is Resolve's where Resolve added its name to the event's, else Final Cut's.
    """
    root = parse_xml(text)
    if root.tag != "fcpxml":
        raise ValueError(f"it is <{root.tag}>, not FCPXML")
    projects = [(p, p) for p in root.iter("project")]
    # A compound clip is a sequence too, among the resources: what is read where there is no other.
    projects += [] if projects else [(m, root) for m in root.iterfind("resources/media")]
    sequences = [
        (named.get("name", ""), partial(_read, root, scope, named.get("name", ""), element))
        for named, scope in projects
        if (element := named.find("sequence")) is not None and element.find("spine") is not None
    ]
    if not sequences:
        raise ValueError("it holds no project with a sequence")
    return chosen([(name, partial(make, given)) for name, make in sequences], given)


def _read(
    root: ET.Element, scope: ET.Element, name: str, element: ET.Element, given: MediaHints
) -> EditedTimeline:
    """The timeline of one sequence; resources of `scope` go before the document's."""
    resources = {
        id_: resource
        for holder in (root, scope)
        for resource in holder.iterfind("resources/*")
        if (id_ := resource.get("id"))
    }
    form = resources.get(element.get("format", ""))
    if form is None:
        raise ValueError(
            f"its sequence has the format {element.get('format')}, which the file does not describe"
        )
    facts = Facts(
        rate=rate_of(form),
        canvas=size_of(form) or given.canvas,
        start=time_of(element.get("tcStart", "0s")),
        dialect=given.dialect or _looks_like(root),
        resources=resources,
        given=given,
    )
    video_tracks: dict[int, list[EditedClip]] = {}
    notes: list[str] = []
    for place in _items(element.findall("spine")[0], facts.start, 0, facts, notes):
        if place.item.tag == "transition":
            at = round(facts.frames(place.at - facts.start))
            notes.append(f"a transition at frame {at}")
        elif (clip := _clip_at(place, facts, notes)) is not None:
            video_tracks.setdefault(place.lane, []).append(clip)
    tracks = (
        tuple(sorted(video_tracks[lane], key=lambda clip: clip.record.start))
        for lane in sorted(video_tracks)
    )
    return EditedTimeline(
        facts.dialect, name, facts.rate, facts.canvas, tuple(tracks), tuple(notes)
    )


def _looks_like(root: ET.Element) -> str:
    events = root.iter("event")
    return "resolve" if any("(Resolve)" in e.get("name", "") for e in events) else "fcp"


def _items(
    spine: ET.Element, begin: Fraction, lane: int, facts: Facts, notes: list[str]
) -> Iterator[_Place]:
    """Everything seen in a storyline, and connected to it.

    In a storyline, offsets count in the parent's time; what is left out lies behind the last.
    """
    at = begin
    for item in spine:
        if item.tag not in _ITEMS:
            continue
        place = None
        with _noted(item, notes):
            at = time_of(item.attrib["offset"]) if "offset" in item.attrib else at
            place = _place(item, lane, at, facts)
        if place is None:
            continue
        yield place
        yield from _connected(place, facts, notes)
        if item.tag != "transition":
            at += place.duration


def _connected(place: _Place, facts: Facts, notes: list[str]) -> Iterator[_Place]:
    """What hangs on a clip, whose own time starts at `start`, and what hangs on that."""
    for child in place.item:
        if "lane" not in child.attrib or child.tag not in (*_ITEMS, "spine"):
            continue
        with _noted(child, notes):
            lane = place.lane + int(child.attrib["lane"])
            own = start_of(place.item, facts)
            at = place.at + time_of(child.get("offset", "0s")) - own
            if child.tag == "spine":
                for inner in _items(child, Fraction(0), lane, facts, notes):
                    yield replace(inner, at=at + inner.at)
            else:
                hung = _place(child, lane, at, facts)
                yield hung
                yield from _connected(hung, facts, notes)


@contextmanager
def _noted(item: ET.Element, notes: list[str]) -> Iterator[None]:
    """Note an element whose place in the programme cannot be read, and go on."""
    try:
        yield
    except FAULTS as error:
        name = item.get("name", item.tag)
        notes.append(f"the clip {name!r} has no place in the programme: {reason(error)}")


def _place(item: ET.Element, lane: int, at: Fraction, facts: Facts) -> _Place:
    """Where an item lies; of an audition, the clip that is its pick, which is its first."""
    if item.tag == "audition":
        item = next((child for child in item if child.tag in _ITEMS), item)
    return _Place(item, lane, at, duration_of(item, facts))


def _clip_at(place: _Place, facts: Facts, notes: list[str]) -> EditedClip | None:
    """The clip that lies there; None for a gap, for what is only heard, and for no length."""
    item, name = place.item, place.item.get("name", place.item.tag)
    if item.tag == "gap" or is_heard(item, facts):
        return None
    with _noted(item, notes):
        start = facts.frames(place.at - facts.start)
        end = start + facts.frames(place.duration)
        if round(start) == round(end):
            notes.append(f"the clip {name!r} at frame {round(start)} has no length")
            return None
        record = frames_between(start, end)
        clip = unless_damaged(record, name, partial(_clip, place, name, record, facts))
        return replace(clip, enabled=item.get("enabled", "1") != "0")
    return None


def _clip(place: _Place, name: str, record: FrameRange, facts: Facts) -> EditedClip:
    item = place.item
    shown = item.find("video") if item.tag == "clip" else item
    element = None if shown is None else facts.asset(shown.get("ref", ""))
    if item.tag in _WITHOUT or shown is None or element is None:
        what = _WITHOUT.get(item.tag, _NO_MEDIA if shown is not None else "shows no picture")
        return EditedClip(
            record, None, name, "", None, unsupported=what, opaque=item.tag not in _SEE_THROUGH
        )
    asset = asset_of(element, facts)
    shift = asset.start  # from the clip's own time to the media's frames
    if item is not shown:
        shift -= time_of(shown.get("start", "0s")) - time_of(shown.get("offset", "0s"))
    source, why = _source_range(place, record, shift, facts)
    placement = Placement(asset.size, facts.canvas, facts.dialect, facts.rate, shift)
    move, keys, unsaid = placing_unless_damaged(lambda: placement.of(item))
    return EditedClip(
        record, source, name, asset.path, move, keys,
        unsupported=", ".join([*why, *changes_of(item), *unsaid]),
        framed=item.find("adjust-transform") is not None,
        size=asset.size,
        whole=FrameRange(0, max(1, round(facts.frames(asset.duration)))),
        timecode=round(facts.frames(asset.start)) if asset.starts else None,
    )  # fmt: skip


def _source_range(
    place: _Place, record: FrameRange, shift: Fraction, facts: Facts
) -> tuple[FrameRange | None, list[str]]:
    """What a clip plays of its media, and whether that is at another speed."""
    begin = start_of(place.item, facts)
    end = begin + place.duration
    time_map = place.item.find("timeMap")
    why = []
    if time_map is not None:
        why.append("plays at another speed")
        try:
            begin, end = played(time_map, begin, end)
        except FAULTS:
            return None, why
    first, last = facts.frames(begin - shift), facts.frames(end - shift)
    try:
        if time_map is not None:
            return frames_between(first, last), why
        return frame_range("it", first, record.duration), why
    except FAULTS as error:
        return None, why or [unreadable(error)]
