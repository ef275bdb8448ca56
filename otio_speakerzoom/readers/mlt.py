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
from otio_speakerzoom.reframe import Reframe

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d)(?:[.,](\d+))?")
_KEY = re.compile(r"(?:(-?[\d:.,]+)([^=\d]?)=)?(.*)", re.DOTALL)
"""A frame or clock, a letter unless it goes on evenly from there, an equals sign, and the value."""
_WITH_FILE = ("avformat", "avformat-novalidate")
_BENT = 0.01
"""Share by which a rectangle's shape may differ from the picture's: its numbers are rounded."""
_HEARD = re.compile(
    "volume|audio(?!waveform|spectrum|levelgraph)|panner|mono$|channelcopy|swapchannels|loudness|"
    "dynamic_loudness|mute|fadeInVolume|fadeOutVolume|sox|ladspa|lv2|vst2|rbpitch",
    re.IGNORECASE,
)
"""How the names of filters begin that change sound only; a waveform is drawn over the picture."""


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
        if any(_shown(effect) for effect in playlist.iterfind("filter")):
            notes.append(f"a filter on the whole track {_value(playlist, 'shotcut:name')}")
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
    told = tractors.get(document.get("producer"))
    return [*tractors.values()][-1] if told is None else told


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
        start, end = _in_out(item, producer, project)
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


def _in_out(item: ET.Element, producer: ET.Element | None, project: _Project) -> tuple[int, int]:
    """First and last frame of an entry; those of its producer where it does not tell."""
    whole = {} if producer is None else producer.attrib
    first, last = (item.get(key) or whole.get(key) for key in ("in", "out"))
    if last is None:
        raise ValueError("an entry has no end")
    return project.frame(first or "0"), project.frame(last)


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
        path = media_path(f"{project.root.rstrip('/')}/{path}")
    odd += [f"has the link {_value(link, 'mlt_service')}" for link in producer.iterfind("link")]
    effects = [effect for effect in producer.iterfind("filter") if _shown(effect)]
    framings = [effect for effect in effects if _value(effect, "transition.rect")]
    odd += [f"has the filter {_value(e, 'mlt_service')}" for e in effects if e not in framings]
    move, keys = unplaced(project.given.size, project.canvas), tuple[MovingTo, ...]()
    if framings:
        move, keys, wrong = _framing(framings[0], source, project)
        odd += wrong
    if len(framings) > 1:
        odd.append("is framed twice")
    length = _value(producer, "length")
    return EditedClip(
        record, source, _name(producer), path, move, keys, seen, ", ".join(dict.fromkeys(odd)),
        size=project.given.size,
        whole=FrameRange(0, project.frame(length)) if length else None,
    )  # fmt: skip


def _shown(effect: ET.Element) -> bool:
    """Whether a filter is on and changes the picture."""
    names = (_value(effect, "shotcut:filter"), _value(effect, "mlt_service"))
    return _value(effect, "disable") != "1" and not any(map(_HEARD.match, names))


def _framing(
    effect: ET.Element, source: FrameRange, project: _Project
) -> tuple[Reframe | None, tuple[MovingTo, ...], list[str]]:
    """How the affine filter places the picture, its keys where it moves, and what is odd of it.

    With fill, the picture covers the rectangle about its middle and is not cut off by it.
    """
    odd = [
        "is turned"
        for axis in "xyz"
        for turn in ("fix_rotate", "rotate")
        if not _resting(_value(effect, f"transition.{turn}_{axis}"))
    ]
    ends = (effect.get("in"), effect.get("out"))
    first, last = (None if end is None else project.frame(end) for end in ends)
    if (first or 0) > source.start or (last is not None and last < source.end - 1):
        odd.append("is framed for a part of it only")
    if _value(effect, "transition.fill") == "0":
        odd.append("is not framed to fill its rectangle")
    size, (width, height) = project.given.size, project.canvas
    if size is None or odd:
        return None, (), odd
    moves: list[MovingTo] = []
    texts = _value(effect, "transition.rect").split(";")
    for text in texts:
        time, kind, rect = _key(text)
        try:
            x, y, w, h = (
                finite(number[:-1]) / 100 * of if number.endswith("%") else finite(number)
                for number, of in zip(
                    re.split(r"[\s/:x,]+", rect.strip())[:4],
                    (width, height, width, height),
                    strict=True,
                )
            )
        except ValueError:
            return None, (), [f"has a rectangle that cannot be read ({rect[:40]})"]
        if (kind and len(texts) > 1) or time.startswith("-"):
            odd.append("moves otherwise than evenly from key to key")
        across, down = w / size[0], h / size[1]
        bent = abs(across - down) > _BENT * max(across, down)
        if bent and _value(effect, "transition.distort") == "1":
            odd.append("is stretched")
        scale = max(across, down)
        at = project.frame(time) if time and not time.startswith("-") else 0
        move = placed(scale, x + w / 2 - width / 2, y + h / 2 - height / 2)
        moves.append(MovingTo((first or 0) + at, move))
    moves.sort(key=lambda key: key.frame)
    still = len({key.move for key in moves}) == 1
    return moves[0].move, () if still else tuple(moves), odd


def _key(text: str) -> tuple[str, str, str]:
    """When, how it goes on from there, and the value; the first two empty where it stands still."""
    found = _KEY.fullmatch(text)
    return (found[1] or "", found[2] or "", found[3]) if found else ("", "", text)


def _resting(text: str) -> bool:
    """Whether a number, or every key of one, is a whole turn or none."""
    values = [_key(part)[2] for part in text.split(";")]
    try:
        return not any(finite(value or 0) % 360 for value in values)
    except ValueError:
        return False


def _name(producer: ET.Element) -> str:
    return _value(producer, "shotcut:caption") or producer.get("id", "")


def _value(element: ET.Element, name: str) -> str:
    """The text of a property; empty where there is none."""
    for found in element.iterfind("property"):
        if found.get("name") == name:
            return found.text or ""
    return ""
