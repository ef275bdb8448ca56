"""MLT XML of Shotcut, or of our own, as an edited timeline.

A track is a playlist of entries that show a stretch of a producer (Shotcut says chain). What places
the picture is the affine filter on that producer, whose rectangle is where the whole picture lies
on the canvas. MLT counts the last frame in, and tells times in frames or as a clock. MLT:
mltframework.org, "MLT XML"; Shotcut: shotcut.org, "MLT XML Annotations".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.readers.edited import (
    EditedClip,
    EditedTimeline,
    Given,
    MovingTo,
    finite,
    frame_range,
    media_path,
    placed,
    unplaced,
)
from otio_speakerzoom.readers.safe_xml import parse_xml

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d)(?:[.,](\d+))?")
_WITH_FILE = ("avformat", "avformat-novalidate")
_BENT = 0.01
"""Share by which a rectangle's shape may differ from the picture's: its numbers are rounded."""


@dataclass(frozen=True, slots=True)
class _Project:
    root: str
    """Folder that relative paths count from; empty where none is told."""
    rate: Fraction
    canvas: tuple[int, int]
    producers: Mapping[str | None, ET.Element]
    given: Given

    def frame(self, time: str) -> int:
        """A time in whole frames."""
        clock = _CLOCK.fullmatch(time.strip())
        if not clock:
            return int(time)
        hours, minutes, seconds = map(int, clock.group(1, 2, 3))
        part = Fraction(f"0.{clock[4] or 0}")
        return round((3600 * hours + 60 * minutes + seconds + part) * self.rate)


def read(text: str, given: Given) -> EditedTimeline:
    """Return the picture tracks; the size of the media is not told by MLT and must be given."""
    document = parse_xml(text)
    if document.tag != "mlt":
        raise ValueError(f"it is <{document.tag}>, not mlt")
    profile = document.find("profile")
    if profile is None:
        raise ValueError("it has no profile")
    width, height, frames, seconds = (
        int(profile.attrib[key]) for key in ("width", "height", "frame_rate_num", "frame_rate_den")
    )
    if min(width, height, frames, seconds) < 1:
        raise ValueError("its profile has a size or a rate of nothing")
    project = _Project(
        document.get("root", ""),
        Fraction(frames, seconds),
        (width, height),
        {p.get("id"): p for tag in ("producer", "chain") for p in document.iter(tag)},
        given,
    )
    playlists = {playlist.get("id"): playlist for playlist in document.iter("playlist")}
    tracks: list[tuple[EditedClip, ...]] = []
    notes: list[str] = []
    for track in _tractor(document).iterfind("track"):
        playlist = playlists.get(track.get("producer"))
        if playlist is None or _value(playlist, "shotcut:audio"):
            continue
        seen = track.get("hide") not in ("video", "both")
        clips = tuple(_clips(playlist, project, notes, seen=seen))
        if any(clip.source for clip in clips):  # Shotcut's lowest is a black background
            tracks.append(clips)
    name = document.get("title", "")
    return EditedTimeline(
        "shotcut", name, project.rate, project.canvas, tuple(tracks), tuple(notes)
    )


def _tractor(document: ET.Element) -> ET.Element:
    """The programme: what the document says it produces, or else its last tractor."""
    tractors = {tractor.get("id"): tractor for tractor in document.iter("tractor")}
    if not tractors:
        raise ValueError("it has no tractor")
    return tractors.get(document.get("producer")) or [*tractors.values()][-1]


def _clips(
    playlist: ET.Element, project: _Project, notes: list[str], *, seen: bool
) -> Iterator[EditedClip]:
    at = 0
    for item in playlist:
        if item.tag == "blank":
            at += project.frame(item.attrib["length"])
        if item.tag != "entry":
            continue
        producer = project.producers.get(item.get("producer"))
        start, end = (project.frame(item.attrib[key]) for key in ("in", "out"))
        name = item.get("producer", "an entry") if producer is None else _name(producer)
        record = frame_range(name, at, end + 1 - start)
        at = record.end
        if producer is None:
            notes.append(f"a transition at frame {record.start}")
        elif _value(producer, "mlt_service") not in (*_WITH_FILE, "timewarp"):
            yield EditedClip(
                record, None, name, "", None, enabled=seen, odd="has no media of its own"
            )
        else:
            yield _clip(producer, record, frame_range(name, start, end + 1 - start), project, seen)


def _clip(
    producer: ET.Element, record: FrameRange, source: FrameRange, project: _Project, seen: bool
) -> EditedClip:
    odd: list[str] = []
    resource = _value(producer, "resource")
    if _value(producer, "mlt_service") == "timewarp":  # the speed, a colon, the file
        resource = resource.partition(":")[2]
        odd.append("plays at another speed")
    path = media_path(resource)
    if project.root and not re.match(r"[/\\]|[A-Za-z]:", path):
        path = f"{project.root.rstrip('/')}/{path}"
    length = _value(producer, "length")
    size = project.given.size
    move, keys = unplaced(size, project.canvas), tuple[MovingTo, ...]()
    for effect in producer.iterfind("filter"):
        if _value(effect, "disable") == "1":
            continue
        if _value(effect, "mlt_service") != "affine" or not _value(effect, "transition.rect"):
            if _value(effect, "shotcut:filter") or _value(effect, "mlt_service") == "crop":
                odd.append(f"has the filter {_value(effect, 'mlt_service')}")
            continue
        moves, bent = _moves(effect, project)
        odd += bent
        if moves:
            move, keys = moves[0].move, moves if len({m.move for m in moves}) > 1 else ()
    return EditedClip(
        record, source, _name(producer), path, move, keys, seen, ", ".join(odd),
        size=size,
        whole=FrameRange(0, project.frame(length)) if length else None,
    )  # fmt: skip


def _moves(effect: ET.Element, project: _Project) -> tuple[tuple[MovingTo, ...], list[str]]:
    """Where the picture is at each key of the filter, and what that cannot say.

    A still one has a key at the filter's first frame. Nothing where the media's size is not known.
    """
    size, (width, height) = project.given.size, project.canvas
    begin = project.frame(effect.get("in", "0"))
    fill = _value(effect, "transition.fill") != "0"
    odd = [
        "is turned"
        for axis in "xyz"
        if finite(_value(effect, f"transition.fix_rotate_{axis}") or 0) % 360
    ]
    moves: list[MovingTo] = []
    if size is None:
        return (), odd
    for text in _value(effect, "transition.rect").split(";"):
        time, equals, rect = text.rpartition("=")
        at = project.frame(time.rstrip("~|!$-")) if equals else 0
        x, y, w, h = (
            finite(number[:-1]) / 100 * of if number.endswith("%") else finite(number)
            for number, of in zip(rect.split()[:4], (width, height, width, height), strict=True)
        )
        across, down = w / size[0], h / size[1]
        scale = max(across, down) if fill else min(across, down)
        if abs(across - down) > _BENT * scale:
            odd.append("shows a part of its picture in a frame of another shape")
        move = placed(scale, x + w / 2 - width / 2, y + h / 2 - height / 2)
        moves.append(MovingTo(begin + at, move))
    return tuple(sorted(moves, key=lambda key: key.frame)), list(dict.fromkeys(odd))


def _name(producer: ET.Element) -> str:
    return _value(producer, "shotcut:caption") or producer.get("id", "")


def _value(element: ET.Element, name: str) -> str:
    """The text of a property; empty where there is none."""
    for found in element.iterfind("property"):
        if found.get("name") == name:
            return found.text or ""
    return ""
