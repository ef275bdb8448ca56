"""How text formats spell what every timeline holds: XML, timecode, frame rates."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from fractions import Fraction

from otio_speakerzoom.errors import TimelineError

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, section 2.2


def xml_text(root: ET.Element, *, indent: str, doctype: str = "") -> str:
    """Return `root` as a document; a character that XML forbids becomes U+FFFD."""
    ET.indent(root, indent)
    kind = f"<!DOCTYPE {doctype}>\n" if doctype else ""
    body = _NOT_XML.sub("\ufffd", ET.tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{kind}{body}\n'


def timebase(rate: Fraction, path: str, format_: str) -> tuple[int, bool]:
    """Return the whole frames a second that timecode counts, and whether 1000/1001 is meant.

    Raise TimelineError for a rate that is neither, naming the file and the format.
    """
    for ntsc, whole in ((False, rate), (True, rate * Fraction(1001, 1000))):
        if whole.denominator == 1:
            return whole.numerator, ntsc
    raise TimelineError(
        f"{path}: {format_} has no way to say {rate} frames per second; conform it first: "
        f"ffmpeg -i IN -vf fps={max(1, round(rate))} -c:a copy OUT"
    )


def timecode(frame: int, base: int, *, drop: bool) -> str:
    """Return a count of frames from 00:00:00:00 as HH:MM:SS:FF; midnight follows 23:59.

    Dropped counting (SMPTE ST 12-1) leaves out the first 2 labels in 30, or 4 in 60, of every
    minute that is not a tenth one.
    """
    if drop:
        dropped = base // 15
        minute = 60 * base - dropped
        tens, rest = divmod(frame, 10 * minute + dropped)
        frame += dropped * (9 * tens + max(0, (rest - dropped) // minute))
    seconds, frames = divmod(frame, base)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{frames:02}"


def one_hour(base: int, *, drop: bool) -> int:
    """Return the frames to 01:00:00:00, where editors start a timeline."""
    # Dropped counting leaves out 2 labels in 30 in 54 of an hour's minutes.
    return 3600 * base - (54 * base // 15 if drop else 0)
