"""Final Cut Pro 7 XML (xmeml) of Premiere Pro or DaVinci Resolve as an edited timeline.

Basic Motion: scale in percent of the file's own pixels, centre in widths and heights of its own
picture, as measured in Premiere. In Resolve both count on the picture after it was fitted to the
canvas. `in` and keyframes count from the media's first frame, on the sequence's grid.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.readers.edited import (
    EditedClip,
    EditedTimeline,
    Given,
    Keyed,
    finite,
    frame_range,
    media_path,
    moving,
    placed,
)
from otio_speakerzoom.readers.safe_xml import parse_xml, text_at
from otio_speakerzoom.reframe import Reframe, fit

DIALECTS = ("premiere", "resolve")


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    size: tuple[int, int] | None
    """As stored."""
    duration: int
    """In frames; 0 where the file does not say it."""
    timecode: int | None
    """Of its first frame, in frames; None where the file does not say it."""


def read(text: str, given: Given) -> EditedTimeline:
    """Return the document's first sequence; the units are those of `given.dialect`."""
    root = parse_xml(text)
    if root.tag != "xmeml":
        raise ValueError(f"it is <{root.tag}>, not xmeml")
    sequence = next(root.iter("sequence"), None)
    if sequence is None:
        raise ValueError("it holds no sequence")
    dialect = given.dialect or "premiere"
    canvas = _size(sequence.find("media/video/format/samplecharacteristics")) or given.canvas
    files = _files(sequence)
    tracks: list[tuple[EditedClip, ...]] = []
    notes: list[str] = []
    for track in sequence.iterfind("media/video/track"):
        seen = _true(track, "enabled")
        clips = [
            _clip(item, files, canvas, dialect, given, seen) for item in track.iterfind("clipitem")
        ]
        tracks.append(tuple(sorted(clips, key=lambda clip: clip.record.start)))
        notes += [
            f"a transition at frame {int(text_at(item, 'start'))}"
            for item in track.iterfind("transitionitem")
        ]
    name = sequence.findtext("name") or ""
    return EditedTimeline(dialect, name, _rate(sequence), canvas, tuple(tracks), tuple(notes))


def _clip(
    item: ET.Element,
    files: Mapping[str | None, _File],
    canvas: tuple[int, int] | None,
    dialect: str,
    given: Given,
    seen: bool,
) -> EditedClip:
    name = item.findtext("name") or item.get("id", "clipitem")
    record_start, record_end, begin, end = (
        int(text_at(item, key)) for key in ("start", "end", "in", "out")
    )
    odd = []
    if -1 in (record_start, record_end):  # beside a transition, which has the other edge
        odd.append("runs into a transition")
        record_start = record_end - (end - begin) if record_start == -1 else record_start
        record_end = record_start + (end - begin)
    if record_end - record_start != end - begin or item.find(".//effect[effectid='timeremap']"):
        odd.append("plays at another speed")
    record = frame_range(name, record_start, record_end - record_start)
    reference = item.find("file")
    file = None if reference is None else files.get(reference.get("id"))
    enabled = seen and _true(item, "enabled")
    if file is None:
        return EditedClip(
            record, None, name, "", None, enabled=enabled, odd="has no media of its own"
        )
    source = frame_range(name, begin, end - begin)
    if item.find("filter/effect[effectid='crop']") is not None:
        odd.append("has a crop effect")
    rotation = 0 if dialect == "resolve" else given.rotation  # Resolve turns pictures itself
    stored = file.size or _turned(given.size, rotation)
    move, keys, turned = _moves(item, stored, canvas, dialect, rotation)
    return EditedClip(
        record, source, name, file.path, move, keys, enabled, ", ".join([*odd, *turned]),
        size=_turned(stored, rotation),
        whole=FrameRange(0, file.duration) if file.duration > 0 else None,
        timecode=file.timecode,
    )  # fmt: skip


