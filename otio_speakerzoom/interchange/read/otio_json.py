"""OpenTimelineIO's .otio as an edited timeline, with Resolve's or Premiere's transform, or ours.

Read as JSON and not through OTIO: its parser trusts a file's depth and its numbers. `otio_moves`
says how a clip is placed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    placing_unless_damaged,
    unless_damaged,
)
from otio_speakerzoom.interchange.read.otio_transform import (
    PREMIERE,
    RESOLVE,
    Facts,
    Json,
    is_framed,
    notes_of,
    placing,
)
from otio_speakerzoom.interchange.read.sequences import chosen
from otio_speakerzoom.interchange.read.values import (
    FAULTS,
    exact_rate,
    finite,
    frame_range,
    frames_between,
    media_path,
    reason,
    unreadable,
)
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.timeline.facts import NAMESPACE

_RETIMED = ("LinearTimeWarp", "FreezeFrame", "TimeEffect")
_HOSTS = {RESOLVE: "resolve", PREMIERE: "premiere"}


def read(text: str, given: MediaHints) -> EditedTimeline:
    """Return the picture tracks; the host is the one whose notes the timeline carries.

    Resolve's files say neither the canvas nor the size of the media: these must be given.
    """
    document = json.loads(text)
    timelines = timelines_of(document)
    if not timelines:
        schema = str(document.get("OTIO_SCHEMA", "")) if isinstance(document, dict) else ""
        raise ValueError(f"it is no OTIO timeline{schema and f' but {schema[:40]}'}")
    return chosen([(str(t.get("name") or ""), partial(_read, t, given)) for t in timelines], given)


def timelines_of(document: object) -> list[Json]:
    """Return the timelines of a document: it is one, or a collection of them."""
    if not isinstance(document, dict):
        return []
    if _is(document, "Timeline"):
        return [document]
    if _is(document, "SerializableCollection"):
        return [t for child in document.get("children") or () for t in timelines_of(child)]
    return []


def _read(document: Json, given: MediaHints) -> EditedTimeline:
    stack = document["tracks"]
    tracks = [t for t in stack["children"] if _is(t, "Track") and t.get("kind") == "Video"]
    facts = _facts(document, stack, tracks, given)
    notes: list[str] = []
    read_tracks = tuple(tuple(_clips(track, facts, notes)) for track in tracks)
    return EditedTimeline(
        facts.host,
        str(document.get("name") or ""),
        facts.rate,
        facts.canvas,
        read_tracks,
        tuple(notes),
    )


def _facts(document: Json, stack: Json, tracks: list[Json], given: MediaHints) -> Facts:
    ours = notes_of(document, NAMESPACE)
    resolution = notes_of(stack, PREMIERE).get("VideoResolution", {})
    told = [resolution["width"], resolution["height"]] if resolution else None
    canvas = _size(told) or given.canvas or _size(ours.get("canvas"))
    size = given.size or _size(ours.get("size"))
    host = next((name for key, name in _HOSTS.items() if notes_of(document, key)), "speakerzoom")
    rate = next((r for r in _rates(document, tracks) if 0 < r < 1000), None)
    if rate is None:
        raise ValueError("nothing in it says at what rate it runs")
    return Facts(host, exact_rate(rate), canvas, size)


def _size(sides: Any) -> tuple[int, int] | None:
    """A picture's width and height; None where there is none."""
    if sides is None:
        return None
    width, height = (round(finite(side)) for side in sides)
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise ValueError(f"a picture of {width}x{height} is none")
    return width, height


def _rates(document: Json, tracks: list[Json]) -> Iterator[float]:
    """The rates that a timeline may run at, the likeliest first."""
    items = [item for track in tracks for item in track["children"]]
    ways: list[Callable[[], Any]] = [lambda: document["global_start_time"]]
    ways += [partial(_at, item, "source_range", "duration") for item in (*items, *tracks)]
    ways += [
        lambda item=item: _at(_reference(item), "available_range", "duration") for item in items
    ]
    for way in ways:
        try:
            yield finite(way()["rate"])
        except FAULTS:
            continue


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value[key]
    return value


