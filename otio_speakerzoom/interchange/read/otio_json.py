"""Reads OpenTimelineIO's .otio, with Resolve's or Premiere's transform, or our own.

Read as JSON and not through OTIO: its parser trusts a file's depth and its numbers.
`otio_transform` reads how a clip is placed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from otio_speakerzoom.interchange.read import messages
from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    clip_or_reason,
    clip_without_source,
    transform_or_reason,
)
from otio_speakerzoom.interchange.read.otio_transform import (
    PREMIERE,
    RESOLVE,
    Json,
    TimelineFacts,
    has_transform,
    metadata_of,
    read_transform,
)
from otio_speakerzoom.interchange.read.sequences import choose_sequence
from otio_speakerzoom.interchange.read.values import (
    READ_ERRORS,
    exact_rate,
    finite_number,
    frame_range,
    frame_size,
    frames_between,
    media_path,
    unreadable,
)
from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.store.json_values import parse_json
from otio_speakerzoom.timeline.facts import NAMESPACE

_RETIMING_SCHEMAS = ("LinearTimeWarp", "FreezeFrame", "TimeEffect")
_HOSTS = {RESOLVE: "resolve", PREMIERE: "premiere"}


def parse_otio(text: str) -> Any:
    """Return the JSON of a timeline; ValueError, in one line, where it is none."""
    try:
        return parse_json(text, unique=False)
    except ValueError as error:
        raise ValueError(f"it {error}".replace("it line", "line")) from error


def read(text: str, hints: MediaHints) -> EditedTimeline:
    """Return the video tracks; the host is the one whose metadata the timeline carries.

    Resolve's files have neither the canvas nor the size of the media, so `hints` must.
    """
    document = parse_otio(text)
    timelines = timelines_of(document)
    if not timelines:
        schema = str(document.get("OTIO_SCHEMA", "")) if isinstance(document, dict) else ""
        raise ValueError(f"it is not an OTIO timeline{schema and f' but {schema[:40]}'}")
    sequences = [(str(t.get("name") or ""), partial(_read, t, hints)) for t in timelines]
    return choose_sequence(sequences, hints)


def timelines_of(document: object) -> list[Json]:
    """Return the timelines of a document: it is one, or a collection of them."""
    if not isinstance(document, dict):
        return []
    if _is(document, "Timeline"):
        return [document]
    if _is(document, "SerializableCollection"):
        return [t for child in document.get("children") or () for t in timelines_of(child)]
    return []


def _read(document: Json, hints: MediaHints) -> EditedTimeline:
    stack = document["tracks"]
    tracks = [t for t in stack["children"] if _is(t, "Track") and t.get("kind") == "Video"]
    facts = _facts(document, stack, tracks, hints)
    warnings: list[str] = []
    clips = tuple(tuple(_clips(track, facts, warnings)) for track in tracks)
    name = str(document.get("name") or "")
    return EditedTimeline(facts.host, name, facts.rate, facts.canvas, clips, tuple(warnings))


def _facts(document: Json, stack: Json, tracks: list[Json], hints: MediaHints) -> TimelineFacts:
    ours = metadata_of(document, NAMESPACE)
    resolution = metadata_of(stack, PREMIERE).get("VideoResolution", {})
    sides = [resolution["width"], resolution["height"]] if resolution else None
    canvas = _size(sides) or hints.canvas or _size(ours.get("canvas"))
    size = hints.size or _size(ours.get("size"))
    host = next((name for key, name in _HOSTS.items() if metadata_of(document, key)), "speakerzoom")
    rate = next((r for r in _rates(document, tracks) if 0 < r < 1000), None)
    if rate is None:
        raise ValueError("it has no frame rate")
    return TimelineFacts(host, exact_rate(rate), canvas, size)


def _size(sides: Any) -> tuple[int, int] | None:
    if sides is None:
        return None
    width, height = (round(finite_number(side)) for side in sides)
    return frame_size(width, height)


def _rates(document: Json, tracks: list[Json]) -> Iterator[float]:
    """The rates that a timeline may run at, the likeliest first."""
    items = [item for track in tracks for item in track["children"]]
    times: list[Callable[[], Any]] = [lambda: document["global_start_time"]]
    times += [partial(_at, item, "source_range", "duration") for item in (*items, *tracks)]
    times += [
        lambda item=item: _at(_media_reference(item), "available_range", "duration")
        for item in items
    ]
    for time in times:
        try:
            yield finite_number(time()["rate"])
        except READ_ERRORS:
            continue


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value[key]
    return value


def _clips(track: Json, facts: TimelineFacts, warnings: list[str]) -> Iterator[EditedClip]:
    """The clips of a track; what has no length or place goes into `warnings`."""
    at = 0.0
    for item in track["children"]:
        name = ""
        try:
            name = str(item.get("name") or "")
            if _is(item, "Transition"):
                warnings.append(messages.transition(round(at)))
                continue
            start, at = at, at + max(0.0, _length(item, facts))
            if round(start) == round(at):
                if not _is(item, "Gap"):
                    warnings.append(messages.no_length(name, round(at)))
                continue
            record = frames_between(start, at)
        except READ_ERRORS as error:
            warnings.append(messages.no_place(name, error))
            continue
        if _is(item, "Gap"):
            continue
        clip = clip_or_reason(record, name, partial(_read_clip, item, name, record, facts))
        enabled = track.get("enabled") is not False and item.get("enabled") is not False
        yield clip if enabled else replace(clip, enabled=False)


def _length(item: Json, facts: TimelineFacts) -> float:
    """Frames of the programme that an item fills; a nested one, as many as its children."""
    span = item.get("source_range") or _media_reference(item).get("available_range")
    if span:
        return facts.frames(span["duration"])
    children = item.get("children")
    if children is None:
        raise ValueError("it has no length")
    lengths = [_length(child, facts) for child in children if not _is(child, "Transition")]
    return max(lengths, default=0) if _is(item, "Stack") else sum(lengths)


def _read_clip(item: Json, name: str, record: FrameRange, facts: TimelineFacts) -> EditedClip:
    reference = _media_reference(item)
    target = reference.get("target_url")
    if not _is(item, "Clip") or not target:
        nested = "children" in item
        unsupported = messages.NESTED_SEQUENCE if nested else messages.NO_MEDIA
        return clip_without_source(record, name, unsupported)
    available = reference.get("available_range") or item["source_range"]
    begin = facts.frames(available["start_time"])
    source, retiming = _source_range(item, available, record, facts)
    start = source.start if source else 0
    effects = [e for e in item.get("effects") or () if e.get("enabled") is not False]
    transform, keys, unsupported, rest = transform_or_reason(
        lambda: read_transform(item, effects, start, begin, facts)
    )
    ours = metadata_of(item, NAMESPACE)
    subjects = ours.get("subjects")
    return EditedClip(
        record, source, str(ours.get("shot") or ours.get("shows") or name), media_path(target),
        transform, keys,
        unsupported=", ".join([*retiming, *unsupported]),
        has_transform=has_transform(effects, facts),
        rest=rest,
        subjects=None if subjects is None else tuple(int(id_) for id_ in subjects),
        size=facts.size,
        available_range=FrameRange(0, max(1, round(facts.frames(available["duration"])))),
        # Premiere counts media from 0, whatever its timecode
        timecode=round(begin)
        if reference.get("available_range") and facts.host != "premiere"
        else None,
    )  # fmt: skip


def _source_range(
    item: Json, available: Json, record: FrameRange, facts: TimelineFacts
) -> tuple[FrameRange | None, list[str]]:
    """The frames of its media that a clip plays, None where unknown, and what is unsupported.

    A range in OTIO is what the clip fills; its media is played by the product of the speeds.
    """
    effects = item.get("effects") or ()
    speeds = [_speed(effect) for effect in effects if _is(effect, *_RETIMING_SCHEMAS)]
    unsupported = [messages.OTHER_SPEED] if any(speed != 1 for speed in speeds) else []
    span = item.get("source_range") or available
    start = facts.frames(span["start_time"]) - facts.frames(available["start_time"])
    duration: float = record.duration
    for speed in speeds:
        duration *= speed if speed is not None else 0
    try:
        return frame_range("it", start, duration), unsupported
    except READ_ERRORS as error:
        return None, unsupported or [unreadable(error)]


def _speed(effect: Json) -> float | None:
    """The speed of a retiming effect; None where it has none."""
    if effect.get("enabled") is False:
        return 1.0
    speed = effect.get("time_scalar")
    return None if speed is None else finite_number(speed)


def _media_reference(item: Json) -> Json:
    """The media that a clip plays; empty where it has none."""
    if "media_references" in item:  # Clip.2
        return item["media_references"].get(item.get("active_media_reference_key")) or {}
    return item.get("media_reference") or {}  # Clip.1


def _is(item: Json, *schemas: str) -> bool:
    return str(item["OTIO_SCHEMA"]).split(".")[0] in schemas if "OTIO_SCHEMA" in item else False
