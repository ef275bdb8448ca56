"""MLT XML of Shotcut, Kdenlive, or our own, as an edited timeline.

A track is a playlist of entries that show a stretch of a producer (Shotcut says chain); Kdenlive
makes a track of two playlists, in a tractor of their own. `mlt_framing` says how a clip is placed.
MLT counts the last frame in, and tells times in frames or as a clock. MLT: mltframework.org, "MLT
XML"; Shotcut: shotcut.org, "MLT XML Annotations".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    placing_unless_damaged,
    unless_damaged,
    unplaced,
)
from otio_speakerzoom.interchange.read.mlt_dissolves import Dissolve, bridged, dissolve_of
from otio_speakerzoom.interchange.read.mlt_transform import Project, framing, is_seen, value_of
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.sequences import chosen
from otio_speakerzoom.interchange.read.values import (
    FAULTS,
    exact_rate,
    finite,
    frame_range,
    media_path,
    reason,
    whole,
)
from otio_speakerzoom.model import FrameRange

_WITH_FILE = ("avformat", "avformat-novalidate", "timewarp")
_STILLS = ("qimage", "pixbuf")
_TITLES = ("qtext", "pango", "kdenlivetitle", "dynamictext", "glaxnimate", "webvfx", "qml")
_PLAYED = ("producer", "chain", "playlist", "tractor")
_PROFILE = re.compile(r"(?:atsc|uhd|qhd)_(\d{3,4})([pi])_(\d{2,4})")
"""MLT's names of profiles: height, rate or 100 times it; an interlaced one counts fields."""
_NO_PROFILE = (Fraction(25), (720, 576))
"""What melt takes where none is named: dv_pal (MLT's `profiles/`)."""
_SOUND = ("shotcut:audio", "kdenlive:audio_track")
_COLOURS = ("color", "colour")
_DEEPEST, _MOST = 8, 200_000
"""Tractors inside one another, where Kdenlive's programmes of programmes have about four; and what
is looked at, which bounds the work that a few lines that name one another can ask for."""


def read(text: str, given: MediaHints) -> EditedTimeline:
    """Return the picture tracks; the size of the media is not told by MLT and must be given."""
    document = parse_xml(text)
    if document.tag != "mlt":
        raise ValueError(f"it is <{document.tag}>, not mlt")
    producers = {
        id_: element
        for element in document.iter()
        if element.tag in _PLAYED and (id_ := element.get("id"))
    }
    rate, canvas = _profile(document)
    looks = iter(range(_MOST))
    project = Project(document.get("root", ""), rate, canvas, producers, given, looks)
    return chosen([(document.get("title", ""), partial(_read, document, project))], given)


def _read(document: ET.Element, project: Project) -> EditedTimeline:
    notes: list[str] = []
    if document.find("profile") is None and not document.get("profile"):
        notes.append("no profile is named: melt takes 25 frames per second in 720x576")
    programme = _programme(document)
    tracks = list(_tracks(programme, project, notes, _DEEPEST))
    # The lowest of Shotcut's and Kdenlive's is black, and of the programme's length.
    if len(tracks) > 1 and _is_background(programme, project):
        del tracks[0]
    tracks = [track for track in tracks if track]
    name = document.get("title", "")
    return EditedTimeline(
        "shotcut", name, project.rate, project.canvas, tuple(tracks), tuple(notes)
    )


