"""Writes a project of Kdenlive, with the effect "Transform" on each clip for its framing.

The document is of version 1.04, that of Kdenlive 22.12. Later versions convert it as they open it,
while 22.12 cannot read theirs. All clips are of one clip in the bin. A track is a tractor of two
playlists, of which Kdenlive uses the second for mixes. Audio tracks lie below video tracks, and a
group ties the clips of a shot together. MLT: as in `timeline.mlt_document`; the properties of
Kdenlive: projects that 22.12.3 and 24.12.3 saved.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import opentimelineio as otio

from otio_speakerzoom.model import FrameRange
from otio_speakerzoom.timeline import mlt_document
from otio_speakerzoom.timeline.facts import ShotClip, TimelineFacts, read_facts, shots_of, tracks_of
from otio_speakerzoom.timeline.frame_rates import COMMON_RATES, warn_unsupported_rate
from otio_speakerzoom.timeline.mlt_document import add_properties, in_out
from otio_speakerzoom.timeline.sequence_id import sequence_id
from otio_speakerzoom.timeline.xml_text import xml_text

_VERSION = "1.04"
_BIN_CLIP = {"kdenlive:id": "2"}
"""The source: the bin itself is -1, and Kdenlive numbers clips from 2."""
_INTERNAL = {"internal_added": "237"}
"""Marks what Kdenlive adds to every project and does not show."""
_GUIDE_CATEGORIES = (("Shot", mlt_document.GREEN), ("Shot to check", mlt_document.RED))
_PROFILE_SIZES = {
    (1280, 720): "atsc_720p",
    (1920, 1080): "atsc_1080p",
    (2560, 1440): "qhd_1440p",
    (3840, 2160): "uhd_2160p",
}
_PROFILE_RATES = {
    rate: f"{float(rate):.2f}".removesuffix(".00").replace(".", "") for rate in COMMON_RATES
}
_PLAYS = {
    "video": {"set.test_audio": "1", "set.test_image": "0"},
    "audio": {"set.test_audio": "0", "set.test_image": "1"},
    "nothing": {"set.test_audio": "1", "set.test_image": "1"},
}
"""What a clip plays -> the properties of its producer; nothing, where it is disabled."""


class _Track(NamedTuple):
    """A track of the timeline; the lowest has the number 0."""

    number: int
    name: str
    kind: Literal["audio", "video"]
    clips: Sequence[ShotClip]
    stream: int = 0
    """Of the source's audio streams, from 0."""

    @property
    def hidden(self) -> str:
        return "video" if self.kind == "audio" else "audio"


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """Return the timeline as a project of Kdenlive."""
    facts, shots = read_facts(input_otio), shots_of(input_otio)
    mlt_document.require_expressible(facts)
    if facts.rate.denominator > 1:  # whole rates are all supported
        warn_unsupported_rate(facts.rate, facts.path, "Kdenlive", COMMON_RATES)
    tracks = list(_tracks(input_otio, facts, shots))
    length = shots[-1].record.end if shots else 1
    document = ET.Element("mlt", LC_NUMERIC="C", producer="main_bin", title=facts.name)
    mlt_document.add_profile(document, facts)
    _add_bin(document, facts, _document_properties(facts, shots, tracks))
    black = {"resource": "black", "eof": "continue", "kdenlive:playlistid": "black_track"}
    mlt_document.add_black(document, "black_track", length, black)
    for track in tracks:
        _add_track(document, facts, track)
    _add_timeline(document, tracks, length)
    return xml_text(document, indent=" ")


def _tracks(
    timeline: otio.schema.Timeline, facts: TimelineFacts, shots: Sequence[ShotClip]
) -> Iterator[_Track]:
    """The tracks from the lowest to the highest: the last audio stream, the first one, video."""
    streams = len(facts.audio_streams)
    for number in range(streams):
        stream = streams - 1 - number
        yield _Track(number, f"Audio {stream + 1}", "audio", shots, stream)
    for number, track in enumerate(tracks_of(timeline), streams):
        yield _Track(number, track.name, "video", track.shots)


def _add_bin(
    document: ET.Element,
    facts: TimelineFacts,
    properties: dict[str, str],
) -> None:
    """Add the source, and the bin, in which Kdenlive stores what concerns the whole project."""
    source = _add_source(document, facts, "source")
    playlist = ET.SubElement(document, "playlist", id="main_bin")
    add_properties(playlist, properties)
    ET.SubElement(playlist, "entry", {"producer": source, **in_out(FrameRange(0, facts.duration))})


def _document_properties(
    facts: TimelineFacts, shots: tuple[ShotClip, ...], tracks: Sequence[_Track]
) -> dict[str, str]:
    categories = [
        {"index": index, "comment": name, "color": colour}
        for index, (name, colour) in enumerate(_GUIDE_CATEGORIES)
    ]
    guides = [
        {
            "pos": shot.record.start,
            "comment": f"{shot.name}: {shot.comment}",
            "type": int(shot.doubtful),
        }
        for shot in shots
    ]
    # Any number: it names the folder in which Kdenlive caches thumbnails and previews.
    number = int(sequence_id(facts, shots)[:8], 16)
    document = {
        "version": _VERSION,
        "documentid": str(number),
        "profile": _profile_name(facts),
        "guidesCategories": json.dumps(categories),
        "guides": json.dumps(guides, ensure_ascii=False),
        "groups": json.dumps(_groups(tracks)),
        "activeTrack": str(len(facts.audio_streams)),  # the lowest video track
    }
    return {f"kdenlive:docproperties.{key}": value for key, value in document.items()} | {
        "xml_retain": "1"
    }


