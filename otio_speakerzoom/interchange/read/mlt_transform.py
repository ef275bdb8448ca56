"""How an MLT clip is placed: Shotcut's filter "Size, Position & Rotate", which is MLT's affine.

Its rectangle is where the whole picture lies on the canvas. Times are frames or clocks. Sources as
in `mlt`.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from otio_speakerzoom.interchange.read.edited_timeline import (
    MediaHints,
    Placing,
    TransformKey,
    placed,
)
from otio_speakerzoom.interchange.read.values import finite, whole
from otio_speakerzoom.model import FrameRange

_CLOCK = re.compile(r"(-?)(\d{1,9}):(\d\d):(\d\d)(?:[.,](\d{1,12}))?")
_KEY = re.compile(r"(?:(-?[\d:.,]+)([^=\d]?)=)?(.*)", re.DOTALL)
"""A frame or clock, a letter unless it goes on evenly from there, an equals sign, and the value."""
_BENT = 0.01
"""Share by which a rectangle's shape may differ from the picture's: its numbers are rounded."""
_HEARD = re.compile(
    "volume|audio(?!waveform|spectrum|levelgraph)|panner|mono$|channelcopy|swapchannels|loudness|"
    "dynamic_loudness|mute|fadeInVolume|fadeOutVolume|sox|ladspa|lv2|vst2|rbpitch",
    re.IGNORECASE,
)
"""How the names of filters begin that change sound only; a waveform is drawn over the picture."""
_EDGES = ("left", "top", "right", "bottom")


@dataclass(frozen=True, slots=True)
class Project:
    """What holds for a whole document."""

    root: str
    """Folder that relative paths count from; empty where none is told."""
    rate: Fraction
    canvas: tuple[int, int]
    producers: Mapping[str, ET.Element]
    """Everything that plays, by its id: producers, chains, playlists, tractors."""
    given: MediaHints
    looks: Iterator[int]
    """One for each element that may still be looked at."""

    def frame(self, time: str) -> int:
        """Return a time in whole frames."""
        clock = _CLOCK.fullmatch(time.strip())
        if not clock:
            return whole(time)
        hours, minutes, seconds = map(int, clock.group(2, 3, 4))
        part = Fraction(f"0.{clock[5] or 0}")
        frames = round((3600 * hours + 60 * minutes + seconds + part) * self.rate)
        return -frames if clock[1] else frames


def is_seen(effect: ET.Element) -> bool:
    """Return whether a filter is on and changes the picture; a crop of nothing does not."""
    service = value_of(effect, "mlt_service")
    names = (value_of(effect, "shotcut:filter"), service)
    if value_of(effect, "disable") == "1" or any(map(_HEARD.match, names)):
        return False
    crop = service == "crop" and not value_of(effect, "center").strip("0")
    return not crop or any(value_of(effect, edge).strip("0") for edge in _EDGES)


def framing(effect: ET.Element, source: FrameRange, project: Project) -> Placing:
    """Return how the affine filter places the picture.

    With fill, the picture covers the rectangle about its middle and is not cut off by it.
    """
    unsaid = [
        "is turned"
        for axis in "xyz"
        for turn in ("fix_rotate", "rotate")
        if not _resting(value_of(effect, f"transition.{turn}_{axis}"))
    ]
    ends = (effect.get("in"), effect.get("out"))
    first, last = (None if end is None else project.frame(end) for end in ends)
    if (first or 0) > source.start or (last is not None and last < source.end - 1):
        unsaid.append("is framed for a part of it only")
    if value_of(effect, "transition.fill") == "0":
        unsaid.append("is not framed to fill its rectangle")
    size, (width, height) = project.given.size, project.canvas
    if size is None or unsaid:
        return None, (), unsaid
    moves: list[TransformKey] = []
    texts = value_of(effect, "transition.rect").split(";")
    for text in texts:
        time, kind, rect = _key(text)
        try:
            x, y, w, h = (
                finite(number[:-1]) / 100 * of if number.endswith("%") else finite(number)
                for number, of in zip(
                    re.split(r"[\s/:x,]+", rect.strip())[:4],
                    (width, height, width, height),
                    strict=True,
                )
            )
        except ValueError:
            return None, (), [f"has a rectangle that cannot be read ({rect[:40]})"]
        if (kind and len(texts) > 1) or time.startswith("-"):
            unsaid.append("moves otherwise than evenly from key to key")
        across, down = w / size[0], h / size[1]
        bent = abs(across - down) > _BENT * max(across, down)
        if bent and value_of(effect, "transition.distort") == "1":
            unsaid.append("is stretched")
        scale = max(across, down)
        at = project.frame(time) if time and not time.startswith("-") else 0
        move = placed(scale, x + w / 2 - width / 2, y + h / 2 - height / 2)
        moves.append(TransformKey((first or 0) + at, move))
    moves.sort(key=lambda key: key.frame)
    still = len({key.move for key in moves}) == 1
    return moves[0].move, () if still else tuple(moves), unsaid


def _key(text: str) -> tuple[str, str, str]:
    """When, how it goes on from there, and the value; the first two empty where it stands still."""
    found = _KEY.fullmatch(text)
    return (found[1] or "", found[2] or "", found[3]) if found else ("", "", text)


def _resting(text: str) -> bool:
    """Whether a number, or every key of one, is a whole turn or none."""
    values = [_key(part)[2] for part in text.split(";")]
    try:
        return not any(finite(value or 0) % 360 for value in values)
    except ValueError:
        return False


def value_of(element: ET.Element, name: str) -> str:
    """Return the text of a property; empty where there is none."""
    for found in element.iterfind("property"):
        if found.get("name") == name:
            return found.text or ""
    return ""
