"""Reads MLT XML of Shotcut, Kdenlive, or our own.

A track is a playlist of entries that show a stretch of a producer (Shotcut says chain); Kdenlive
makes a track of two playlists, in a tractor of their own. `mlt_transform` reads how a clip is
placed, `kdenlive` what only its projects have. MLT counts the last frame in, and writes times in
frames or as a clock. MLT: mltframework.org, "MLT XML"; Shotcut: shotcut.org, "MLT XML Annotations".
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import PurePosixPath

from otio_speakerzoom.interchange.read import kdenlive, messages
from otio_speakerzoom.interchange.read.edited_timeline import (
    EditedClip,
    EditedTimeline,
    MediaHints,
    clip_or_reason,
    clip_without_source,
)
from otio_speakerzoom.interchange.read.mlt_dissolves import Dissolve, dissolve_of, with_dissolves
from otio_speakerzoom.interchange.read.mlt_project import (
    Project,
    profile_of,
    programme_of,
    property_of,
)
from otio_speakerzoom.interchange.read.mlt_transform import changes_video, read_filters
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.sequences import choose_sequence
from otio_speakerzoom.interchange.read.values import (
    READ_ERRORS,
    finite_number,
    frame_range,
    media_path,
)
from otio_speakerzoom.model import FrameRange

_FILE_SERVICES = ("avformat", "avformat-novalidate", "timewarp")
_STILL_SERVICES = ("qimage", "pixbuf")
_TITLE_SERVICES = ("qtext", "pango", "kdenlivetitle", "dynamictext", "glaxnimate", "webvfx", "qml")
_COLOUR_SERVICES = ("color", "colour")
_PRODUCER_TAGS = ("producer", "chain", "playlist", "tractor")
_AUDIO_TRACK_PROPERTIES = ("shotcut:audio", "kdenlive:audio_track")
_MAX_DEPTH = 8
"""Tractors inside one another; Kdenlive's sequences of sequences have about four."""
_MAX_VISITS = 200_000
"""Elements that may be visited: a few lines that name one another could cause endless work."""


def read(text: str, hints: MediaHints) -> EditedTimeline:
    """Return the video tracks; MLT does not carry the size of the media, so `hints` must."""
    document = parse_xml(text)
    if document.tag != "mlt":
        raise ValueError(f"it is <{document.tag}>, not mlt")
    producers = {
        id_: element
        for element in document.iter()
        if element.tag in _PRODUCER_TAGS and (id_ := element.get("id"))
    }
    rate, canvas = profile_of(document)
    visits = iter(range(_MAX_VISITS))
    project = Project(
        document.get("root", ""), rate, canvas, producers, hints, visits,
        kdenlive.is_kdenlive(document),
    )  # fmt: skip
    sequences = kdenlive.sequences_of(document) or [
        (document.get("title", ""), programme_of(document))
    ]
    return choose_sequence(
        [
            (name, partial(_read, document, name, programme, project))
            for name, programme in sequences
        ],
        hints,
    )


def _read(
    document: ET.Element, name: str, programme: ET.Element, project: Project
) -> EditedTimeline:
    warnings: list[str] = []
    if document.find("profile") is None and not document.get("profile"):
        warnings.append(
            "the project has no profile: melt plays it at 25 frames per second in 720x576"
        )
    tracks = list(_tracks(programme, project, warnings, _MAX_DEPTH))
    # The lowest track of Shotcut and Kdenlive is black, and as long as the programme.
    if len(tracks) > 1 and _has_background(programme, project):
        del tracks[0]
    tracks = [track for track in tracks if track]
    host = "kdenlive" if project.is_kdenlive else "shotcut"
    if project.is_kdenlive:
        warnings += kdenlive.composition_warnings(programme, project)
    return EditedTimeline(host, name, project.rate, project.canvas, tuple(tracks), tuple(warnings))


def _has_background(element: ET.Element, project: Project) -> bool:
    """Whether the lowest track of a tractor shows a plain colour from end to end."""
    for _ in range(_MAX_DEPTH):
        if element.tag != "tractor":
            break
        lowest = next(element.iter("track"), None)
        inner = None if lowest is None else project.producers.get(lowest.get("producer", ""))
        if inner is None:
            return False
        element = inner
    ids = [entry.get("producer", "") for entry in element.iterfind("entry")]
    producers = [project.producers.get(id_) for id_ in ids] or [element]
    return all(
        p is not None and property_of(p, "mlt_service") in _COLOUR_SERVICES for p in producers
    )


def _tracks(
    element: ET.Element, project: Project, warnings: list[str], depth: int, *, enabled: bool = True
) -> Iterator[tuple[EditedClip, ...]]:
    """The video tracks of a tractor, a playlist or a producer, the lowest first."""
    project.count_visit()
    if depth < 1:
        raise ValueError(f"its tractors are nested more than {_MAX_DEPTH} deep")
    if any(property_of(element, name) for name in _AUDIO_TRACK_PROPERTIES):
        return
    filters = element.iterfind("filter") if element.tag in ("playlist", "tractor") else ()
    if any(map(changes_video, filters)):
        name = property_of(element, "shotcut:name") or element.get("id", "")
        warnings.append(f"a filter on the whole track {name}")
    if element.tag != "tractor":
        entries = [e for e in element if e.tag in ("entry", "blank")]
        items = entries if element.tag == "playlist" else [element]
        dissolves: list[Dissolve] = []
        clips = list(_clips(items, project, warnings, dissolves, enabled=enabled))
        yield with_dissolves(clips, dissolves)
        return
    parts = _inner_tracks(element, project, warnings, depth, enabled=enabled)
    if kdenlive.is_track(element, project):
        yield kdenlive.joined_playlists(element, parts, project, warnings)
    else:
        yield from parts