def _profile_name(facts: TimelineFacts) -> str:
    """The name of MLT's own profile of the same canvas and rate; empty where there is none.

    Without a name Kdenlive 24.12 says that 29.97 is a non-standard rate, and then reads it exactly.
    """
    size, rate = _PROFILE_SIZES.get(facts.canvas), _PROFILE_RATES.get(facts.rate)
    return f"{size}_{rate}" if size and rate else ""


def _groups(tracks: Sequence[_Track]) -> list[dict[str, Any]]:
    """The clips of each shot, named by their track and frame, which then stay together."""
    members: dict[int, list[dict[str, str]]] = {}
    for track in tracks:
        for clip in track.clips:
            leaf = {"type": "Leaf", "leaf": "clip", "data": f"{track.number}:{clip.record.start}"}
            if clip.number:
                members.setdefault(clip.number, []).append(leaf)
    return [{"type": "AVSplit", "children": m} for m in members.values() if len(m) > 1]


def _add_track(document: ET.Element, facts: TimelineFacts, track: _Track) -> None:
    """Add a tractor of two playlists, and a producer for each way in which its clips play."""
    kind = {"kdenlive:audio_track": "1"} if track.kind == "audio" else {}
    ids = [f"playlist{2 * track.number + part}" for part in range(2)]
    played = {id(clip): track.kind if clip.enabled else "nothing" for clip in track.clips}
    for plays in sorted(set(played.values())):
        _add_source(document, facts, f"track{track.number}_{plays}", track.stream, _PLAYS[plays])
    clips, mixes = (ET.SubElement(document, "playlist", id=id_) for id_ in ids)
    for playlist in (clips, mixes):
        add_properties(playlist, kind)
    at = 0
    for clip in track.clips:
        if at < clip.record.start:
            ET.SubElement(clips, "blank", length=str(clip.record.start - at))
        producer = f"track{track.number}_{played[id(clip)]}"
        entry = ET.SubElement(clips, "entry", {"producer": producer, **in_out(clip.source)})
        add_properties(entry, _BIN_CLIP)
        if track.kind == "video":
            _add_framing(entry, facts, clip)
        at = clip.record.end
    tractor = ET.SubElement(document, "tractor", {"id": f"tractor{track.number}", "in": "0"})
    if at:
        tractor.set("out", str(at - 1))
    add_properties(tractor, {**kind, "kdenlive:track_name": track.name})
    for id_ in ids:
        ET.SubElement(tractor, "track", hide=track.hidden, producer=id_)


def _add_source(
    document: ET.Element,
    facts: TimelineFacts,
    id_: str,
    stream: int = 0,
    plays: dict[str, str] | None = None,
) -> str:
    """Add a producer of the source and return its id; `plays` for one of the timeline."""
    whole = {"id": id_, **in_out(FrameRange(0, facts.duration))}
    producer = ET.SubElement(document, "producer", whole)
    add_properties(
        producer,
        {
            **mlt_document.media_properties(facts, stream, "avformat"),
            **_BIN_CLIP,
            "kdenlive:folderid": "-1",
            "kdenlive:clip_type": "0" if facts.audio_streams else "2",  # with audio, video only
            **(plays or {}),
        },
    )
    return id_


def _add_framing(entry: ET.Element, facts: TimelineFacts, clip: ShotClip) -> None:
    """Add the effect "Transform"; its keyframes count from the source's first frame."""
    rectangles = mlt_document.rectangles(facts, clip)
    framing = ET.SubElement(entry, "filter")
    add_properties(
        framing,
        {
            "mlt_service": "qtblend",
            "kdenlive_id": "qtblend",
            "rotate_center": "1",
            "rect": ";".join(f"{frame}={rect}" for frame, rect in rectangles),
            "rotation": ";".join(f"{frame}=0" for frame, _ in rectangles),
            "compositing": "0",
            "distort": "0",
        },
    )
    if clip.is_second_half:
        half = mlt_document.half_properties(clip, facts)
        add_properties(ET.SubElement(entry, "filter"), {"kdenlive_id": "qtcrop", **half})


def _add_timeline(document: ET.Element, tracks: Sequence[_Track], length: int) -> None:
    """Add the black background and the tracks above it, mixed or laid over it."""
    whole = {"id": "timeline", **in_out(FrameRange(0, length))}
    tractor = ET.SubElement(document, "tractor", whole)
    ET.SubElement(tractor, "track", producer="black_track")
    for track in tracks:
        ET.SubElement(tractor, "track", producer=f"tractor{track.number}")
    for track in tracks:
        id_, above = f"transition{track.number}", track.number + 1
        if track.kind == "audio":
            more = {"kdenlive_id": "mix", **_INTERNAL, "accepts_blanks": "1"}
            mlt_document.add_mix(tractor, id_, above, more)
            continue
        mlt_document.add_overlay(tractor, id_, 0, above, _INTERNAL["internal_added"])
