"""Rules of single formats that `check` applies: links, ids, limits.

A reader can do without them, but an editor drops or refuses what breaks them. The limits are those
that Resolve and Premiere declare in their exports.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from otio_speakerzoom.interchange.read.mlt_project import property_of
from otio_speakerzoom.interchange.read.otio_json import parse_otio, timelines_of
from otio_speakerzoom.interchange.read.otio_transform import RESOLVE, Json, metadata_of
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.xmeml import sequences_of

_RESOLVE_LIMITS = {
    "transformationZoomX": (0.0, 100.0),
    "transformationZoomY": (0.0, 100.0),
    "transformationPan": (-4.0, 4.0),
    "transformationTilt": (-4.0, 4.0),
}
_PREMIERE_MAX_SCALE_PERCENT = 1000.0


def format_problems(text: str, suffix: str) -> Iterator[str]:
    """Yield a line for each broken rule in a document that a reader has already accepted."""
    if suffix.lower() == ".otio":
        for timeline in timelines_of(parse_otio(text)):
            yield from _resolve_limit_problems(timeline)
    elif suffix.lower() == ".xml":
        root = parse_xml(text)
        yield from _file_problems(root)
        for sequence in sequences_of(root):
            yield from _id_problems(sequence)
            yield from _link_problems(sequence)
            yield from _scale_problems(sequence)
    elif suffix.lower() == ".mlt":
        yield from _background_problems(parse_xml(text))
    elif suffix.lower() == ".kdenlive":
        yield from _bin_problems(parse_xml(text))


def _background_problems(root: ET.Element) -> Iterator[str]:
    """A project without the black track that Shotcut has below all others."""
    for tractor in root.iter("tractor"):
        tracks = [track.get("producer") for track in tractor.iterfind("track")]
        project = any(p.get("name") == "shotcut" for p in tractor.iterfind("property"))
        if project and tracks and tracks[0] != "background":
            yield (
                "its lowest track is not a background: Shotcut stretches the first clip there over "
                "the whole programme; `speakerzoom import` saves your changes, then export again"
            )


def _bin_problems(root: ET.Element) -> Iterator[str]:
    """What Kdenlive does not find in the project bin: it calls the file corrupt, or drops clips."""
    by_id = {element.get("id"): element for element in root}
    playlists = {element.get("id"): element for element in root.iterfind("playlist")}
    project_bin = playlists.pop("main_bin", ET.Element("playlist"))
    if not property_of(project_bin, "kdenlive:docproperties.version"):
        yield "it has no version of Kdenlive's document: Kdenlive cannot open it"
    sources = [by_id.get(entry.get("producer")) for entry in project_bin.iterfind("entry")]
    ids = {property_of(source, "kdenlive:id") for source in sources if source is not None}
    for tractor in root.iterfind("tractor"):
        parts = [track.get("producer") for track in tractor.iterfind("track")]
        if not parts or not all(part in playlists for part in parts):
            continue  # not a track, whose parts are playlists
        clips = [clip for part in parts for clip in playlists[part].iterfind("entry")]
        if any(property_of(clip, "kdenlive:id") not in ids for clip in clips):
            name = property_of(tractor, "kdenlive:track_name") or tractor.get("id")
            yield (
                f"its track {name} has a clip that is not in the project bin: Kdenlive removes it"
            )


def _resolve_limit_problems(timeline: Json) -> Iterator[str]:
    """Numbers past Resolve's limits, where it cuts them off without a word."""
    for track in timeline["tracks"]["children"]:
        for item in track.get("children") or ():
            for effect in item.get("effects") or ():
                for parameter in metadata_of(effect, RESOLVE).get("Parameters") or ():
                    name = parameter.get("Parameter ID")
                    least, most = _RESOLVE_LIMITS.get(name, (None, None))
                    value = parameter.get("Parameter Value")
                    if least is not None and most is not None and not least <= value <= most:
                        yield (
                            f"the clip {item.get('name')!r} has {name} {value:g}, but Resolve "
                            f"takes {least:g} to {most:g}"
                        )


def _id_problems(sequence: ET.Element) -> Iterator[str]:
    """Ids that several clips share."""
    ids = Counter(clip.get("id") for clip in sequence.iter("clipitem"))
    yield from (f"{n} clips have the id {id_}" for id_, n in ids.items() if n > 1 and id_)


def _file_problems(root: ET.Element) -> Iterator[str]:
    """Files that the document describes twice or nowhere; a bin may describe them too."""
    files = list(root.iter("file"))
    counts = Counter(file.get("id") for file in files if len(file))
    yield from (f"the file {id_} is described {n} times" for id_, n in counts.items() if n > 1)
    for id_ in dict.fromkeys(file.get("id") for file in files):
        if id_ not in counts:
            yield f"the file {id_} is named but not described anywhere"


def _link_problems(sequence: ET.Element) -> Iterator[str]:
    """Links that lead nowhere or only one way: audio and video come apart."""
    links = {
        clip.get("id"): {link.findtext("linkclipref") for link in clip.iterfind("link")}
        for clip in sequence.iter("clipitem")
    }
    for id_, others in links.items():
        for other in sorted(filter(None, others)):
            if other not in links:
                yield f"the clip {id_} is linked to {other}, which is not there"
            elif id_ not in links[other]:
                yield f"the clip {id_} is linked to {other}, but not the other way"


def _scale_problems(sequence: ET.Element) -> Iterator[str]:
    """Scales past Premiere's limit."""
    for clip in sequence.iter("clipitem"):
        for parameter in clip.iterfind("filter/effect[effectid='basic']/parameter"):
            if parameter.findtext("parameterid") != "scale":
                continue
            values = [v.text or "" for v in parameter.iter("value")]
            if any(float(value) > _PREMIERE_MAX_SCALE_PERCENT for value in values):
                yield (
                    f"the clip {clip.get('id')} is scaled by more than "
                    f"{_PREMIERE_MAX_SCALE_PERCENT:.0f} %, the most that Premiere takes"
                )
