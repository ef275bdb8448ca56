"""What a format's own bookkeeping asks for and a reader can do without: links, ids, limits.

An editor drops or refuses what breaks these. Limits: Resolve's transform as its exports declare
it, Premiere's scale as its exports declare it.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator

from otio_speakerzoom.interchange.read.otio_json import timelines_of
from otio_speakerzoom.interchange.read.otio_transform import Json
from otio_speakerzoom.interchange.read.safe_xml import parse_xml
from otio_speakerzoom.interchange.read.xmeml import sequences_of

_RESOLVE_LIMITS = {
    "transformationZoomX": (0.0, 100.0),
    "transformationZoomY": (0.0, 100.0),
    "transformationPan": (-4.0, 4.0),
    "transformationTilt": (-4.0, 4.0),
}
_MOST_SCALE = 1000.0  # percent


def faults(text: str, suffix: str) -> Iterator[str]:
    """Yield a line for each fault in a document that a reader has read already."""
    if suffix.lower() == ".otio":
        for timeline in timelines_of(json.loads(text)):
            yield from _otio_faults(timeline)
    elif suffix.lower() == ".xml":
        root = parse_xml(text)
        yield from _file_faults(root)
        for sequence in sequences_of(root):
            yield from _id_faults(sequence)
            yield from _link_faults(sequence)
            yield from _scale_faults(sequence)
    elif suffix.lower() == ".mlt":
        yield from _background_faults(parse_xml(text))


def _background_faults(root: ET.Element) -> Iterator[str]:
    """A project without the black that Shotcut has below all tracks."""
    for tractor in root.iter("tractor"):
        tracks = [track.get("producer") for track in tractor.iterfind("track")]
        project = any(p.get("name") == "shotcut" for p in tractor.iterfind("property"))
        if project and tracks and tracks[0] != "background":
            yield (
                "its lowest track is no background: Shotcut stretches the first clip there over "
                "the whole programme; `speakerzoom import` takes your changes, then export again"
            )


def _otio_faults(document: Json) -> Iterator[str]:
    """Numbers past what Resolve takes, which it cuts off without a word."""
    for track in document["tracks"]["children"]:
        for item in track.get("children") or ():
            for effect in item.get("effects") or ():
                noted = (effect.get("metadata") or {}).get("Resolve_OTIO") or {}
                for parameter in noted.get("Parameters") or ():
                    name = parameter.get("Parameter ID")
                    least, most = _RESOLVE_LIMITS.get(name, (None, None))
                    value = parameter.get("Parameter Value")
                    if least is not None and most is not None and not least <= value <= most:
                        yield (
                            f"the clip {item.get('name')!r} has {name} {value:g}, but Resolve "
                            f"takes {least:g} to {most:g}"
                        )


def _id_faults(sequence: ET.Element) -> Iterator[str]:
    """Ids that are not one clip's alone."""
    ids = Counter(clip.get("id") for clip in sequence.iter("clipitem"))
    yield from (f"{n} clips have the id {id_}" for id_, n in ids.items() if n > 1 and id_)


def _file_faults(root: ET.Element) -> Iterator[str]:
    """Files that are told twice, or nowhere in the document: a bin may tell them too."""
    files = list(root.iter("file"))
    told = Counter(file.get("id") for file in files if len(file))
    yield from (f"the file {id_} is described {n} times" for id_, n in told.items() if n > 1)
    for id_ in dict.fromkeys(file.get("id") for file in files):
        if id_ not in told:
            yield f"the file {id_} is named but not described anywhere"


def _link_faults(sequence: ET.Element) -> Iterator[str]:
    """Links that lead nowhere, or are not returned: sound and picture come apart."""
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


def _scale_faults(sequence: ET.Element) -> Iterator[str]:
    for clip in sequence.iter("clipitem"):
        for parameter in clip.iterfind("filter/effect[effectid='basic']/parameter"):
            if parameter.findtext("parameterid") != "scale":
                continue
            values = [v.text or "" for v in parameter.iter("value")]
            if any(float(value) > _MOST_SCALE for value in values):
                yield (
                    f"the clip {clip.get('id')} is scaled by more than {_MOST_SCALE:.0f} %, "
                    "the most that Premiere takes"
                )
