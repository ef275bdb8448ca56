"""How text formats spell what every timeline holds: XML and frame rates."""

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
