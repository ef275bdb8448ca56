"""What an FCPXML's sequence refers to: formats, assets, and what they say where clips do not."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath

from otio_speakerzoom.interchange.read.edited_timeline import MediaHints
from otio_speakerzoom.interchange.read.fcpxml_transform import time_of
from otio_speakerzoom.interchange.read.values import exact_rate, media_path

WITH_MEDIA = ("asset-clip", "clip", "video")
"""Clips that may play an asset."""
_HEARD = (".aac", ".aif", ".aiff", ".caf", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav")
_NAMED = re.compile(r"FFVideoFormat(?:(\d+)x)?(\d+)([pi])(\d{2,4})")
"""Apple's names of formats: the width where it is not 16:9, the height, and the rate or 100 times
it; an interlaced one counts fields."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, as the document describes it."""

    path: str
    start: Fraction
    """Its timecode in seconds, 0 where the file does not say it."""
    starts: bool
    """Whether it does."""
    duration: Fraction
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for a whole sequence."""

    rate: Fraction
    canvas: tuple[int, int] | None
    start: Fraction
    """Timecode of the programme in seconds."""
    dialect: str
    resources: Mapping[str, ET.Element]
    """Everything that has an id: formats, assets, effects, compound clips."""
    given: MediaHints

    def frames(self, seconds: Fraction) -> Fraction:
        """Return a time in frames of the programme."""
        return seconds * self.rate

    def asset(self, id_: str) -> ET.Element | None:
        """Return the asset of that id."""
        found = self.resources.get(id_)
        return found if found is not None and found.tag == "asset" else None


def start_of(item: ET.Element, facts: Facts) -> Fraction:
    """Return where a clip's own time starts: with the media's where it does not say so."""
    if "start" in item.attrib:
        return time_of(item.attrib["start"])
    asset = None if item.tag == "clip" else facts.asset(item.get("ref", ""))
    return Fraction(0) if asset is None else time_of(asset.get("start", "0s"))


def duration_of(item: ET.Element, facts: Facts) -> Fraction:
    """Return how long an item is: as long as what it plays where it does not say so."""
    if "duration" in item.attrib:
        return time_of(item.attrib["duration"])
    resource = facts.resources.get(item.get("ref", ""))
    inner = None if resource is None else resource.find("sequence")
    told = resource if inner is None else inner
    if told is None:
        raise ValueError("it says no duration")
    return time_of(told.attrib["duration"])


def is_heard(item: ET.Element, facts: Facts) -> bool:
    """Return whether an item is only heard: its sound alone was taken, or there is no picture."""
    if item.get("srcEnable") == "audio" or item.tag == "audio":
        return True
    if item.tag == "clip":
        return item.find("video") is None and item.find("audio") is not None
    asset = facts.asset(item.get("ref", ""))
    if item.tag not in WITH_MEDIA or asset is None:
        return False
    if "hasVideo" in asset.attrib:
        return asset.get("hasVideo") == "0"
    if asset.get("hasAudio") == "1" and "format" not in asset.attrib:
        return True
    return PurePosixPath(_source(asset)).suffix.lower() in _HEARD


def _source(asset: ET.Element) -> str:
    return asset.get("src") or next((m.get("src", "") for m in asset.iter("media-rep")), "")


def asset_of(asset: ET.Element, facts: Facts) -> Asset:
    """Return what a clip must know of its asset; raise where that is damaged."""
    form = facts.resources.get(asset.get("format", ""))
    return Asset(
        media_path(_source(asset)),
        time_of(asset.get("start", "0s")),
        "start" in asset.attrib,
        time_of(asset.get("duration", "0s")),
        (None if form is None else size_of(form)) or facts.given.size,
    )


def rate_of(form: ET.Element) -> Fraction:
    """Return a format's rate, which its name tells where nothing else does."""
    if "frameDuration" in form.attrib:
        return 1 / time_of(form.attrib["frameDuration"])
    named = _NAMED.fullmatch(form.get("name", ""))
    if not named:
        raise ValueError("its sequence says no frame duration")
    told = int(named[4]) / (100 if len(named[4]) == 4 else 1)  # 2997, but 25
    return exact_rate(told / 2 if named[3] == "i" else told)


def size_of(form: ET.Element) -> tuple[int, int] | None:
    """Return a format's picture in pixels; None where it does not say it."""
    if "width" not in form.attrib or "height" not in form.attrib:
        named = _NAMED.fullmatch(form.get("name", ""))
        if not named:
            return None
        height = int(named[2])
        width = int(named[1] or height * 16 // 9)
    else:
        width, height = int(form.attrib["width"]), int(form.attrib["height"])
    if not (0 < width < 1 << 16 and 0 < height < 1 << 16):
        raise ValueError(f"a picture of {width}x{height} is none")
    return width, height