def _moves(
    item: ET.Element,
    stored: tuple[int, int] | None,
    canvas: tuple[int, int] | None,
    dialect: str,
    rotation: int,
) -> tuple[Reframe | None, tuple, list[str]]:
    """The placing, its keys where it moves, and what the placing cannot say.

    `rotation` is what the file's own turn may stand for in Basic Motion.
    """
    shown = _turned(stored, rotation)
    if stored is None or shown is None or (dialect == "resolve" and canvas is None):
        return None, (), ["has no known size"]
    size = stored
    base = fit(shown, canvas) if dialect == "resolve" and canvas else 1.0

    def move_of(values: Mapping[str, float]) -> Reframe:
        dx, dy = values["horiz"] * size[0] * base, values["vert"] * size[1] * base
        return placed(base * values["scale"] / 100, dx, dy)

    effect = item.find("filter/effect[effectid='basic']")
    keyed = _parameters(effect)
    first = {name: keys[0][1] for name, keys in keyed.items()}
    odd = []
    if effect is not None and (first["rotation"] - rotation) % 360:
        odd.append("is turned")
    if any(value for name in ("anchor_x", "anchor_y") for _, value in keyed[name]):
        odd.append("has its anchor moved")
    return move_of(first), moving(keyed, move_of), odd


def _parameters(effect: ET.Element | None) -> Keyed:
    """Basic Motion's numbers, or where it leaves a picture that it does not touch."""
    found = (
        {}
        if effect is None
        else {p.findtext("parameterid"): p for p in effect.iterfind("parameter")}
    )
    return {
        "scale": _keys(found.get("scale"), "", 100.0),
        "rotation": _keys(found.get("rotation"), "", 0.0),
        "horiz": _keys(found.get("center"), "/horiz", 0.0),
        "vert": _keys(found.get("center"), "/vert", 0.0),
        "anchor_x": _keys(found.get("centerOffset"), "/horiz", 0.0),
        "anchor_y": _keys(found.get("centerOffset"), "/vert", 0.0),
    }


def _keys(parameter: ET.Element | None, part: str, still: float) -> list[tuple[int, float]]:
    if parameter is None:
        return [(0, still)]
    keys = [
        (int(text_at(key, "when")), finite(text_at(key, f"value{part}")))
        for key in parameter.iterfind("keyframe")
    ]
    return sorted(keys) or [(0, finite(text_at(parameter, f"value{part}")))]


def _files(sequence: ET.Element) -> dict[str | None, _File]:
    """Every file by its id; each is told in full once, and only named elsewhere."""
    return {
        file.get("id"): _File(
            media_path(file.findtext("pathurl") or file.findtext("name") or ""),
            _size(file.find("media/video/samplecharacteristics")),
            int(file.findtext("duration") or 0),
            None if file.find("timecode/frame") is None else int(text_at(file, "timecode/frame")),
        )
        for file in sequence.iter("file")
        if len(file)
    }


def _rate(sequence: ET.Element) -> Fraction:
    timebase = int(text_at(sequence, "rate/timebase"))
    if not 0 < timebase < 1000:
        raise ValueError(f"a timebase of {timebase} is none")
    ntsc = (sequence.findtext("rate/ntsc") or "").strip().upper() == "TRUE"
    return Fraction(timebase * 1000, 1001) if ntsc else Fraction(timebase)


def _size(picture: ET.Element | None) -> tuple[int, int] | None:
    if picture is None or picture.find("width") is None:
        return None
    width, height = int(text_at(picture, "width")), int(text_at(picture, "height"))
    return (width, height) if width > 0 and height > 0 else None


def _turned(size: tuple[int, int] | None, rotation: int) -> tuple[int, int] | None:
    """`size` after a turn by `rotation` degrees, either way."""
    return (size[1], size[0]) if size and rotation in (90, 270) else size


def _true(element: ET.Element, key: str) -> bool:
    return (element.findtext(key) or "TRUE").strip().upper() != "FALSE"