def _clips(track: Json, facts: Facts, notes: list[str]) -> Iterator[EditedClip]:
    """What lies on a track; what has no length goes into `notes`."""
    at = 0.0
    for item in track["children"]:
        name = ""
        try:
            name = str(item.get("name") or "")
            if _is(item, "Transition"):
                notes.append(f"a transition at frame {round(at)}")
                continue
            start, at = at, at + max(0.0, _length(item, facts))
            if round(start) == round(at):
                if not _is(item, "Gap"):
                    notes.append(f"the clip {name!r} at frame {round(at)} has no length")
                continue
            record = frames_between(start, at)
        except FAULTS as error:
            notes.append(f"the clip {name!r} has no place in the programme: {reason(error)}")
            continue
        if _is(item, "Gap"):
            continue
        clip = unless_damaged(record, name, partial(_clip, item, name, record, facts))
        seen = track.get("enabled") is not False and item.get("enabled") is not False
        yield clip if seen else replace(clip, enabled=False)


def _length(item: Json, facts: Facts) -> float:
    """Frames of the programme that the item fills; of a nested one, as long as what is in it."""
    span = item.get("source_range") or _reference(item).get("available_range")
    if span:
        return facts.frames(span["duration"])
    children = item.get("children")
    if children is None:
        raise ValueError("it says no length")
    lengths = [_length(child, facts) for child in children if not _is(child, "Transition")]
    return max(lengths, default=0) if _is(item, "Stack") else sum(lengths)


def _clip(item: Json, name: str, record: FrameRange, facts: Facts) -> EditedClip:
    reference = _reference(item)
    target = reference.get("target_url")
    if not _is(item, "Clip") or not target:
        nested = "children" in item
        what = "is a sequence of its own" if nested else "has no media of its own"
        return EditedClip(record, None, name, "", None, unsupported=what)
    whole = reference.get("available_range") or item["source_range"]
    begin = facts.frames(whole["start_time"])
    source, unsupported = _source_range(item, whole, record, facts)
    start = source.start if source else 0
    effects = [e for e in item.get("effects") or () if e.get("enabled") is not False]
    move, keys, unsaid = placing_unless_damaged(lambda: placing(item, effects, start, begin, facts))
    noted = notes_of(item, NAMESPACE)
    subjects = noted.get("subjects")
    return EditedClip(
        record, source, str(noted.get("shot") or noted.get("shows") or name), media_path(target),
        move, keys,
        unsupported=", ".join([*unsupported, *unsaid]),
        framed=is_framed(effects, facts),
        subjects=None if subjects is None else tuple(int(id_) for id_ in subjects),
        size=facts.size,
        whole=FrameRange(0, max(1, round(facts.frames(whole["duration"])))),
        # Premiere counts media from 0, whatever its timecode
        timecode=round(begin)
        if reference.get("available_range") and facts.host != "premiere"
        else None,
    )  # fmt: skip


def _source_range(
    item: Json, whole: Json, record: FrameRange, facts: Facts
) -> tuple[FrameRange | None, list[str]]:
    """What a clip plays of its media, and why that is not just a stretch of it.

    A range in OTIO is what the clip fills; its media is played by the product of the speeds.
    """
    speeds = [_speed(effect) for effect in item.get("effects") or () if _is(effect, *_RETIMED)]
    unsupported = ["plays at another speed"] if any(speed != 1 for speed in speeds) else []
    shown = item.get("source_range") or whole
    start = facts.frames(shown["start_time"]) - facts.frames(whole["start_time"])
    duration: float = record.duration
    for speed in speeds:
        duration *= speed if speed is not None else 0
    try:
        return frame_range("it", start, duration), unsupported
    except FAULTS as error:
        return None, unsupported or [unreadable(error)]


def _speed(effect: Json) -> float | None:
    """How fast an effect plays; None where it does not say so."""
    if effect.get("enabled") is False:
        return 1.0
    speed = effect.get("time_scalar")
    return None if speed is None else finite(speed)


def _reference(item: Json) -> Json:
    """The media that the clip plays; empty where it has none."""
    if "media_references" in item:  # Clip.2
        return item["media_references"].get(item.get("active_media_reference_key")) or {}
    return item.get("media_reference") or {}  # Clip.1


def _is(item: Json, *schemas: str) -> bool:
    return str(item["OTIO_SCHEMA"]).split(".")[0] in schemas if "OTIO_SCHEMA" in item else False
