"""What all clips of an MLT document share: its profile, its producers, what it plays.

Sources as in `mlt`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.interchange.read.edited_timeline import MediaHints
from otio_speakerzoom.interchange.read.values import rate_from_name, whole_number

_CLOCK = re.compile(r"(-?)(\d{1,9}):(\d\d):(\d\d)(?:[.,](\d{1,12}))?")
_PROFILE_NAME = re.compile(r"(?:atsc|uhd|qhd)_(\d{3,4})([pi])_(\d{2,4})")
"""MLT's names of profiles: height, scan and rate."""
_DEFAULT_PROFILE = (Fraction(25), (720, 576))
"""What melt takes where none is named: dv_pal (MLT's `profiles/`)."""


@dataclass(frozen=True, slots=True)
class Project:
    """What all clips of a document share."""

    root: str
    """Folder that relative paths count from; empty where there is none."""
    rate: Fraction
    canvas: tuple[int, int]
    producers: Mapping[str, ET.Element]
    """Everything that plays, by its id: producers, chains, playlists, tractors."""
    hints: MediaHints
    visits: Iterator[int]
    """One for each element that may still be visited."""
    is_kdenlive: bool = False
    """Whether Kdenlive, or one who writes for it, wrote the document."""

    def count_visit(self) -> None:
        """Raise ValueError where more elements were visited than any project has."""
        if next(self.visits, None) is None:
            raise ValueError("its tracks contain one another without end")

    def frame(self, time: str) -> int:
        """Return a time in whole frames."""
        clock = _CLOCK.fullmatch(time.strip())
        if not clock:
            return whole_number(time)
        hours, minutes, seconds = map(int, clock.group(2, 3, 4))
        part = Fraction(f"0.{clock[5] or 0}")
        frames = round((3600 * hours + 60 * minutes + seconds + part) * self.rate)
        return -frames if clock[1] else frames


def profile_of(document: ET.Element) -> tuple[Fraction, tuple[int, int]]:
    """Return the frame rate and the canvas of an MLT document."""
    profile = document.find("profile")
    if profile is not None:
        width, height, frames, seconds = (
            whole_number(profile.attrib[key])
            for key in ("width", "height", "frame_rate_num", "frame_rate_den")
        )
        if min(width, height, frames, seconds) < 1:
            raise ValueError("its profile has a size or a rate of 0")
        return Fraction(frames, seconds), (width, height)
    name = document.get("profile")
    if not name:
        return _DEFAULT_PROFILE
    match = _PROFILE_NAME.fullmatch(name)
    if not match:
        raise ValueError(f"its profile {name[:40]!r} is unknown")
    height = int(match[1])
    return rate_from_name(match[3], match[2]), (height * 16 // 9, height)


def programme_of(document: ET.Element) -> ET.Element:
    """Return the tractor that a document names, else its last, else its first producer."""
    requested = document.get("producer")
    tractors = list(document.iter("tractor"))
    for tractor in tractors:
        if tractor.get("id") == requested:
            return tractor
    others = [e for tag in ("playlist", "chain", "producer") for e in document.iter(tag)]
    if not tractors and not others:
        raise ValueError("it has no tractor")
    return tractors[-1] if tractors else others[0]


def property_of(element: ET.Element, name: str) -> str:
    """Return the text of a property; empty where there is none."""
    for child in element.iterfind("property"):
        if child.get("name") == name:
            return child.text or ""
    return ""