def _profile(document: ET.Element) -> tuple[Fraction, tuple[int, int]]:
    """The programme's rate and size."""
    profile = document.find("profile")
    if profile is not None:
        width, height, frames, seconds = (
            whole(profile.attrib[key])
            for key in ("width", "height", "frame_rate_num", "frame_rate_den")
        )
        if min(width, height, frames, seconds) < 1:
            raise ValueError("its profile has a size or a rate of 0")
        return Fraction(frames, seconds), (width, height)
    name = document.get("profile")
    if not name:
        return _NO_PROFILE
    named = _PROFILE.fullmatch(name)
    if not named:
        raise ValueError(f"its profile {name[:40]!r} is unknown")
    height, rate = int(named[1]), int(named[3]) / (100 if len(named[3]) == 4 else 1)
    return exact_rate(rate / 2 if named[2] == "i" else rate), (height * 16 // 9, height)


def _programme(document: ET.Element) -> ET.Element:
    """What the document plays: the tractor it names, or else its last, or what it has instead."""
    named = document.get("producer")
    tractors = list(document.iter("tractor"))
    for tractor in tractors:
        if tractor.get("id") == named:
            return tractor
    others = [e for tag in ("playlist", "chain", "producer") for e in document.iter(tag)]
    if not tractors and not others:
        raise ValueError("it has no tractor")
    return tractors[-1] if tractors else others[0]


def _is_background(element: ET.Element, project: Project) -> bool:
    """Whether the lowest track shows a colour, end to end."""
    for _ in range(_DEEPEST):
        if element.tag != "tractor":
            break
        lowest = next(element.iter("track"), None)
        inner = None if lowest is None else project.producers.get(lowest.get("producer", ""))
        if inner is None:
            return False
        element = inner
    names = [entry.get("producer", "") for entry in element.iterfind("entry")]
    shown = [project.producers.get(name) for name in names] or [element]
    return all(e is not None and value_of(e, "mlt_service") in _COLOURS for e in shown)


def _tracks(
    element: ET.Element, project: Project, notes: list[str], depth: int, *, seen: bool = True
) -> Iterator[tuple[EditedClip, ...]]:
    """The picture tracks of what a document or a track plays, the lowest first."""
    _look(project)
    if depth < 1:
        raise ValueError(f"its tractors lie more than {_DEEPEST} deep")
    if any(value_of(element, name) for name in _SOUND):
        return
    if element.tag in ("playlist", "tractor") and any(map(is_seen, element.iterfind("filter"))):
        name = value_of(element, "shotcut:name") or element.get("id", "")
        notes.append(f"a filter on the whole track {name}")
    if element.tag != "tractor":
        entries = [e for e in element if e.tag in ("entry", "blank")]
        items = entries if element.tag == "playlist" else [element]
        dissolves: list[Dissolve] = []
        clips = list(_clips(items, project, notes, dissolves, seen=seen))
        yield bridged(clips, dissolves)
        return
    for track in (*element.iterfind("track"), *element.iterfind("multitrack/track")):
        inner = project.producers.get(track.get("producer", ""))
        if inner is not None:
            shown = seen and track.get("hide") not in ("video", "both")
            yield from _tracks(inner, project, notes, depth - 1, seen=shown)


def _look(project: Project) -> None:
    if next(project.looks, None) is None:
        raise ValueError("its tracks contain one another without end")


def _clips(
    items: list[ET.Element],
    project: Project,
    notes: list[str],
    dissolves: list[Dissolve],
    *,
    seen: bool,
) -> Iterator[EditedClip]:
    """What lies on a track: entries and blanks, or one producer; what has no place is noted."""
    at = 0
    for item in items:
        _look(project)
        producer = project.producers.get(item.get("producer", "")) if item.tag == "entry" else item
        name = item.get("producer", "an entry") if producer is None else _name(producer)
        try:
            if item.tag == "blank":
                at += max(0, project.frame(item.attrib["length"]))
                continue
            first, last = _in_out(item, producer, project)
            record = frame_range("it", at, last + 1 - first)
        except FAULTS as error:
            notes.append(f"the clip {name!r} has no place in the programme: {reason(error)}")
            continue
        at = record.end
        if producer is None or producer.tag == "tractor":
            notes.append(f"a transition at frame {record.start}")
            between = None if producer is None else dissolve_of(producer, record, project)
            dissolves += [between] if between else []
        elif not _is_heard(producer):
            read = partial(_clip, item, producer, record, first, project)
            clip = unless_damaged(record, name, read)
            yield clip if seen else replace(clip, enabled=False)


def _in_out(item: ET.Element, producer: ET.Element | None, project: Project) -> tuple[int, int]:
    """First and last frame of an entry; those of its producer where it does not tell."""
    own = {} if producer is None else producer.attrib
    first, last = (item.get(key) or own.get(key) for key in ("in", "out"))
    if last is None and producer is not None and (length := value_of(producer, "length")):
        return project.frame(first or "0"), project.frame(length) - 1
    if last is None:
        raise ValueError("it has no end")
    return project.frame(first or "0"), project.frame(last)


def _is_heard(producer: ET.Element) -> bool:
    """Whether nothing of a producer is seen."""
    off = value_of(producer, "video_index") == "-1" or value_of(producer, "set.test_image") == "1"
    return off and value_of(producer, "mlt_service") in (*_WITH_FILE, "")


def _clip(
    item: ET.Element, producer: ET.Element, record: FrameRange, first: int, project: Project
) -> EditedClip:
    name, service = _name(producer), value_of(producer, "mlt_service")
    resource = value_of(producer, "resource")
    if service not in (*_WITH_FILE, "") or (not service and not resource):
        what = "is a still picture" if service in _STILLS else "has no media of its own"
        return EditedClip(
            record, None, name, "", None, unsupported=what, opaque=service not in _TITLES
        )
    unsupported: list[str] = []
    source: FrameRange | None = frame_range("it", first, record.duration)
    if service == "timewarp":  # the speed, a colon, the file
        speed, _, resource = resource.partition(":")
        unsupported.append("plays at another speed")
        source = _warped(source, speed)
    path = media_path(resource)
    if project.root and not re.match(r"[/\\]|[A-Za-z]:", path):
        path = media_path(f"{project.root.rstrip('/')}/{path}")
    unsupported += [
        f"has the link {value_of(link, 'mlt_service')}" for link in producer.iterfind("link")
    ]
    holders = [producer] if item is producer else [producer, item]
    effects = [e for holder in holders for e in holder.iterfind("filter") if is_seen(e)]
    framings = [effect for effect in effects if value_of(effect, "transition.rect")]
    unsupported += [
        f"has the filter {value_of(effect, 'mlt_service')}"
        for effect in effects
        if effect not in framings
    ]
    move, keys = unplaced(project.given.size, project.canvas), ()
    if framings:
        played = FrameRange(first, first + record.duration)
        move, keys, unsaid = placing_unless_damaged(lambda: framing(framings[0], played, project))
        unsupported += unsaid
    if len(framings) > 1:
        unsupported.append("is framed twice")
    length = value_of(producer, "length")
    return EditedClip(
        record, source, name, path, move, keys,
        unsupported=", ".join(dict.fromkeys(unsupported)),
        framed=bool(framings),
        size=project.given.size,
        whole=FrameRange(0, project.frame(length)) if length else None,
    )  # fmt: skip


def _warped(played: FrameRange, speed: str) -> FrameRange | None:
    """What is played of the media at a speed; None where it runs backwards."""
    try:
        factor = finite(speed)
        return frame_range("it", played.start * factor, played.duration * factor)
    except FAULTS:
        return None


def _name(producer: ET.Element) -> str:
    return value_of(producer, "shotcut:caption") or producer.get("id", "")