def _inner_tracks(
    tractor: ET.Element, project: Project, warnings: list[str], depth: int, *, enabled: bool
) -> Iterator[tuple[EditedClip, ...]]:
    """The tracks of a tractor."""
    for track in (*tractor.iterfind("track"), *tractor.iterfind("multitrack/track")):
        inner = project.producers.get(track.get("producer", ""))
        if inner is not None:
            visible = enabled and track.get("hide") not in ("video", "both")
            yield from _tracks(inner, project, warnings, depth - 1, enabled=visible)


def _clips(
    items: list[ET.Element],
    project: Project,
    warnings: list[str],
    dissolves: list[Dissolve],
    *,
    enabled: bool,
) -> Iterator[EditedClip]:
    """The clips of a track's entries and blanks, or of one producer."""
    at = 0
    for item in items:
        project.count_visit()
        producer = project.producers.get(item.get("producer", "")) if item.tag == "entry" else item
        name = item.get("producer", "an entry") if producer is None else _name(producer)
        try:
            if item.tag == "blank":
                at += max(0, project.frame(item.attrib["length"]))
                continue
            first, last = _first_and_last(item, producer, project)
            record = frame_range("it", at, last + 1 - first)
        except READ_ERRORS as error:
            warnings.append(messages.no_place(name, error))
            continue
        at = record.end
        if producer is not None and kdenlive.is_sequence(producer):
            yield clip_without_source(record, name, messages.NESTED_SEQUENCE)
        elif producer is None or producer.tag == "tractor":
            warnings.append(messages.transition(record.start))
            dissolve = None if producer is None else dissolve_of(producer, record, project)
            dissolves += [dissolve] if dissolve else []
        elif not _is_audio_only(producer):
            read_clip = partial(_read_clip, item, producer, record, first, project)
            clip = clip_or_reason(record, name, read_clip)
            visible = enabled and not kdenlive.is_disabled(producer)
            yield clip if visible else replace(clip, enabled=False)


def _first_and_last(
    item: ET.Element, producer: ET.Element | None, project: Project
) -> tuple[int, int]:
    """First and last frame of an entry; by default, of its producer."""
    defaults = {} if producer is None else producer.attrib
    first, last = (item.get(key) or defaults.get(key) for key in ("in", "out"))
    if last is None and producer is not None and (length := property_of(producer, "length")):
        return project.frame(first or "0"), project.frame(length) - 1
    if last is None:
        raise ValueError("it has no end")
    return project.frame(first or "0"), project.frame(last)


def _is_audio_only(producer: ET.Element) -> bool:
    """Whether the video of a producer is off."""
    off = (
        property_of(producer, "video_index") == "-1"
        or property_of(producer, "set.test_image") == "1"
    )
    plays_audio = off and not kdenlive.is_disabled(producer)
    return plays_audio and property_of(producer, "mlt_service") in (*_FILE_SERVICES, "")


def _read_clip(
    item: ET.Element, producer: ET.Element, record: FrameRange, first: int, project: Project
) -> EditedClip:
    name, service = _name(producer), property_of(producer, "mlt_service")
    resource = property_of(producer, "resource")
    if service not in (*_FILE_SERVICES, "") or (not service and not resource):
        still = service in _STILL_SERVICES
        unsupported = "is a still image" if still else messages.NO_MEDIA
        opaque = service not in _TITLE_SERVICES
        return clip_without_source(record, name, unsupported, opaque=opaque)
    played = frame_range("it", first, record.duration)
    source: FrameRange | None = played
    reasons: list[str] = []
    if service == "timewarp":  # the speed, a colon, the file
        speed, _, resource = resource.partition(":")
        reasons.append(messages.OTHER_SPEED)
        source = _retimed_range(played, speed)
    path = _absolute_path(resource, project)
    reasons += [
        f"has the link {property_of(link, 'mlt_service')}" for link in producer.iterfind("link")
    ]
    holders = [producer] if item is producer else [producer, item]
    (transform, keys, unsupported, rest), has_transform = read_filters(holders, played, project)
    length = property_of(producer, "length")
    return EditedClip(
        record, source, name, path, transform, keys,
        unsupported=", ".join(dict.fromkeys([*reasons, *unsupported])),
        has_transform=has_transform,
        rest=rest,
        size=project.hints.size,
        available_range=FrameRange(0, project.frame(length)) if length else None,
    )  # fmt: skip


def _retimed_range(played: FrameRange, speed: str) -> FrameRange | None:
    """The frames of the media that are played at a speed; None where it runs backwards."""
    try:
        factor = finite_number(speed)
        return frame_range("it", played.start * factor, played.duration * factor)
    except READ_ERRORS:
        return None


def _absolute_path(resource: str, project: Project) -> str:
    path = media_path(resource)
    if project.root and not re.match(r"[/\\]|[A-Za-z]:", path):
        return media_path(f"{project.root.rstrip('/')}/{path}")
    return path


def _name(producer: ET.Element) -> str:
    names = (property_of(producer, key) for key in ("shotcut:caption", "kdenlive:clipname"))
    media = property_of(producer, "resource") if property_of(producer, "kdenlive:id") else ""
    file_name = PurePosixPath(media.replace("\\", "/")).name
    return next(filter(None, names), "") or file_name or producer.get("id", "")
