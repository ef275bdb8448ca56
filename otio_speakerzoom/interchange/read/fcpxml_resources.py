"""The resources of an FCPXML: formats and assets, and the values that clips inherit from them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePosixPath

from otio_speakerzoom.interchange.read.edited_timeline import MediaHints
from otio_speakerzoom.interchange.read.fcpxml_transform import time_of
from otio_speakerzoom.interchange.read.values import frame_size, media_path, rate_from_name

MEDIA_TAGS = ("asset-clip", "clip", "video")
"""Clips that may play an asset."""
_AUDIO_SUFFIXES = (".aac", ".aif", ".aiff", ".caf", ".flac", ".m4a", ".mp3", ".ogg", ".opus",
                   ".wav")  # fmt: skip
_FORMAT_NAME = re.compile(r"FFVideoFormat(?:(\d+)x)?(\d+)([pi])(\d{2,4})")
"""Apple's names of formats: the width where it is not 16:9, the height, the scan, and the rate."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A media file, as the document describes it."""

    path: str
    start: Fraction
    """Its timecode in seconds, 0 where the file does not have it."""
    has_start: bool
    """Whether the file has it."""
    duration: Fraction
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class SequenceFacts:
    """What all clips of a sequence share."""

    rate: Fraction
    canvas: tuple[int, int] | None
    start: Fraction
    """Timecode of the programme in seconds."""
    dialect: str
    resources: Mapping[str, ET.Element]
    """Everything that has an id: formats, assets, effects, compound clips."""
    hints: MediaHints

    def frames(self, seconds: Fraction) -> Fraction:
        """Return a time in frames of the programme."""
        return seconds * self.rate

    def asset(self, id_: str) -> ET.Element | None:
        """Return the asset with that id."""
        resource = self.resources.get(id_)
        return resource if resource is not None and resource.tag == "asset" else None


def start_of(item: ET.Element, facts: SequenceFacts) -> Fraction:
    """Return where a clip's own time starts; by default, where its media starts."""
    if "start" in item.attrib:
        return time_of(item.attrib["start"])
    asset = None if item.tag == "clip" else facts.asset(item.get("ref", ""))
    return Fraction(0) if asset is None else time_of(asset.get("start", "0s"))


def duration_of(item: ET.Element, facts: SequenceFacts) -> Fraction:
    """Return an item's duration in seconds; by default, that of what it plays."""
    if "duration" in item.attrib:
        return time_of(item.attrib["duration"])
    resource = facts.resources.get(item.get("ref", ""))
    inner = None if resource is None else resource.find("sequence")
    holder = resource if inner is None else inner
    if holder is None:
        raise ValueError("it has no duration")
    return time_of(holder.attrib["duration"])


def is_audio_only(item: ET.Element, facts: SequenceFacts) -> bool:
    """Return whether an item shows nothing: only its audio is used, or its file has no video."""
    if item.get("srcEnable") == "audio" or item.tag == "audio":
        return True
    if item.tag == "clip":
        return item.find("video") is None and item.find("audio") is not None
    asset = facts.asset(item.get("ref", ""))
    if item.tag not in MEDIA_TAGS or asset is None:
        return False
    if "hasVideo" in asset.attrib:
        return asset.get("hasVideo") == "0"
    if asset.get("hasAudio") == "1" and "format" not in asset.attrib:
        return True
    return PurePosixPath(_source_url(asset)).suffix.lower() in _AUDIO_SUFFIXES


def _source_url(asset: ET.Element) -> str:
    return asset.get("src") or next((m.get("src", "") for m in asset.iter("media-rep")), "")


def asset_of(asset: ET.Element, facts: SequenceFacts) -> Asset:
    """Return the record of an asset; raise one of `READ_ERRORS` where it is damaged."""
    format_ = facts.resources.get(asset.get("format", ""))
    return Asset(
        media_path(_source_url(asset)),
        time_of(asset.get("start", "0s")),
        "start" in asset.attrib,
        time_of(asset.get("duration", "0s")),
        (None if format_ is None else size_of(format_)) or facts.hints.size,
    )


def rate_of(format_: ET.Element) -> Fraction:
    """Return a format's frame rate, by its frame duration or else by its name."""
    if "frameDuration" in format_.attrib:
        return 1 / time_of(format_.attrib["frameDuration"])
    match = _FORMAT_NAME.fullmatch(format_.get("name", ""))
    if not match:
        raise ValueError("its sequence has no frame duration")
    return rate_from_name(match[4], match[3])


def size_of(format_: ET.Element) -> tuple[int, int] | None:
    """Return a format's frame size in pixels, by its attributes or else by its name."""
    if "width" in format_.attrib and "height" in format_.attrib:
        return frame_size(int(format_.attrib["width"]), int(format_.attrib["height"]))
    match = _FORMAT_NAME.fullmatch(format_.get("name", ""))
    if not match:
        return None
    height = int(match[2])
    return frame_size(int(match[1] or height * 16 // 9), height)
